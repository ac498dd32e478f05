// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/artifact/TemporaryFile.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace moec::artifact {

/// A huge page of every 64-bit processor that has 4 KiB pages.
static constexpr size_t kBlock = size_t(2) << 20;

TemporaryFile::~TemporaryFile() {
  if (file >= 0)
    ::close(file);
  if (!temporary.empty())
    ::unlink(temporary.c_str());
}

std::string TemporaryFile::failure(const char *what) const {
  return path + ": cannot " + what + ": " + std::strerror(errno);
}

std::string TemporaryFile::open(const std::string &name) {
  path = name;
  // The attempt number keeps two writers of one process apart.
  for (int attempt = 0; attempt < 1000; ++attempt) {
    std::string candidate = path + ".tmp-" + std::to_string(::getpid()) + "-" +
                            std::to_string(attempt);
    file =
        ::open(candidate.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file >= 0) {
      temporary = candidate;
      return "";
    }
    if (errno != EEXIST)
      break;
  }
  return failure("create");
}

std::string TemporaryFile::writeNow(const char *bytes, size_t size) {
  while (size != 0) {
    ssize_t count = ::write(file, bytes, size);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return failure("write");
    bytes += count;
    size -= count;
  }
  return "";
}

std::string TemporaryFile::flush() {
  std::string error = writeNow(pending.data(), pending.size());
  pending.clear();
  return error;
}

std::string TemporaryFile::write(const void *data, size_t size) {
  auto *bytes = static_cast<const char *>(data);
  while (size != 0) {
    size_t count = std::min(size, kBlock - pending.size());
    if (count == kBlock) {
      count = size / kBlock * kBlock;
      if (std::string error = writeNow(bytes, count); !error.empty())
        return error;
    } else {
      pending.insert(pending.end(), bytes, bytes + count);
      if (pending.size() == kBlock)
        if (std::string error = flush(); !error.empty())
          return error;
    }
    bytes += count;
    size -= count;
  }
  return "";
}

std::string TemporaryFile::writeAt(uint64_t offset, const void *data,
                                   size_t size) {
  if (std::string error = flush(); !error.empty())
    return error;
  if (::lseek(file, offset, SEEK_SET) < 0)
    return failure("seek");
  return writeNow(static_cast<const char *>(data), size);
}

std::string TemporaryFile::keep() {
  if (std::string error = flush(); !error.empty())
    return error;
  int closed = ::close(file);
  file = -1;
  if (closed != 0)
    return failure("write");
  if (::rename(temporary.c_str(), path.c_str()) != 0)
    return failure("create");
  temporary.clear();
  return "";
}

} // namespace moec::artifact
