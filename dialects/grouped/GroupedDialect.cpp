// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/grouped/Grouped.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace moec::grouped;

#include "dialects/grouped/GroupedDialect.cpp.inc"
#include "dialects/grouped/GroupedEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/grouped/GroupedAttributes.cpp.inc"

void GroupedDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/grouped/GroupedAttributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/grouped/GroupedOps.cpp.inc"
      >();
}

LogicalResult PanelsAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 int64_t parts, int64_t columns, int64_t depth,
                                 BlocksAttr blocks) {
  if (parts != 1 && parts != 2)
    return emitError() << "panels expects 1 or 2 parts, got " << parts;
  if (columns < 1 || depth < 1)
    return emitError() << "panels expects at least one column and depth, got "
                       << columns << " and " << depth;
  if (blocks && depth % blocks.getSize() != 0)
    return emitError() << "panels expects a depth of whole blocks of "
                       << blocks.getSize() << ", got " << depth;
  return success();
}

SmallVector<int64_t> PanelsAttr::getPackedShape(int64_t groups,
                                                Type elementType) const {
  if (BlocksAttr blocks = getBlocks())
    return {groups, getNumPanels(), getDepth() / blocks.getSize(), kLanes,
            blocks.getLaneBytes()};
  int64_t g = getDepthGroup(elementType);
  return {groups, getNumPanels(), (getDepth() + g - 1) / g, kLanes, g};
}

LogicalResult BlocksAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 BlockCode, int64_t size, bool, bool) {
  if (size < 4 || size % 4 != 0)
    return emitError() << "blocks expects a size that 4 divides, got " << size;
  return success();
}

LogicalResult PackedAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 ArrayRef<StringAttr> names,
                                 ArrayRef<Attribute> values, PanelsAttr panels,
                                 RhsLayout layout) {
  if (names.size() != values.size() ||
      static_cast<int64_t>(names.size()) != panels.getParts())
    return emitError() << "packed expects one name and one value per part ("
                       << panels.getParts() << "), got " << names.size()
                       << " and " << values.size();
  return success();
}

LogicalResult TileAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                               int64_t rows, int64_t depth, int64_t panels,
                               int64_t taskPanels) {
  if (rows < 1 || depth < 1 || panels < 1 || taskPanels < 1)
    return emitError() << "tile expects positive sizes";
  if (depth % 2 != 0)
    return emitError() << "tile expects an even depth, got " << depth;
  return success();
}
