// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "weights/TensorFile.h"
#include "llvm/ADT/Twine.h"
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace moec;
using llvm::createStringError;
using llvm::Twine;

llvm::Expected<std::unique_ptr<TensorFile>>
TensorFile::open(llvm::StringRef path) {
  int descriptor = ::open(path.str().c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    return createStringError(path + ": cannot open: " + std::strerror(errno));
  std::unique_ptr<TensorFile> file(new TensorFile(descriptor, path));
  struct stat status;
  if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode))
    return createStringError(path + ": not a regular file");
  file->size = status.st_size;
  return file;
}

TensorFile::~TensorFile() { ::close(descriptor); }

const TensorEntry *TensorFile::find(llvm::StringRef name) const {
  auto found = tensors.find(name);
  return found == tensors.end() ? nullptr : &found->second;
}

bool TensorFile::add(llvm::StringRef name, TensorEntry entry) {
  return tensors.try_emplace(name, std::move(entry)).second;
}

llvm::Error TensorFile::readBytes(uint64_t begin,
                                  llvm::MutableArrayRef<char> out) const {
  char *to = out.data();
  uint64_t left = out.size();
  while (left) {
    ssize_t got = ::pread(descriptor, to, left, static_cast<off_t>(begin));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return createStringError(Twine(path) +
                               ": cannot read: " + std::strerror(errno));
    if (got == 0)
      return createStringError(Twine(path) +
                               ": the file became shorter while it was read");
    to += got;
    begin += got;
    left -= got;
  }
  return llvm::Error::success();
}

llvm::Error TensorFile::read(const TensorEntry &tensor, uint64_t begin,
                             llvm::MutableArrayRef<char> out) const {
  if (begin > tensor.size || out.size() > tensor.size - begin)
    return createStringError(Twine(path) + ": read beyond the end of a tensor");
  const TensorFile &home = tensor.home ? *tensor.home : *this;
  return home.readBytes(tensor.offset + begin, out);
}
