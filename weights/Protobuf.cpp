// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "weights/Protobuf.h"
#include "llvm/ADT/Twine.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/Endian.h"

using namespace moec;
using llvm::Error;
using llvm::Expected;
using llvm::Twine;

Error ProtobufReader::fail(const Twine &text) const {
  return llvm::createStringError(Twine(file.getPath()) + ": " + text);
}

Expected<uint64_t> ProtobufReader::readVarint() {
  constexpr uint64_t longest = 10;
  char data[longest];
  uint64_t available = std::min(longest, range.size());
  if (Error error =
          file.readBytes(range.begin, {data, static_cast<size_t>(available)}))
    return error;
  uint64_t value = 0;
  for (uint64_t i = 0; i < available; ++i) {
    value |= uint64_t(data[i] & 0x7f) << (7 * i);
    if (!(data[i] & 0x80)) {
      range.begin += i + 1;
      return value;
    }
  }
  return fail("a number does not end at byte " +
              Twine(range.begin + available));
}

Expected<uint64_t> ProtobufReader::readFixed(unsigned size) {
  char data[8] = {};
  if (range.size() < size)
    return fail("a message ends early, at byte " + Twine(range.end));
  if (Error error = file.readBytes(range.begin, {data, size}))
    return error;
  range.begin += size;
  return llvm::support::endian::read64le(data);
}

Expected<bool> ProtobufReader::next() {
  if (range.begin >= range.end)
    return false;
  Expected<uint64_t> tag = readVarint();
  if (!tag)
    return tag.takeError();
  field = static_cast<uint32_t>(*tag >> 3);
  unsigned kind = *tag & 7;
  Expected<uint64_t> value = uint64_t(0);
  switch (kind) {
  case 0:
    wire = Wire::Varint;
    value = readVarint();
    break;
  case 1:
    wire = Wire::Fixed64;
    value = readFixed(8);
    break;
  case 5:
    wire = Wire::Fixed32;
    value = readFixed(4);
    break;
  case 2:
    wire = Wire::Bytes;
    value = readVarint();
    if (value && *value > range.size())
      return fail("field " + Twine(field) + " claims " + Twine(*value) +
                  " bytes at byte " + Twine(range.begin) +
                  ", expected at most " + Twine(range.size()));
    break;
  default:
    return fail("unknown wire type " + Twine(kind) + " before byte " +
                Twine(range.begin));
  }
  if (!value)
    return value.takeError();
  number = *value;
  bytes = {};
  if (wire == Wire::Bytes) {
    bytes = {range.begin, range.begin + number};
    range.begin = bytes.end;
  }
  return true;
}

float ProtobufReader::getFloat() const {
  return llvm::bit_cast<float>(static_cast<uint32_t>(number));
}

Expected<std::string> ProtobufReader::getText(uint64_t longest) const {
  if (wire != Wire::Bytes || bytes.size() > longest)
    return fail("field " + Twine(field) + " before byte " + Twine(range.begin) +
                ": expected a text of at most " + Twine(longest) + " bytes");
  std::string text(bytes.size(), '\0');
  if (Error error = file.readBytes(bytes.begin, {text.data(), text.size()}))
    return error;
  return text;
}

Error ProtobufReader::getNumbers(llvm::SmallVectorImpl<int64_t> &numbers,
                                 uint64_t most) const {
  auto add = [&](uint64_t value) -> Error {
    if (numbers.size() >= most)
      return fail("field " + Twine(field) + ": expected at most " +
                  Twine(most) + " numbers");
    numbers.push_back(static_cast<int64_t>(value));
    return Error::success();
  };
  if (wire != Wire::Bytes)
    return add(number);
  ProtobufReader packed(file, bytes);
  while (packed.range.size()) {
    Expected<uint64_t> value = packed.readVarint();
    if (!value)
      return value.takeError();
    if (Error error = add(*value))
      return error;
  }
  return Error::success();
}
