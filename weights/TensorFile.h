// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A file that holds named tensors. Its header is parsed and checked as a whole
// when it is opened; tensor bytes are read on demand with pread, so that memory
// does not grow with the file and a file that shrinks meanwhile is an error and
// not a fault.

#ifndef MOEC_WEIGHTS_TENSORFILE_H
#define MOEC_WEIGHTS_TENSORFILE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <cstdint>
#include <memory>
#include <string>

namespace moec {

class TensorFile;

/// One tensor of a file.
struct TensorEntry {
  /// As safetensors names it: "F32", "BF16", ...; formats without such a name
  /// keep the one that their file format gives them.
  std::string dtype;
  llvm::SmallVector<int64_t, 4> shape;
  uint64_t offset = 0; ///< in the file, in bytes
  uint64_t size = 0;   ///< in bytes
  /// The file that holds the bytes, if it is not the one that names the tensor.
  std::shared_ptr<const TensorFile> home;
};

class TensorFile {
public:
  /// Opens a regular file, without tensors so far. Errors name it.
  static llvm::Expected<std::unique_ptr<TensorFile>> open(llvm::StringRef path);
  ~TensorFile();
  TensorFile(const TensorFile &) = delete;
  TensorFile &operator=(const TensorFile &) = delete;

  llvm::StringRef getPath() const { return path; }
  uint64_t getSize() const { return size; }
  /// The tensor of this name, or null.
  const TensorEntry *find(llvm::StringRef name) const;
  const llvm::StringMap<TensorEntry> &getTensors() const { return tensors; }
  /// Adds a tensor whose bytes lie in the file; false if the name is taken.
  bool add(llvm::StringRef name, TensorEntry entry);

  /// Reads bytes [begin, begin + out.size()) of a tensor. Thread-safe.
  llvm::Error read(const TensorEntry &tensor, uint64_t begin,
                   llvm::MutableArrayRef<char> out) const;
  /// Reads bytes of the file itself.
  llvm::Error readBytes(uint64_t begin, llvm::MutableArrayRef<char> out) const;

private:
  TensorFile(int descriptor, llvm::StringRef path)
      : descriptor(descriptor), path(path) {}

  int descriptor;
  std::string path;
  uint64_t size = 0;
  llvm::StringMap<TensorEntry> tensors;
};

} // namespace moec

#endif // MOEC_WEIGHTS_TENSORFILE_H
