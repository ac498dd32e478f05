// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// grouped.matmul of any shape and type: a thread makes one element. Where rows
// are added to their tokens, they are made first and added in a second kernel,
// in order, so that sums never depend on the schedule.

#include "codegen/cpu/Epilogue.h"
#include "codegen/cpu/Loops.h"
#include "codegen/cpu/ScalarSums.h"
#include "codegen/cuda/LowerGrouped.h"

using namespace mlir;
using namespace moec::cpu;
using namespace moec::cuda;
using namespace moec::grouped;

void moec::cuda::lowerMatmul(ImplicitLocOpBuilder &b, MatmulOp op) {
  Value init = op.getInits()[0], zero = index(b, 0);
  Value columns = sizeOf(b, init, 1);
  Epilogue epilogue(op.getEpilogue().front(), op.getExtras(), op.getMaps());
  auto emitElement = [&](const RowPosition &position, Value column,
                         Value target) {
    epilogue.beginRow(b, position);
    Value source = op.getGather() ? position.token : position.row;
    SmallVector<Value> sums =
        emitScalarSums(b, op, position.group, source, column);
    Value value = epilogue.emit(b, column, /*width=*/0, sums);
    memref::StoreOp::create(b, value, target, ValueRange{position.row, column});
  };
  if (!op.isGrouped())
    return forEachThread(b, "matmul", {sizeOf(b, init, 0), columns},
                         [&](ValueRange at) {
                           emitElement({zero, at[0], at[0], zero}, at[1], init);
                         });

  Value offsets = op.getOffsets(), target = init;
  Value room = sizeOf(b, op.getTokens(), 0);
  if (op.getReduce()) {
    auto type = cast<MemRefType>(init.getType());
    SmallVector<Value> sizes{room};
    if (type.isDynamicDim(1))
      sizes.push_back(columns);
    target = memref::AllocOp::create(
        b,
        MemRefType::get({ShapedType::kDynamic, type.getDimSize(1)},
                        type.getElementType()),
        sizes, b.getI64IntegerAttr(kScratchAlignment));
  }
  forEachThread(b, "grouped_matmul", {room, columns}, [&](ValueRange at) {
    Value row = at[0];
    Value isThere = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, row,
                                          numRows(b, offsets));
    emitIf(
        b, isThere,
        [&] {
          emitElement({groupOf(b, offsets, row), row,
                       loadIndex(b, op.getTokens(), row),
                       loadIndex(b, op.getSlots(), row)},
                      at[1], target);
        },
        nullptr);
  });
  if (op.getReduce())
    emitCombine(b, target, offsets, op.getTokens(), init, /*replace=*/false);
}
