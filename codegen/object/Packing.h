// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Objects with weights by pointer pack them from the layouts that engines keep.

#ifndef MOEC_CODEGEN_OBJECT_PACKING_H
#define MOEC_CODEGEN_OBJECT_PACKING_H

#include "codegen/object/pack/Description.h"
#include "mlir/IR/BuiltinTypes.h"
#include <string>

namespace moec::object {

/// How the weight of `type` with this value is packed. Its source is None for
/// what engines do not hold in one table of a row-major or ggml format.
PackDescription describePacking(mlir::RankedTensorType type,
                                mlir::Attribute value);

/// What the caller hands over to pack a weight, for the header: "from 16
/// pointers: 8 to gate, then 8 to up; each f32 [24, 48]".
std::string describeSource(mlir::RankedTensorType type, mlir::Attribute value);

} // namespace moec::object

#endif // MOEC_CODEGEN_OBJECT_PACKING_H
