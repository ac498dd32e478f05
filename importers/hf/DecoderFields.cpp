// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "importers/hf/DecoderFields.h"
#include "importers/Config.h"
#include "importers/LayerBuilder.h"
#include "importers/Try.h"
#include <cmath>

using namespace moec;
using namespace moec::hf;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

Expected<DecoderFields> DecoderFields::open(StringRef path) {
  DecoderFields fields(Json(), path);
  std::string text;
  MOEC_TRY(text, readTextFile(path));
  MOEC_TRY(fields.root, parseJson(text, path, /*maxDepth=*/64));
  if (!fields.root.is_object())
    return llvm::createStringError(path + ": expected an object, found " +
                                   describeJson(fields.root));
  return fields;
}

const Json *DecoderFields::find(StringRef key) const {
  auto found = root.find(key.str());
  return found == root.end() || found->is_null() ? nullptr : &*found;
}

llvm::Error DecoderFields::fail(StringRef key, const Twine &why) const {
  return llvm::createStringError(Twine(path) + ": field '" + key + "': " + why);
}

std::optional<DecoderFields> DecoderFields::object(StringRef key) const {
  const Json *value = find(key);
  if (!value || !value->is_object())
    return std::nullopt;
  return DecoderFields(*value, path);
}

Expected<std::optional<double>> DecoderFields::number(StringRef key) const {
  const Json *value = find(key);
  if (!value)
    return std::nullopt;
  if (!value->is_number() || !std::isfinite(value->get<double>()))
    return fail(key, "expected a number, found " + describeJson(*value));
  return value->get<double>();
}

Expected<double> DecoderFields::numberOr(StringRef key,
                                         double otherwise) const {
  auto value = number(key);
  if (!value)
    return value.takeError();
  return value->value_or(otherwise);
}

Expected<std::optional<int64_t>> DecoderFields::integer(StringRef key) const {
  const Json *value = find(key);
  if (!value)
    return std::nullopt;
  std::optional<int64_t> number = getInteger(*value);
  if (!number)
    return fail(key, "expected a whole number, found " + describeJson(*value));
  return number;
}

Expected<int64_t> DecoderFields::size(StringRef key) const {
  auto value = integer(key);
  if (!value)
    return value.takeError();
  if (!*value)
    return llvm::createStringError(Twine(path) + ": expected field '" + key +
                                   "', found none");
  if (**value < 1 || **value > kMaxSize)
    return fail(key, "expected a whole number from 1 to " + Twine(kMaxSize) +
                         ", found " + Twine(**value));
  return **value;
}

Expected<int64_t> DecoderFields::sizeOr(StringRef key,
                                        int64_t otherwise) const {
  if (!has(key))
    return otherwise;
  return size(key);
}

Expected<bool> DecoderFields::flag(StringRef key, bool otherwise) const {
  const Json *value = find(key);
  if (!value)
    return otherwise;
  if (!value->is_boolean())
    return fail(key, "expected true or false, found " + describeJson(*value));
  return value->get<bool>();
}

Expected<std::string> DecoderFields::stringOr(StringRef key,
                                              StringRef otherwise) const {
  const Json *value = find(key);
  if (!value)
    return otherwise.str();
  if (!value->is_string())
    return fail(key, "expected a string, found " + describeJson(*value));
  return value->get<std::string>();
}

Expected<std::vector<std::string>> DecoderFields::strings(StringRef key) const {
  std::vector<std::string> result;
  const Json *value = find(key);
  if (!value)
    return result;
  if (!value->is_array())
    return fail(key, "expected a list, found " + describeJson(*value));
  for (const Json &entry : *value) {
    if (!entry.is_string())
      return fail(key, "expected strings, found " + describeJson(entry));
    result.push_back(entry.get<std::string>());
  }
  return result;
}

Expected<std::vector<double>> DecoderFields::numbers(StringRef key) const {
  std::vector<double> result;
  const Json *value = find(key);
  if (!value)
    return result;
  if (!value->is_array())
    return fail(key, "expected a list, found " + describeJson(*value));
  for (const Json &entry : *value) {
    if (!entry.is_number())
      return fail(key, "expected numbers, found " + describeJson(entry));
    result.push_back(entry.get<double>());
  }
  return result;
}
