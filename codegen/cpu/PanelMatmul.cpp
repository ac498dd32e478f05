// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/PanelMatmul.h"
#include "codegen/cpu/Cpu.h"
#include "codegen/cpu/IntegerTile.h"
#include "codegen/cpu/Microkernel.h"
#include "dialects/grouped/Compute.h"
#include "dialects/grouped/TaskPanels.h"
#include "mlir/IR/BuiltinOps.h"
#include "passes/CostModel.h"
#include "llvm/Support/MathExtras.h"
#include <numeric>

using namespace mlir;
using namespace moec::cpu;
using namespace moec::grouped;

/// Rows at a multiple of this many bytes meet in few sets of the L1 cache.
static constexpr int64_t kConflictBytes = 1024;

/// Whether register tiles can read the rows where they stand: at a constant
/// stride that spreads them over the cache.
bool PanelMatmul::isReadable(Value lhs) const {
  SmallVector<int64_t> strides;
  int64_t offset;
  if (failed(cast<MemRefType>(lhs.getType())
                 .getStridesAndOffset(strides, offset)) ||
      strides[1] != 1 || ShapedType::isDynamic(strides[0]))
    return false;
  return rows <= moec::kStreamedRows || strides[0] * 4 % kConflictBytes != 0;
}

bool PanelMatmul::hasDotTiles() const {
  return isRowMajor && rows <= moec::kStreamedRows &&
         op.getLayout() == RhsLayout::NK;
}

PanelMatmul::PanelMatmul(MatmulOp op, unsigned lanes, Value lhs, Value init)
    : op(op), lanes(lanes), lhs(lhs ? lhs : op.getLhs()),
      init(init ? init : op.getInits()[0]) {
  PanelsAttr panels = *getTaskPanels(op);
  element = cast<MemRefType>(op.getRhs()[0].getType()).getElementType();
  depth = panels.getDepth();
  columns = panels.getColumns();
  parts = panels.getParts();
  numPanels = panels.getNumPanels();
  blocks = panels.getBlocks();
  isRowMajor = moec::grouped::isRowMajor(op);
  depthGroup = isRowMajor ? 1 : PanelsAttr::getDepthGroup(element);
  paddedDepth = llvm::alignTo(depth, depthGroup);

  isInteger = isInt8(op);
  isBf16 = moec::grouped::isBf16(op);
  auto feature =
      op->getParentOfType<ModuleOp>()->getAttrOfType<StringAttr>(kFeatureAttr);
  hasPairs = isBf16 && feature && feature == "avx512bf16";
  hasVnni =
      isInteger && feature && (feature == "avx512vnni" || feature == "avxvnni");
  tileRows = isInteger ? IntegerTile::getTileRows(blocks, lanes, hasVnni)
                       : getTileRows(lanes, depthGroup);
  rows = llvm::alignTo(132, tileRows);
  blockDepth = 512;
  blockPanels = 8;
  taskPanels = llvm::divideCeil(numPanels, 8);
  if (std::optional<TileAttr> tile = op.getTile()) {
    rows = tile->getRows();
    blockDepth = tile->getDepth();
    blockPanels = tile->getPanels();
    taskPanels = tile->getTaskPanels();
  }
  rows = std::max<int64_t>(rows, 1);
  blockDepth = std::min<int64_t>(
      llvm::alignTo(std::max<int64_t>(blockDepth, 1), kDepthUnroll),
      llvm::alignTo(paddedDepth, kDepthUnroll));
  if (blocks)
    blockDepth = std::min<int64_t>(
        llvm::alignTo(blockDepth, std::lcm(blocks.getSize(), kDepthUnroll)),
        paddedDepth);
  taskPanels =
      std::clamp<int64_t>(taskPanels, 1, std::max<int64_t>(numPanels, 1));
  blockPanels = std::clamp<int64_t>(blockPanels, 1, taskPanels);
  numRanges = llvm::divideCeil(numPanels, taskPanels);

  packs = !isInteger && (isBf16 || op.getGather() || !isReadable(this->lhs) ||
                         paddedDepth != depth);
}
