// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "weights/Safetensors.h"
#include "weights/Json.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"
#include <vector>

using namespace moec;
using llvm::createStringError;
using llvm::Twine;

// The format's own limit.
static constexpr uint64_t kMaxHeaderBytes = 100'000'000;

unsigned moec::getSafetensorsElementSize(llvm::StringRef dtype) {
  return llvm::StringSwitch<unsigned>(dtype)
      .Cases({"BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2", "F8_E8M0"}, 1)
      .Cases({"U16", "I16", "F16", "BF16"}, 2)
      .Cases({"U32", "I32", "F32"}, 4)
      .Cases({"U64", "I64", "F64"}, 8)
      .Default(0);
}

/// Checks one entry of the header; offsets stay relative to the data.
static llvm::Expected<TensorEntry> parseEntry(const Json &value,
                                              const Twine &where) {
  if (!value.is_object())
    return createStringError(where + ": expected an object, found " +
                             describeJson(value));
  TensorEntry entry;
  auto dtype = value.find("dtype");
  if (dtype == value.end() || !dtype->is_string())
    return createStringError(where + ": expected a string 'dtype'");
  entry.dtype = dtype->get<std::string>();
  unsigned elementSize = getSafetensorsElementSize(entry.dtype);
  if (!elementSize)
    return createStringError(where + ": unknown dtype '" + entry.dtype + "'");

  auto shape = value.find("shape");
  if (shape == value.end() || !shape->is_array())
    return createStringError(where + ": expected an array 'shape'");
  int64_t bytes = elementSize;
  for (const Json &dimension : *shape) {
    std::optional<int64_t> size = getInteger(dimension);
    if (!size || *size < 0)
      return createStringError(where +
                               ": expected whole sizes in 'shape', found " +
                               describeJson(dimension));
    entry.shape.push_back(*size);
    if (llvm::MulOverflow(bytes, *size, bytes))
      return createStringError(where + ": 'shape' " + describeJson(*shape) +
                               " is too large");
  }

  auto offsets = value.find("data_offsets");
  if (offsets == value.end() || !offsets->is_array() || offsets->size() != 2)
    return createStringError(where +
                             ": expected two numbers in 'data_offsets'");
  std::optional<int64_t> begin = getInteger((*offsets)[0]);
  std::optional<int64_t> end = getInteger((*offsets)[1]);
  if (!begin || !end || *begin < 0 || *end < *begin)
    return createStringError(where + ": 'data_offsets' " +
                             describeJson(*offsets) + " is not a range");
  if (*end - *begin != bytes)
    return createStringError(where + ": shape and dtype need " + Twine(bytes) +
                             " bytes, 'data_offsets' has " +
                             Twine(*end - *begin));
  entry.offset = *begin;
  entry.size = bytes;
  return entry;
}

/// Adds the tensors that the header names.
static llvm::Error parseHeader(TensorFile &file, llvm::StringRef header,
                               uint64_t dataBegin) {
  llvm::StringRef path = file.getPath();
  // An entry is three levels deep; metadata is two.
  llvm::Expected<Json> document = parseJson(header, path, /*maxDepth=*/8);
  if (!document)
    return document.takeError();
  if (!document->is_object())
    return createStringError(path + ": the header is not an object");

  llvm::StringMap<TensorEntry> tensors;
  std::vector<const llvm::StringMapEntry<TensorEntry> *> order;
  for (const auto &[name, value] : document->items()) {
    if (name == "__metadata__")
      continue;
    llvm::Expected<TensorEntry> entry =
        parseEntry(value, path + ": tensor '" + name + "'");
    if (!entry)
      return entry.takeError();
    auto inserted = tensors.try_emplace(name, std::move(*entry));
    order.push_back(&*inserted.first);
  }

  llvm::sort(order, [](const auto *a, const auto *b) {
    return std::pair(a->second.offset, a->second.size) <
           std::pair(b->second.offset, b->second.size);
  });
  uint64_t dataSize = file.getSize() - dataBegin;
  uint64_t next = 0;
  for (const auto *tensor : order) {
    std::string where =
        (Twine(path) + ": tensor '" + tensor->getKey() + "'").str();
    uint64_t offset = tensor->second.offset;
    if (offset + tensor->second.size > dataSize)
      return createStringError(Twine(where) + ": ends at byte " +
                               Twine(offset + tensor->second.size) +
                               " of the data, the file has " + Twine(dataSize));
    if (offset < next)
      return createStringError(Twine(where) +
                               ": overlaps the tensor before it");
    if (offset > next)
      return createStringError(Twine(where) + ": leaves a gap of " +
                               Twine(offset - next) + " bytes before it");
    next = offset + tensor->second.size;
  }
  if (next != dataSize)
    return createStringError(Twine(path) + ": tensors end at byte " +
                             Twine(next) + " of the data, the file has " +
                             Twine(dataSize));
  for (auto &tensor : tensors) {
    tensor.second.offset += dataBegin;
    file.add(tensor.getKey(), std::move(tensor.second));
  }
  return llvm::Error::success();
}

llvm::Expected<std::unique_ptr<TensorFile>>
moec::openSafetensors(llvm::StringRef path) {
  auto opened = TensorFile::open(path);
  if (!opened)
    return opened.takeError();
  TensorFile &file = **opened;
  char lengthBytes[8];
  if (file.getSize() < sizeof lengthBytes)
    return createStringError(path +
                             ": expected a safetensors header of at "
                             "least 8 bytes, the file has " +
                             Twine(file.getSize()));
  if (llvm::Error error = file.readBytes(0, lengthBytes))
    return error;
  uint64_t length = llvm::support::endian::read64le(lengthBytes);
  uint64_t longest =
      std::min(kMaxHeaderBytes, file.getSize() - sizeof lengthBytes);
  if (length > longest)
    return createStringError(path + ": the header claims " + Twine(length) +
                             " bytes, expected at most " + Twine(longest));
  std::string header(length, '\0');
  if (llvm::Error error =
          file.readBytes(sizeof lengthBytes, {header.data(), header.size()}))
    return error;
  if (llvm::Error error =
          parseHeader(file, header, sizeof lengthBytes + length))
    return error;
  return opened;
}
