// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// grouped.matmul: by tensor cores, or by a thread for each element, which does
// for any shape and type. Where rows are added to their tokens, they are made
// first and added in another kernel, in order, so that sums never depend on the
// schedule.

#include "codegen/cpu/Epilogue.h"
#include "codegen/cpu/Loops.h"
#include "codegen/cpu/ScalarSums.h"
#include "codegen/cuda/LowerGrouped.h"
#include "codegen/cuda/Tiles.h"

using namespace mlir;
using namespace moec::cpu;
using namespace moec::cuda;
using namespace moec::grouped;

/// A buffer of `rows` rows like those of `init`.
static Value allocateRows(ImplicitLocOpBuilder &b, Value init, Value rows) {
  auto type = cast<MemRefType>(init.getType());
  SmallVector<Value> sizes{rows};
  if (type.isDynamicDim(1))
    sizes.push_back(sizeOf(b, init, 1));
  return memref::AllocOp::create(
      b,
      MemRefType::get({ShapedType::kDynamic, type.getDimSize(1)},
                      type.getElementType()),
      sizes, b.getI64IntegerAttr(kScratchAlignment));
}

static void emitElements(ImplicitLocOpBuilder &b, MatmulOp op, Value rows,
                         Value target) {
  Value columns = sizeOf(b, target, 1), zero = index(b, 0);
  Epilogue epilogue(op.getEpilogue().front(), op.getExtras(), op.getMaps());
  auto emitElement = [&](const RowPosition &position, Value column) {
    epilogue.beginRow(b, position);
    Value source = op.getGather() ? position.token : position.row;
    SmallVector<Value> sums =
        emitScalarSums(b, op, position.group, source, column);
    Value value = epilogue.emit(b, column, /*width=*/0, sums);
    storeRounded(b, value, target, ValueRange{position.row, column});
  };
  if (!op.isGrouped())
    return forEachThread(b, "matmul", {rows, columns}, [&](ValueRange at) {
      emitElement({zero, at[0], at[0], zero}, at[1]);
    });
  Value offsets = op.getOffsets();
  forEachThread(b, "grouped_matmul", {rows, columns}, [&](ValueRange at) {
    Value row = at[0];
    Value isThere = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, row,
                                          numRows(b, offsets));
    emitIf(
        b, isThere,
        [&] {
          emitElement({groupOf(b, offsets, row), row,
                       loadIndex(b, op.getTokens(), row),
                       loadIndex(b, op.getSlots(), row)},
                      at[1]);
        },
        nullptr);
  });
}

void moec::cuda::lowerMatmul(ImplicitLocOpBuilder &b, MatmulOp op) {
  Value init = op.getInits()[0];
  Value rows = sizeOf(b, op.isGrouped() ? Value(op.getTokens()) : init, 0);
  Value target = op.getReduce() ? allocateRows(b, init, rows) : init;
  std::string obstacle = isSmall(op) ? "" : findObstacle(op);
  if (!obstacle.empty())
    op.emitRemark("does not use tensor cores: ") << obstacle;
  if (isSmall(op) || !obstacle.empty())
    emitElements(b, op, rows, target);
  else
    emitTiles(b, op, rows, target);
  if (op.getReduce())
    emitCombine(b, target, op.getOffsets(), op.getTokens(), init,
                /*replace=*/false);
}
