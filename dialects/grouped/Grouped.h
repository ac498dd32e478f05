// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The grouped dialect: the only header of this folder that others include.

#ifndef MOEC_DIALECTS_GROUPED_GROUPED_H
#define MOEC_DIALECTS_GROUPED_GROUPED_H

#include "dialects/moe/Moe.h"

#include "dialects/grouped/GroupedDialect.h.inc"
#include "dialects/grouped/GroupedEnums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/grouped/GroupedAttributes.h.inc"
#define GET_OP_CLASSES
#include "dialects/grouped/GroupedOps.h.inc"

namespace moec::grouped {

/// Dimensions of the iteration space of maps: group, row, token, slot, column.
enum MapDim { Group = 0, Row = 1, Token = 2, Slot = 3, Column = 4 };
inline constexpr unsigned kNumMapDims = 5;

/// Registers how the dialect's operations are bufferized: each works in place
/// on its inits.
void registerBufferizableOpInterfaceExternalModels(
    mlir::DialectRegistry &registry);

} // namespace moec::grouped

#endif // MOEC_DIALECTS_GROUPED_GROUPED_H
