// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_RUNTIME_CODEIMAGE_H
#define MOEC_RUNTIME_CODEIMAGE_H

#include "runtime/ArtifactFile.h"

namespace moec::runtime {

/// The shared object of one code variant, loaded. Nothing of it is ever
/// writable and executable at once.
class CodeImage {
public:
  CodeImage() = default;
  CodeImage(const CodeImage &) = delete;
  CodeImage &operator=(const CodeImage &) = delete;
  ~CodeImage();

  /// Copies the bytes to a sealed memory file, checks hash and ELF header of
  /// the copy, loads it and compares its moec_abi_version.
  moec_status load(const char *name, const char *level, const uint8_t *data,
                   uint64_t size, const schema::Hash &hash, moec_error *error);

  /// Null when there is no such symbol.
  void *symbol(const char *name) const;

private:
  int file = -1;
  void *handle = nullptr;
};

} // namespace moec::runtime

#endif // MOEC_RUNTIME_CODEIMAGE_H
