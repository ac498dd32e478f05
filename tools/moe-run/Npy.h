// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_TOOLS_MOE_RUN_NPY_H
#define MOEC_TOOLS_MOE_RUN_NPY_H

#include "tools/moe-run/Tensor.h"

namespace moec {

/// NumPy's format, versions 1 to 3, little-endian and in C order.
Failure readNpy(const std::string &path, Tensor &tensor);

/// Writes version 1.0. There is no bf16 in the format.
Failure writeNpy(const std::string &path, const Tensor &tensor);

} // namespace moec

#endif // MOEC_TOOLS_MOE_RUN_NPY_H
