// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "importers/json/Validate.h"
#include "importers/json/description_bfbs_generated.h"
#include "weights/Json.h"
#include "llvm/ADT/Twine.h"
#include <flatbuffers/idl.h>

using namespace moec;
using llvm::createStringError;
using llvm::Twine;

llvm::Expected<std::vector<uint8_t>>
moec::json::validateDescription(llvm::StringRef text, llvm::StringRef path) {
  // The FlatBuffers parser takes more than JSON; what it sees is JSON already.
  auto document = parseJson(text, path, /*maxDepth=*/16);
  if (!document)
    return document.takeError();
  if (!document->is_object())
    return createStringError(path + ": expected an object, found " +
                             describeJson(*document));
  flatbuffers::IDLOptions options;
  options.strict_json = true;
  flatbuffers::Parser parser(options);
  using Schema = description::DescriptionBinarySchema;
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
