// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_TOOLS_MOE_RUN_SAFETENSORS_H
#define MOEC_TOOLS_MOE_RUN_SAFETENSORS_H

#include "tools/moe-run/Tensor.h"

namespace moec {

/// Reads one tensor; nothing in the file is trusted.
Failure readSafetensors(const std::string &path, const std::string &name,
                        Tensor &tensor);

/// Writes all tensors, wide elements first, so that each is aligned.
Failure writeSafetensors(const std::string &path,
                         const std::vector<NamedTensor> &tensors);

} // namespace moec

#endif // MOEC_TOOLS_MOE_RUN_SAFETENSORS_H
