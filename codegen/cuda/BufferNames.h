// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Buffers in CUDA C++: a pointer, and an expression for each size and stride.

#ifndef MOEC_CODEGEN_CUDA_BUFFERNAMES_H
#define MOEC_CODEGEN_CUDA_BUFFERNAMES_H

#include "mlir/IR/BuiltinTypes.h"
#include <string>
#include <vector>

namespace moec::cuda {

/// A buffer as expressions, each a name or a literal.
struct BufferName {
  std::string base; ///< of type pointer to element, at the first element
  std::vector<std::string> sizes, strides;

  /// "base[i * 8 + j]"
  std::string at(llvm::ArrayRef<std::string> position) const;
  /// "i * 8 + j", "0" for the first element
  std::string offset(llvm::ArrayRef<std::string> position) const;
};

/// "a * b" without factors that are 1.
std::string product(llvm::StringRef a, llvm::StringRef b);

/// Strides of a dense buffer of these sizes; a product of sizes that are not
/// literals is in parentheses.
std::vector<std::string> denseStrides(llvm::ArrayRef<std::string> sizes);

} // namespace moec::cuda

#endif // MOEC_CODEGEN_CUDA_BUFFERNAMES_H
