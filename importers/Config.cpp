// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "importers/Config.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include <cmath>

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
  const Json *place = &root;
  while (!key.empty()) {
    auto [first, rest] = key.split('.');
    auto found = place->find(first.str());
    if (!place->is_object() || found == place->end())
      return nullptr;
    place = &*found;
    key = rest;
  }
  return place->is_null() ? nullptr : place;
}

bool Config::isList(StringRef key) const {
  const Json *value = find(key);
  return value && value->is_array();
}

StringRef Config::findFirst(llvm::ArrayRef<StringRef> keys) const {
  for (StringRef key : keys)
    if (has(key))
      return key;
  return {};
}

Expected<Config> Config::getObject(StringRef key) const {
  const Json *value = find(key);
  if (!value)
    return fail(key, "expected an object, found none");
  if (!value->is_object())
    return fail(key, "expected an object, found " + describeJson(*value));
  return Config(*value, path, prefix + key.str() + ".");
}

llvm::Error Config::fail(StringRef key, const Twine &why) const {
  return createStringError(Twine(path) + ": field '" + prefix + key +
                           "': " + why);
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
                                  StringRef what, int64_t max,
                                  int64_t layer) const {
  std::optional<int64_t> result;
  StringRef from;
  for (StringRef key : keys) {
    const Json *value = find(key);
    if (!value)
      continue;
    if (layer >= 0 && value->is_array()) {
      if (static_cast<uint64_t>(layer) >= value->size())
        return fail(key, "expected a number for layer " + Twine(layer) +
                             ", found " + Twine(value->size()) + " numbers");
      value = &(*value)[layer];
    }
    auto number = checkNumber(key, *value, 1, max);
    if (!number)
      return number;
    if (result && *result != *number)
      return fail(key, "expected the value of '" + prefix + from + "' (" +
                           Twine(*result) + "), found " + Twine(*number));
    result = *number;
    from = key;
  }
  if (result)
    return *result;
  std::string names;
  for (StringRef key : keys)
    names += (names.empty() ? "'" : " or '") + prefix + key.str() + "'";
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
    return createStringError(Twine(path) + ": expected field '" + prefix + key +
                             "', found none");
  if (!value->is_string())
    return fail(key, "expected a string, found " + describeJson(*value));
  return value->get<std::string>();
}

Expected<std::string> Config::getStringOr(StringRef key,
                                          StringRef otherwise) const {
  return has(key) ? getString(key) : otherwise.str();
}

Expected<double> Config::getNumber(StringRef key, double otherwise) const {
  const Json *value = find(key);
  if (!value)
    return otherwise;
  if (!value->is_number() || !std::isfinite(value->get<double>()))
    return fail(key, "expected a number, found " + describeJson(*value));
  return value->get<double>();
}

/// The list in a field, or null.
Expected<const Json *> Config::findList(StringRef key) const {
  const Json *value = find(key);
  if (value && !value->is_array())
    return fail(key, "expected a list, found " + describeJson(*value));
  return value;
}

Expected<std::optional<double>> Config::getLayerNumber(StringRef key,
                                                       int64_t layer) const {
  auto list = findList(key);
  if (!list)
    return list.takeError();
  if (!*list)
    return std::optional<double>();
  if (static_cast<uint64_t>(layer) >= (*list)->size())
    return fail(key, "expected an entry for layer " + Twine(layer) +
                         ", found " + Twine((*list)->size()) + " entries");
  const Json &entry = (**list)[layer];
  if (entry.is_null())
    return std::optional<double>();
  if (!entry.is_number() || !std::isfinite(entry.get<double>()))
    return fail(key, "expected numbers, found " + describeJson(entry));
  return std::optional<double>(entry.get<double>());
}

Expected<std::vector<int64_t>> Config::getNumbers(StringRef key) const {
  std::vector<int64_t> numbers;
  auto list = findList(key);
  if (!list)
    return list.takeError();
  if (!*list)
    return numbers;
  for (const Json &entry : **list) {
    std::optional<int64_t> number = getInteger(entry);
    if (!number)
      return fail(key, "expected whole numbers, found " + describeJson(entry));
    numbers.push_back(*number);
  }
  return numbers;
}

Expected<std::vector<std::string>> Config::getStrings(StringRef key) const {
  std::vector<std::string> strings;
  auto list = findList(key);
  if (!list)
    return list.takeError();
  if (!*list)
    return strings;
  for (const Json &entry : **list) {
    if (!entry.is_string())
      return fail(key, "expected strings, found " + describeJson(entry));
    strings.push_back(entry.get<std::string>());
  }
  return strings;
}
