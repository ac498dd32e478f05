// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which matmuls compute in integers (see dialects/grouped/Compute.h).

#ifndef MOEC_PASSES_SELECTCOMPUTE_H
#define MOEC_PASSES_SELECTCOMPUTE_H

#include "mlir/Pass/Pass.h"

namespace moec {

/// moe-select-compute: matmuls over int8 or int4 blocks of 32 without offsets
/// get `grouped.compute = "int8"`; a remark names those that stay f32, and it
/// is an error if all do. Class: measured error.
std::unique_ptr<mlir::Pass> createSelectComputePass();

/// Registers --moe-select-compute.
void registerSelectComputePass();

} // namespace moec

#endif // MOEC_PASSES_SELECTCOMPUTE_H
