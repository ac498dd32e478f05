// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "weights/Safetensors.h"
#include "weights/Json.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
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

/// Reads exactly `size` bytes at `offset`; returns why not, or nothing.
static std::string readAt(int descriptor, uint64_t offset, char *out,
                          uint64_t size) {
  while (size) {
    ssize_t got = ::pread(descriptor, out, size, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return std::string("cannot read: ") + std::strerror(errno);
    if (got == 0)
      return "the file became shorter while it was read";
    out += got;
    offset += got;
    size -= got;
  }
  return {};
}

llvm::Expected<std::unique_ptr<SafetensorsFile>>
SafetensorsFile::open(llvm::StringRef path) {
  int descriptor = ::open(path.str().c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    return createStringError(path + ": cannot open: " + std::strerror(errno));
  std::unique_ptr<SafetensorsFile> file(new SafetensorsFile(descriptor, path));
  struct stat status;
  if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode))
    return createStringError(path + ": not a regular file");
  uint64_t fileSize = status.st_size;
  char lengthBytes[8];
  if (fileSize < sizeof lengthBytes)
    return createStringError(path +
                             ": expected a safetensors header of at "
                             "least 8 bytes, the file has " +
                             Twine(fileSize));
  std::string problem = readAt(descriptor, 0, lengthBytes, sizeof lengthBytes);
  if (!problem.empty())
    return createStringError(path + ": " + problem);
  uint64_t length = llvm::support::endian::read64le(lengthBytes);
  if (length > kMaxHeaderBytes || length > fileSize - sizeof lengthBytes)
    return createStringError(
        path + ": the header claims " + Twine(length) +
        " bytes, expected at most " +
        Twine(std::min(kMaxHeaderBytes, fileSize - sizeof lengthBytes)));
  std::string header(length, '\0');
  problem = readAt(descriptor, sizeof lengthBytes, header.data(), length);
  if (!problem.empty())
    return createStringError(path + ": " + problem);
  if (llvm::Error error =
          file->parse(header, sizeof lengthBytes + length, fileSize))
    return error;
  return file;
}

SafetensorsFile::~SafetensorsFile() { ::close(descriptor); }

const SafetensorsEntry *SafetensorsFile::find(llvm::StringRef name) const {
  auto found = tensors.find(name);
  return found == tensors.end() ? nullptr : &found->second;
}

/// Checks one entry of the header; offsets stay relative to the data.
static llvm::Expected<SafetensorsEntry> parseEntry(const Json &value,
                                                   const Twine &where) {
  if (!value.is_object())
    return createStringError(where + ": expected an object, found " +
                             describeJson(value));
  SafetensorsEntry entry;
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

llvm::Error SafetensorsFile::parse(llvm::StringRef header, uint64_t dataBegin,
                                   uint64_t fileSize) {
  // An entry is three levels deep; metadata is two.
  llvm::Expected<Json> document = parseJson(header, path, /*maxDepth=*/8);
  if (!document)
    return document.takeError();
  if (!document->is_object())
    return createStringError(Twine(path) + ": the header is not an object");

  std::vector<const llvm::StringMapEntry<SafetensorsEntry> *> order;
  for (const auto &[name, value] : document->items()) {
    if (name == "__metadata__")
      continue;
    llvm::Expected<SafetensorsEntry> entry =
        parseEntry(value, Twine(path) + ": tensor '" + name + "'");
    if (!entry)
      return entry.takeError();
    auto inserted = tensors.try_emplace(name, std::move(*entry));
    order.push_back(&*inserted.first);
  }

  llvm::sort(order, [](const auto *a, const auto *b) {
    return std::pair(a->second.offset, a->second.size) <
           std::pair(b->second.offset, b->second.size);
  });
  uint64_t dataSize = fileSize - dataBegin;
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
  for (auto &tensor : tensors)
    tensor.second.offset += dataBegin;
  return llvm::Error::success();
}

llvm::Error SafetensorsFile::read(const SafetensorsEntry &tensor,
                                  uint64_t begin,
                                  llvm::MutableArrayRef<char> out) const {
  std::string problem =
      begin + out.size() <= tensor.size
          ? readAt(descriptor, tensor.offset + begin, out.data(), out.size())
          : "read beyond the end of a tensor";
  if (!problem.empty())
    return createStringError(Twine(path) + ": " + problem);
  return llvm::Error::success();
}
