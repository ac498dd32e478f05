// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a function of the tvm-ffi ABI knows of its C function: made by the
// compiler, read by the code in TvmFfi.cpp, which is part of the object.

#ifndef MOEC_CODEGEN_OBJECT_TVM_DESCRIPTION_H
#define MOEC_CODEGEN_OBJECT_TVM_DESCRIPTION_H

#include "moec/frame.h"

namespace moec::object {

/// Of 8-byte members only, as TvmFunction.
struct TvmTensor {
  const char *name;
  int64_t dtype; ///< a moec_dtype
  int64_t rank;
};

struct TvmFunction {
  const char *name; ///< "layers.0.moe"
  int32_t (*entry)(const moec_frame *frame);
  int64_t (*workspace)(const moec_frame *frame);
  const TvmTensor *tensors; ///< arguments, then results
  int64_t numArguments;
  int64_t numResults;
  const void *const *weights; ///< linked; may be null
  int64_t numWeights;
  const moec_services *services; ///< for callers that give none
};

} // namespace moec::object

#endif // MOEC_CODEGEN_OBJECT_TVM_DESCRIPTION_H
