// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The header of GGUF files (versions 2 and 3, little-endian): metadata and
// tensors. Nothing in it is trusted. Format: ggml's docs/gguf.md.

#ifndef MOEC_WEIGHTS_GGUF_H
#define MOEC_WEIGHTS_GGUF_H

#include "weights/TensorFile.h"
#include <optional>
#include <variant>
#include <vector>

namespace moec {

/// Numbers are widened; arrays hold what their elements are.
using GgufValue = std::variant<int64_t, double, bool, std::string,
                               std::vector<int64_t>, std::vector<double>,
                               std::vector<bool>, std::vector<std::string>>;

class GgufFile {
public:
  /// Opens `path`. Errors name the file, and the key or tensor where there is
  /// one: a header that ends early, counts and sizes beyond the file, repeated
  /// names, tensors that overlap or leave the file.
  static llvm::Expected<GgufFile> open(llvm::StringRef path);

  /// Tensors have ggml's type names in upper case ("F32", "Q8_0", "Q4_K") and
  /// shapes with the dimension that is contiguous in memory last.
  const TensorFile &getTensors() const { return *tensors; }
  std::unique_ptr<TensorFile> takeTensors() { return std::move(tensors); }

  /// The value of a key, or null.
  const GgufValue *find(llvm::StringRef key) const;
  /// The value of a key if it has one of this type.
  template <typename T> const T *get(llvm::StringRef key) const {
    const GgufValue *value = find(key);
    return value ? std::get_if<T>(value) : nullptr;
  }

private:
  explicit GgufFile(std::unique_ptr<TensorFile> tensors)
      : tensors(std::move(tensors)) {}

  std::unique_ptr<TensorFile> tensors;
  llvm::StringMap<GgufValue> metadata;

  friend class GgufParser;
};

/// Elements and bytes of a block of a ggml type.
struct GgufBlock {
  int64_t elements = 1;
  int64_t bytes = 0;
};

/// The block of a type that GgufFile names, or nothing if it is unknown.
std::optional<GgufBlock> getGgufBlock(llvm::StringRef dtype);

} // namespace moec

#endif // MOEC_WEIGHTS_GGUF_H
