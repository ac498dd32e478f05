// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tensors between files and the runtime.

#ifndef MOEC_TOOLS_MOE_RUN_TENSOR_H
#define MOEC_TOOLS_MOE_RUN_TENSOR_H

#include "tools/moe-run/Failure.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace moec {

/// A dense row-major tensor that owns its bytes.
struct Tensor {
  int32_t dtype = MOEC_DTYPE_F32; ///< a moec_dtype
  std::vector<int64_t> shape;
  std::vector<char> bytes;

  /// The tensor as DLPack has it, borrowed from this one.
  DLTensor borrow();
};

using NamedTensor = std::pair<std::string, Tensor>;

/// Product of the shape times the element size; false when it overflows or a
/// dimension is negative.
bool countBytes(int32_t dtype, const std::vector<int64_t> &shape,
                uint64_t &bytes);

/// "[2, 3]"
std::string describeShape(const std::vector<int64_t> &shape);

/// Converts between floating-point types and between integer types; false when
/// the two types are not of one kind or a value does not fit.
bool convertTensor(Tensor &tensor, int32_t dtype);

/// Reads FILE.npy or FILE.safetensors:TENSOR. Messages name file and tensor.
Failure readTensor(const std::string &place, Tensor &tensor);

/// Writes FILE.npy (exactly one tensor) or FILE.safetensors, under a temporary
/// name first.
Failure writeTensors(const std::string &path,
                     const std::vector<NamedTensor> &tensors);

} // namespace moec

#endif // MOEC_TOOLS_MOE_RUN_TENSOR_H
