// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "importers/json/Validate.h"
#include "importers/json/description_bfbs_generated.h"
#include "weights/Json.h"
#include "llvm/ADT/Twine.h"
#include <flatbuffers/idl.h>
#include <flatbuffers/reflection_generated.h>

using namespace moec;
using llvm::createStringError;
using llvm::Error;
using llvm::Twine;
using Schema = description::DescriptionBinarySchema;

namespace {

/// The FlatBuffers parser reads "6" and true as numbers, and numbers as
/// enumerators. This refuses them before it sees them; what else is wrong it
/// reports itself.
class ScalarCheck {
public:
  ScalarCheck(llvm::StringRef path, const reflection::Schema &schema)
      : path(path), schema(schema) {}

  Error checkObject(const reflection::Object &type, const Json &object,
                    const std::string &where) const {
    if (!object.is_object())
      return Error::success();
    for (const auto &[name, value] : object.items()) {
      const auto *field = type.fields()->LookupByKey(name.c_str());
      if (!field)
        continue;
      std::string place = where.empty() ? name : where + "." + name;
      if (Error error = checkField(*field->type(), value, place))
        return error;
    }
    return Error::success();
  }

private:
  Error checkField(const reflection::Type &type, const Json &value,
                   const std::string &place) const {
    auto object = [&] { return schema.objects()->Get(type.index()); };
    switch (type.base_type()) {
    case reflection::BaseType::Obj:
      return checkObject(*object(), value, place);
    case reflection::BaseType::Vector:
      for (size_t i = 0; value.is_array() && i < value.size(); ++i)
        if (Error error = checkObject(*object(), value[i],
                                      place + "[" + std::to_string(i) + "]"))
          return error;
      return Error::success();
    case reflection::BaseType::Bool:
      return expect(value.is_boolean(), "true or false", value, place);
    case reflection::BaseType::Long:
      return expect(getInteger(value).has_value(), "a whole number", value,
                    place);
    case reflection::BaseType::Double:
      return expect(value.is_number(), "a number", value, place);
    default:
      return expect(value.is_string(), "a string", value, place);
    }
  }

  Error expect(bool matches, const char *what, const Json &value,
               const std::string &place) const {
    if (matches || value.is_null())
      return Error::success();
    return createStringError(path + ": field '" + place + "': expected " +
                             what + ", found " + describeJson(value));
  }

  llvm::StringRef path;
  const reflection::Schema &schema;
};

} // namespace

llvm::Expected<std::vector<uint8_t>>
moec::json::validateDescription(llvm::StringRef text, llvm::StringRef path) {
  // The FlatBuffers parser takes more than JSON; what it sees is JSON already.
  auto document = parseJson(text, path, /*maxDepth=*/16);
  if (!document)
    return document.takeError();
  if (!document->is_object())
    return createStringError(path + ": expected an object, found " +
                             describeJson(*document));
  const reflection::Schema &schema = *reflection::GetSchema(Schema::data());
  if (Error error = ScalarCheck(path, schema)
                        .checkObject(*schema.root_table(), *document, ""))
    return error;

  flatbuffers::IDLOptions options;
  options.strict_json = true;
  flatbuffers::Parser parser(options);
  if (!parser.Deserialize(Schema::data(), Schema::size()))
    return createStringError("the schema of descriptions is damaged");
  if (!parser.ParseJson(text.str().c_str(), path.str().c_str())) {
    // "PATH: LINE: COLUMN: error: unknown field: x"
    llvm::StringRef message = llvm::StringRef(parser.error_).rtrim();
    message.consume_front(path);
    auto [place, what] = message.split(": error: ");
    if (what.empty())
      return createStringError(path + ": " + message);
    auto [line, column] = place.ltrim(": ").split(": ");
    return createStringError(path + ":" + line + ": " + what);
  }
  const uint8_t *bytes = parser.builder_.GetBufferPointer();
  return std::vector<uint8_t>(bytes, bytes + parser.builder_.GetSize());
}
