// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "weights/Json.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/Twine.h"
#include <vector>

using namespace moec;

namespace {

/// Builds the document through the library's own handler, and stops at what the
/// library would accept: deep nesting and repeated keys.
class CheckedSax {
public:
  CheckedSax(Json &root, unsigned maxDepth)
      : dom(root, /*allow_exceptions=*/false), maxDepth(maxDepth) {}

  using number_integer_t = Json::number_integer_t;
  using number_unsigned_t = Json::number_unsigned_t;
  using number_float_t = Json::number_float_t;
  using string_t = Json::string_t;
  using binary_t = Json::binary_t;

  bool null() { return dom.null(); }
  bool boolean(bool value) { return dom.boolean(value); }
  bool number_integer(number_integer_t value) {
    return dom.number_integer(value);
  }
  bool number_unsigned(number_unsigned_t value) {
    return dom.number_unsigned(value);
  }
  bool number_float(number_float_t value, const string_t &text) {
    return dom.number_float(value, text);
  }
  bool string(string_t &value) { return dom.string(value); }
  bool binary(binary_t &value) { return dom.binary(value); }

  bool start_object(std::size_t size) {
    keys.emplace_back();
    return enter() && dom.start_object(size);
  }
  bool key(string_t &name) {
    if (!keys.back().insert(name).second) {
      message = "duplicate key '" + name + "'";
      return false;
    }
    return dom.key(name);
  }
  bool end_object() {
    keys.pop_back();
    --depth;
    return dom.end_object();
  }
  bool start_array(std::size_t size) {
    return enter() && dom.start_array(size);
  }
  bool end_array() {
    --depth;
    return dom.end_array();
  }
  bool parse_error(std::size_t position, const std::string &,
                   const nlohmann::detail::exception &error) {
    // "[json.exception.parse_error.101] parse error at ..."
    llvm::StringRef text = error.what();
    message = text.substr(text.find("] ") == llvm::StringRef::npos
                              ? 0
                              : text.find("] ") + 2)
                  .str();
    return false;
  }

  std::string message = "not a JSON document";

private:
  bool enter() {
    if (++depth <= maxDepth)
      return true;
    message = "nested deeper than " + std::to_string(maxDepth) + " levels";
    return false;
  }

  nlohmann::detail::json_sax_dom_parser<Json> dom;
  std::vector<llvm::StringSet<>> keys;
  unsigned depth = 0;
  unsigned maxDepth;
};

} // namespace

llvm::Expected<Json> moec::parseJson(llvm::StringRef text, llvm::StringRef file,
                                     unsigned maxDepth) {
  Json root;
  CheckedSax sax(root, maxDepth);
  if (!Json::sax_parse(text.begin(), text.end(), &sax))
    return llvm::createStringError(file + ": " + sax.message);
  return root;
}

std::optional<int64_t> moec::getInteger(const Json &value) {
  if (value.is_number_unsigned()) {
    auto number = value.get<uint64_t>();
    if (number > static_cast<uint64_t>(INT64_MAX))
      return std::nullopt;
    return static_cast<int64_t>(number);
  }
  if (value.is_number_integer())
    return value.get<int64_t>();
  return std::nullopt;
}

std::string moec::describeJson(const Json &value) {
  std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() > 60)
    text = text.substr(0, 57) + "...";
  return text;
}
