// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "importers/Config.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace moec;
using llvm::createStringError;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

Expected<std::string> moec::readTextFile(StringRef path) {
  constexpr uint64_t kMaxBytes = 64 << 20;
  llvm::sys::fs::file_status status;
  if (std::error_code code = llvm::sys::fs::status(path, status))
    return createStringError(path + ": cannot open: " + code.message());
  if (!llvm::sys::fs::is_regular_file(status))
    return createStringError(path + ": not a regular file");
  if (status.getSize() > kMaxBytes)
    return createStringError(path + ": expected a text of at most 64 MiB");
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer)
    return createStringError(path +
                             ": cannot read: " + buffer.getError().message());
  return (*buffer)->getBuffer().str();
}

Expected<Config> Config::open(StringRef path) {
  auto text = readTextFile(path);
  if (!text)
    return text.takeError();
  auto root = parseJson(*text, path, /*maxDepth=*/64);
  if (!root)
    return root.takeError();
  if (!root->is_object())
    return createStringError(path + ": expected an object, found " +
                             describeJson(*root));
  return Config(std::move(*root), path);
}

const Json *Config::find(StringRef key) const {
  auto found = root.find(key.str());
  return found == root.end() || found->is_null() ? nullptr : &*found;
}

llvm::Error Config::fail(StringRef key, const Twine &why) const {
  return createStringError(Twine(path) + ": field '" + key + "': " + why);
}

Expected<int64_t> Config::checkNumber(StringRef key, const Json &value,
                                      int64_t min, int64_t max) const {
  std::optional<int64_t> number = getInteger(value);
  if (!number || *number < min || *number > max)
    return fail(key, "expected a whole number from " + Twine(min) + " to " +
                         Twine(max) + ", found " + describeJson(value));
  return *number;
}

Expected<int64_t> Config::getSize(llvm::ArrayRef<StringRef> keys,
                                  StringRef what, int64_t max) const {
  std::optional<int64_t> result;
  StringRef from;
  for (StringRef key : keys) {
    const Json *value = find(key);
    if (!value)
      continue;
    auto number = checkNumber(key, *value, 1, max);
    if (!number)
      return number;
    if (result && *result != *number)
      return fail(key, "expected the value of '" + from + "' (" +
                           Twine(*result) + "), found " + Twine(*number));
    result = *number;
    from = key;
  }
  if (result)
    return *result;
  std::string names;
  for (StringRef key : keys)
    names += (names.empty() ? "'" : " or '") + key.str() + "'";
  return createStringError(Twine(path) + ": expected field " + names + " (" +
                           what + "), found none");
}

Expected<int64_t> Config::getSizeOr(StringRef key, int64_t otherwise,
                                    int64_t min, int64_t max) const {
  const Json *value = find(key);
  return value ? checkNumber(key, *value, min, max) : otherwise;
}

Expected<bool> Config::getFlag(StringRef key, bool otherwise) const {
  const Json *value = find(key);
  if (!value)
    return otherwise;
  if (!value->is_boolean())
    return fail(key, "expected true or false, found " + describeJson(*value));
  return value->get<bool>();
}

Expected<std::string> Config::getString(StringRef key) const {
  const Json *value = find(key);
  if (!value)
    return createStringError(Twine(path) + ": expected field '" + key +
                             "', found none");
  if (!value->is_string())
    return fail(key, "expected a string, found " + describeJson(*value));
  return value->get<std::string>();
}

Expected<std::string> Config::getStringOr(StringRef key,
                                          StringRef otherwise) const {
  return has(key) ? getString(key) : otherwise.str();
}

Expected<std::vector<int64_t>> Config::getNumbers(StringRef key) const {
  std::vector<int64_t> numbers;
  const Json *value = find(key);
  if (!value)
    return numbers;
  if (!value->is_array())
    return fail(key, "expected a list, found " + describeJson(*value));
  for (const Json &entry : *value) {
    std::optional<int64_t> number = getInteger(entry);
    if (!number)
      return fail(key, "expected whole numbers, found " + describeJson(entry));
    numbers.push_back(*number);
  }
  return numbers;
}
