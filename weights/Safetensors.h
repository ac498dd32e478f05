// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The header of safetensors files, of which nothing is trusted.

#ifndef MOEC_WEIGHTS_SAFETENSORS_H
#define MOEC_WEIGHTS_SAFETENSORS_H

#include "weights/TensorFile.h"

namespace moec {

/// Bytes of one element of a dtype that safetensors defines, 0 if unknown.
unsigned getSafetensorsElementSize(llvm::StringRef dtype);

/// Opens `path`. Errors name the file, and the tensor where there is one: a
/// file that is too short, a header that is not JSON, unknown dtypes, shapes
/// that do not fit their bytes, tensors that overlap, leave gaps or leave the
/// file.
llvm::Expected<std::unique_ptr<TensorFile>>
openSafetensors(llvm::StringRef path);

} // namespace moec

#endif // MOEC_WEIGHTS_SAFETENSORS_H
