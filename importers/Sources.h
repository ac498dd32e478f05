// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Parameters that are tensors of files.

#ifndef MOEC_IMPORTERS_SOURCES_H
#define MOEC_IMPORTERS_SOURCES_H

#include "importers/LayerBuilder.h"
#include "weights/SourceFiles.h"

namespace moec {

/// The parameter that is a tensor of a file. The error names file, tensor and
/// what was expected: this shape, and F32, F16 or BF16 elements.
llvm::Expected<ParameterSpec>
makeSource(SourceFiles &files, llvm::StringRef file, llvm::StringRef tensor,
           llvm::ArrayRef<int64_t> shape, mlir::MLIRContext *context);

/// The stack of parameters of one type; there is at least one.
ParameterSpec makeStack(llvm::ArrayRef<ParameterSpec> parts);

/// Elements [offset, offset + size) of dimension `dim`.
ParameterSpec makeSlice(const ParameterSpec &whole, int64_t dim, int64_t offset,
                        int64_t size);

} // namespace moec

#endif // MOEC_IMPORTERS_SOURCES_H
