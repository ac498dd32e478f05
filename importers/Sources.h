// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Parameters that are tensors of files.

#ifndef MOEC_IMPORTERS_SOURCES_H
#define MOEC_IMPORTERS_SOURCES_H

#include "importers/LayerSpec.h"
#include "weights/SourceFiles.h"

namespace moec {

/// The parameter that is a tensor of a file. The error names file, tensor and
/// what was expected: this shape, and F32, F16 or BF16 elements, or the blocks
/// of a quantised tensor of a GGUF file.
llvm::Expected<ParameterSpec>
makeSource(SourceFiles &files, llvm::StringRef file, llvm::StringRef tensor,
           llvm::ArrayRef<int64_t> shape, mlir::MLIRContext *context);

/// Likewise, of I32 or I64 elements.
llvm::Expected<ParameterSpec> makeIntegerSource(SourceFiles &files,
                                                llvm::StringRef file,
                                                llvm::StringRef tensor,
                                                llvm::ArrayRef<int64_t> shape,
                                                mlir::MLIRContext *context);

/// The stack of parameters of one type; there is at least one.
ParameterSpec makeStack(llvm::ArrayRef<ParameterSpec> parts);

/// Elements offset + i * step of dimension `dim`, for i < size.
ParameterSpec makeSlice(const ParameterSpec &whole, int64_t dim, int64_t offset,
                        int64_t size, int64_t step = 1);

/// Dimension i of the result is dimension `permutation[i]`.
ParameterSpec makeTranspose(const ParameterSpec &value,
                            llvm::ArrayRef<int64_t> permutation);

/// The same elements in another shape.
ParameterSpec makeReshape(const ParameterSpec &value,
                          llvm::ArrayRef<int64_t> shape);

} // namespace moec

#endif // MOEC_IMPORTERS_SOURCES_H
