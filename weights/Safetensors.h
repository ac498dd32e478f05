// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reader of safetensors files that trusts nothing in them. The header is parsed
// and checked as a whole when the file is opened; tensor bytes are read on
// demand with pread, so that memory does not grow with the file and a file that
// shrinks meanwhile is an error and not a fault.

#ifndef MOEC_WEIGHTS_SAFETENSORS_H
#define MOEC_WEIGHTS_SAFETENSORS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <cstdint>
#include <memory>
#include <string>

namespace moec {

/// One tensor of a file.
struct SafetensorsEntry {
  std::string dtype; ///< as the file names it: "F32", "BF16", ...
  llvm::SmallVector<int64_t, 4> shape;
  uint64_t offset = 0; ///< in the file, in bytes
  uint64_t size = 0; ///< in bytes: the product of shape times the dtype's size
};

/// Bytes of one element of a dtype that safetensors defines, 0 if unknown.
unsigned getSafetensorsElementSize(llvm::StringRef dtype);

class SafetensorsFile {
public:
  /// Opens `path`. Errors name the file, and the tensor where there is one: a
  /// file that is too short, a header that is not JSON, unknown dtypes, shapes
  /// that do not fit their bytes, tensors that overlap, leave gaps or leave the
  /// file.
  static llvm::Expected<std::unique_ptr<SafetensorsFile>>
  open(llvm::StringRef path);
  ~SafetensorsFile();
  SafetensorsFile(const SafetensorsFile &) = delete;
  SafetensorsFile &operator=(const SafetensorsFile &) = delete;

  llvm::StringRef getPath() const { return path; }
  /// The tensor of this name, or null.
  const SafetensorsEntry *find(llvm::StringRef name) const;
  const llvm::StringMap<SafetensorsEntry> &getTensors() const {
    return tensors;
  }

  /// Reads bytes [begin, begin + out.size()) of a tensor. Thread-safe.
  llvm::Error read(const SafetensorsEntry &tensor, uint64_t begin,
                   llvm::MutableArrayRef<char> out) const;

private:
  SafetensorsFile(int descriptor, llvm::StringRef path)
      : descriptor(descriptor), path(path) {}
  llvm::Error parse(llvm::StringRef header, uint64_t dataBegin,
                    uint64_t fileSize);

  int descriptor;
  std::string path;
  llvm::StringMap<SafetensorsEntry> tensors;
};

} // namespace moec

#endif // MOEC_WEIGHTS_SAFETENSORS_H
