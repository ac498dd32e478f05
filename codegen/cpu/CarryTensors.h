// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_CODEGEN_CPU_CARRYTENSORS_H
#define MOEC_CODEGEN_CPU_CARRYTENSORS_H

#include "mlir/IR/Operation.h"

namespace moec::cpu {

/// Makes what a loop carries live in one buffer: where an iteration yields a
/// new tensor, it is copied into the one that the iteration began with. Sizes
/// of loops' and branches' tensors become those of earlier ones, since a
/// workspace cannot depend on what is computed.
void carryTensorsInPlace(mlir::Operation *root);

} // namespace moec::cpu

#endif // MOEC_CODEGEN_CPU_CARRYTENSORS_H
