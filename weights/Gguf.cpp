// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "weights/Gguf.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"

using namespace moec;
using llvm::createStringError;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

namespace {
/// A ggml type that weights of models come in. Numbers are ggml's enum.
struct TypeInfo {
  uint32_t number;
  StringRef name;
  GgufBlock block;
};

constexpr TypeInfo kTypes[] = {
    {0, "F32", {1, 4}},         {1, "F16", {1, 2}},
    {2, "Q4_0", {32, 18}},      {3, "Q4_1", {32, 20}},
    {6, "Q5_0", {32, 22}},      {7, "Q5_1", {32, 24}},
    {8, "Q8_0", {32, 34}},      {10, "Q2_K", {256, 84}},
    {11, "Q3_K", {256, 110}},   {12, "Q4_K", {256, 144}},
    {13, "Q5_K", {256, 176}},   {14, "Q6_K", {256, 210}},
    {15, "Q8_K", {256, 292}},   {16, "IQ2_XXS", {256, 66}},
    {17, "IQ2_XS", {256, 74}},  {18, "IQ3_XXS", {256, 98}},
    {19, "IQ1_S", {256, 50}},   {20, "IQ4_NL", {32, 18}},
    {21, "IQ3_S", {256, 110}},  {22, "IQ2_S", {256, 82}},
    {23, "IQ4_XS", {256, 136}}, {24, "I8", {1, 1}},
    {25, "I16", {1, 2}},        {26, "I32", {1, 4}},
    {27, "I64", {1, 8}},        {28, "F64", {1, 8}},
    {29, "IQ1_M", {256, 56}},   {30, "BF16", {1, 2}},
    {39, "MXFP4", {32, 17}},
};

/// Types of metadata, the format's numbers.
enum class ValueType : uint32_t {
  U8,
  I8,
  U16,
  I16,
  U32,
  I32,
  F32,
  Bool,
  String,
  Array,
  U64,
  I64,
  F64,
};

constexpr uint64_t kMaxNameBytes = 65535;
constexpr uint32_t kMaxRank = 4;
constexpr uint64_t kMaxCount = 1 << 20; // of keys, and of tensors
// Beyond any vocabulary or chat template, so that memory stays in bounds.
constexpr uint64_t kMaxElements = 1 << 24;
constexpr uint64_t kMaxStringBytes = 1 << 26;
} // namespace

std::optional<GgufBlock> moec::getGgufBlock(StringRef dtype) {
  for (const TypeInfo &type : kTypes)
    if (type.name == dtype)
      return type.block;
  return std::nullopt;
}

namespace moec {
/// Reads the header from the front, a buffer at a time.
class GgufParser {
public:
  explicit GgufParser(GgufFile &result)
      : result(result), file(*result.tensors) {}

  Error parse();

private:
  Error parseMetadata(uint64_t count);
  Error parseTensors(uint64_t count);
  Error parseTensor(const std::string &name);
  Expected<GgufValue> parseValue(ValueType type);
  Expected<GgufValue> parseArray();
  template <typename T>
  Expected<GgufValue> parseElements(ValueType type, uint64_t count);
  Error place(uint64_t dataBegin);

  Error read(char *out, uint64_t size);
  template <typename T> Error read(T &out) {
    char bytes[sizeof(T)];
    if (Error error = read(bytes, sizeof(T)))
      return error;
    out = llvm::support::endian::read<T, llvm::endianness::little>(bytes);
    return Error::success();
  }
  Error read(std::string &out, uint64_t longest);
  template <typename T> Expected<GgufValue> readAs(auto widen);
  Error fail(const Twine &text) const {
    return createStringError(Twine(file.getPath()) + where + ": " + text);
  }

  GgufFile &result;
  TensorFile &file;
  std::string where; ///< ": key 'x'" or ": tensor 'x'"
  uint64_t position = 0;
  std::string buffer;
  uint64_t bufferBegin = 0;
  std::vector<std::pair<std::string, TensorEntry>> entries;
};
} // namespace moec

Error GgufParser::read(char *out, uint64_t size) {
  constexpr uint64_t chunk = 1 << 20;
  if (size > file.getSize() - position)
    return fail("the header ends early, at byte " + Twine(file.getSize()));
  while (size) {
    if (position < bufferBegin || position >= bufferBegin + buffer.size()) {
      bufferBegin = position;
      buffer.resize(std::min(chunk, file.getSize() - position));
      if (Error error =
              file.readBytes(bufferBegin, {buffer.data(), buffer.size()}))
        return error;
    }
    uint64_t begin = position - bufferBegin;
    uint64_t count = std::min<uint64_t>(size, buffer.size() - begin);
    std::copy_n(buffer.data() + begin, count, out);
    out += count;
    position += count;
    size -= count;
  }
  return Error::success();
}

Error GgufParser::read(std::string &out, uint64_t longest) {
  uint64_t length;
  if (Error error = read(length))
    return error;
  if (length > longest || length > file.getSize() - position)
    return fail("a string claims " + Twine(length) +
                " bytes, expected at most " +
                Twine(std::min(longest, file.getSize() - position)));
  out.resize(length);
  return read(out.data(), length);
}

/// One scalar of the file's type T.
template <typename T> Expected<GgufValue> GgufParser::readAs(auto widen) {
  T value;
  if (Error error = read(value))
    return error;
  return GgufValue(widen(value));
}

Expected<GgufValue> GgufParser::parseValue(ValueType type) {
  auto integer = [](auto value) { return static_cast<int64_t>(value); };
  auto real = [](auto value) { return static_cast<double>(value); };
  switch (type) {
  case ValueType::U8:
    return readAs<uint8_t>(integer);
  case ValueType::I8:
    return readAs<int8_t>(integer);
  case ValueType::U16:
    return readAs<uint16_t>(integer);
  case ValueType::I16:
    return readAs<int16_t>(integer);
  case ValueType::U32:
    return readAs<uint32_t>(integer);
  case ValueType::I32:
    return readAs<int32_t>(integer);
  case ValueType::U64:
    return readAs<uint64_t>(integer);
  case ValueType::I64:
    return readAs<int64_t>(integer);
  case ValueType::F32:
    return readAs<float>(real);
  case ValueType::F64:
    return readAs<double>(real);
  case ValueType::Bool:
    return readAs<uint8_t>([](uint8_t value) { return value != 0; });
  case ValueType::String: {
    std::string text;
    if (Error error = read(text, kMaxStringBytes))
      return error;
    return GgufValue(std::move(text));
  }
  case ValueType::Array:
    return parseArray();
  }
  return fail("unknown type " + Twine(static_cast<uint32_t>(type)) +
              " of a value");
}

template <typename T>
Expected<GgufValue> GgufParser::parseElements(ValueType type, uint64_t count) {
  std::vector<T> elements;
  for (uint64_t i = 0; i < count; ++i) {
    Expected<GgufValue> value = parseValue(type);
    if (!value)
      return value.takeError();
    elements.push_back(std::get<T>(std::move(*value)));
  }
  return GgufValue(std::move(elements));
}

Expected<GgufValue> GgufParser::parseArray() {
  uint32_t number;
  uint64_t count;
  if (Error error = read(number))
    return error;
  if (Error error = read(count))
    return error;
  // Every element takes a byte at least.
  uint64_t most = std::min(kMaxElements, file.getSize() - position);
  if (count > most)
    return fail("an array claims " + Twine(count) +
                " elements, expected at most " + Twine(most));
  auto type = static_cast<ValueType>(number);
  switch (type) {
  case ValueType::F32:
  case ValueType::F64:
    return parseElements<double>(type, count);
  case ValueType::Bool:
    return parseElements<bool>(type, count);
  case ValueType::String:
    return parseElements<std::string>(type, count);
  case ValueType::Array:
    return fail("an array of arrays is not supported");
  default:
    if (number > static_cast<uint32_t>(ValueType::F64))
      return fail("unknown type " + Twine(number) + " of an array");
    return parseElements<int64_t>(type, count);
  }
}

Error GgufParser::parseMetadata(uint64_t count) {
  for (uint64_t i = 0; i < count; ++i) {
    where = ": key " + std::to_string(i);
    std::string key;
    uint32_t type;
    if (Error error = read(key, kMaxNameBytes))
      return error;
    where = ": key '" + key + "'";
    if (Error error = read(type))
      return error;
    Expected<GgufValue> value = parseValue(static_cast<ValueType>(type));
    if (!value)
      return value.takeError();
    if (!result.metadata.try_emplace(key, std::move(*value)).second)
      return fail("is there twice");
  }
  where.clear();
  return Error::success();
}

Error GgufParser::parseTensor(const std::string &name) {
  uint32_t rank, number;
  TensorEntry entry;
  if (Error error = read(rank))
    return error;
  if (rank == 0 || rank > kMaxRank)
    return fail("expected 1 to " + Twine(kMaxRank) + " dimensions, found " +
                Twine(rank));
  int64_t elements = 1;
  for (uint32_t i = 0; i < rank; ++i) {
    uint64_t size;
    if (Error error = read(size))
      return error;
    if (size > INT64_MAX ||
        llvm::MulOverflow(elements, static_cast<int64_t>(size), elements))
      return fail("the shape is too large");
    entry.shape.insert(entry.shape.begin(), static_cast<int64_t>(size));
  }
  if (Error error = read(number))
    return error;
  const auto *type = llvm::find_if(
      kTypes, [&](const TypeInfo &info) { return info.number == number; });
  if (type == std::end(kTypes))
    return fail("unknown type " + Twine(number));
  entry.dtype = type->name.str();
  if (entry.shape.back() % type->block.elements)
    return fail("rows of " + Twine(entry.shape.back()) +
                " elements are not whole blocks of " +
                Twine(type->block.elements) + " (" + type->name + ")");
  int64_t bytes;
  if (llvm::MulOverflow(elements / type->block.elements, type->block.bytes,
                        bytes))
    return fail("the shape is too large");
  entry.size = static_cast<uint64_t>(bytes);
  if (Error error = read(entry.offset))
    return error;
  entries.emplace_back(name, std::move(entry));
  return Error::success();
}

Error GgufParser::parseTensors(uint64_t count) {
  for (uint64_t i = 0; i < count; ++i) {
    where = ": tensor " + std::to_string(i);
    std::string name;
    if (Error error = read(name, kMaxNameBytes))
      return error;
    where = ": tensor '" + name + "'";
    if (Error error = parseTensor(name))
      return error;
  }
  where.clear();
  return Error::success();
}

/// Makes offsets those of the file, and adds the tensors.
Error GgufParser::place(uint64_t dataBegin) {
  llvm::sort(entries, [](const auto &a, const auto &b) {
    return std::pair(a.second.offset, a.second.size) <
           std::pair(b.second.offset, b.second.size);
  });
  uint64_t dataSize =
      file.getSize() > dataBegin ? file.getSize() - dataBegin : 0;
  uint64_t next = 0;
  for (auto &[name, entry] : entries) {
    where = ": tensor '" + name + "'";
    if (entry.offset > dataSize || entry.size > dataSize - entry.offset)
      return fail("its " + Twine(entry.size) + " bytes at " +
                  Twine(entry.offset) +
                  " of the data leave the file, which has " + Twine(dataSize));
    if (entry.offset < next)
      return fail("overlaps the tensor before it");
    next = entry.offset + entry.size;
    entry.offset += dataBegin;
    if (!file.add(name, std::move(entry)))
      return fail("is there twice");
  }
  where.clear();
  return Error::success();
}

Error GgufParser::parse() {
  char magic[4];
  uint32_t version;
  uint64_t numTensors, numKeys;
  if (Error error = read(magic, sizeof(magic)))
    return error;
  if (StringRef(magic, sizeof(magic)) != "GGUF")
    return fail("not a GGUF file: it does not begin with GGUF");
  if (Error error = read(version))
    return error;
  if (version != 2 && version != 3)
    return fail("expected GGUF version 2 or 3 (little-endian), found " +
                Twine(version));
  if (Error error = read(numTensors))
    return error;
  if (Error error = read(numKeys))
    return error;
  if (numTensors > kMaxCount || numKeys > kMaxCount)
    return fail("claims " + Twine(numTensors) + " tensors and " +
                Twine(numKeys) + " keys, expected at most " + Twine(kMaxCount));
  if (Error error = parseMetadata(numKeys))
    return error;
  if (Error error = parseTensors(numTensors))
    return error;
  uint64_t alignment = 32;
  if (const auto *given = result.get<int64_t>("general.alignment")) {
    if (*given <= 0 || *given > (1 << 20) || !llvm::isPowerOf2_64(*given))
      return fail("key 'general.alignment': expected a power of two up to "
                  "1048576, found " +
                  Twine(*given));
    alignment = static_cast<uint64_t>(*given);
  }
  return place(llvm::alignTo(position, alignment));
}

Expected<GgufFile> GgufFile::open(StringRef path) {
  auto file = TensorFile::open(path);
  if (!file)
    return file.takeError();
  GgufFile result(std::move(*file));
  if (Error error = GgufParser(result).parse())
    return error;
  return result;
}

const GgufValue *GgufFile::find(StringRef key) const {
  auto found = metadata.find(key);
  return found == metadata.end() ? nullptr : &found->second;
}
