// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "importers/gguf/Metadata.h"
#include "importers/Try.h"
#include <cmath>

using namespace moec;
using namespace moec::gguf;
using llvm::createStringError;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

static constexpr StringRef kArchitecture = "general.architecture";

Expected<Metadata> Metadata::read(const GgufFile &file) {
  Metadata metadata(file);
  const auto *found = file.get<std::string>(kArchitecture);
  if (!found)
    return createStringError(Twine(metadata.getPath()) +
                             ": expected the key '" + kArchitecture +
                             "' with a string");
  metadata.architecture = *found;
  return metadata;
}

std::string Metadata::name(StringRef key) const {
  return architecture + "." + key.str();
}

const GgufValue *Metadata::find(StringRef key) const {
  return file->find(name(key));
}

Error Metadata::fail(StringRef key, const Twine &why) const {
  return createStringError(Twine(getPath()) + ": key '" + name(key) +
                           "': " + why);
}

/// The whole number of a layer, where the value has one.
static std::optional<int64_t> getWhole(const GgufValue &value, int64_t layer) {
  if (const auto *number = std::get_if<int64_t>(&value))
    return *number;
  const auto *list = std::get_if<std::vector<int64_t>>(&value);
  if (list && layer < static_cast<int64_t>(list->size()))
    return (*list)[layer];
  return std::nullopt;
}

Expected<int64_t> Metadata::getCount(StringRef key, int64_t max,
                                     int64_t layer) const {
  const GgufValue *value = find(key);
  if (!value)
    return 0;
  std::optional<int64_t> number = getWhole(*value, layer);
  if (!number)
    return fail(key, "expected a whole number, or one for each layer");
  if (*number < 0 || *number > max)
    return fail(key, "expected a number from 0 to " + Twine(max) + ", found " +
                         Twine(*number));
  return *number;
}

Expected<int64_t> Metadata::getSize(StringRef key, int64_t max,
                                    int64_t layer) const {
  if (!has(key))
    return fail(key, "expected a whole number, found none");
  int64_t number;
  MOEC_TRY(number, getCount(key, max, layer));
  if (number == 0)
    return fail(key, "expected a number from 1 to " + Twine(max) + ", found 0");
  return number;
}

Expected<double> Metadata::getNumber(StringRef key, double otherwise,
                                     int64_t layer) const {
  const GgufValue *value = find(key);
  if (!value)
    return otherwise;
  double number = NAN;
  if (std::optional<int64_t> whole = getWhole(*value, layer))
    number = static_cast<double>(*whole);
  else if (const auto *real = std::get_if<double>(value))
    number = *real;
  else if (const auto *list = std::get_if<std::vector<double>>(value);
           list && layer < static_cast<int64_t>(list->size()))
    number = (*list)[layer];
  if (!std::isfinite(number))
    return fail(key, "expected a finite number, or one for each layer");
  return number;
}

Expected<bool> Metadata::getFlag(StringRef key, bool otherwise) const {
  const GgufValue *value = find(key);
  if (!value)
    return otherwise;
  if (const bool *flag = std::get_if<bool>(value))
    return *flag;
  return fail(key, "expected true or false");
}

Expected<std::string> Metadata::getString(StringRef key,
                                          StringRef otherwise) const {
  const GgufValue *value = find(key);
  if (!value)
    return otherwise.str();
  if (const auto *text = std::get_if<std::string>(value))
    return *text;
  return fail(key, "expected a string");
}
