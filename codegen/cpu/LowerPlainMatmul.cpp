// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// grouped.matmul whose weights no task can make panels of (see getTaskPanels):
// of dynamic shape, more than two, or f64. A task owns some columns and walks
// all rows in order, one sum at a time.

#include "codegen/cpu/Epilogue.h"
#include "codegen/cpu/Loops.h"
#include "codegen/cpu/LowerGrouped.h"
#include "codegen/cpu/ScalarSums.h"

using namespace mlir;
using namespace moec::cpu;
using namespace moec::grouped;

/// Columns of one task.
static constexpr int64_t kTaskColumns = 16;

void moec::cpu::lowerPlainMatmul(ImplicitLocOpBuilder &b, MatmulOp op) {
  Value init = op.getInits()[0], zero = index(b, 0);
  Epilogue epilogue(op.getEpilogue().front(), op.getExtras(), op.getMaps());
  Value columns = sizeOf(b, init, 1);
  Value count = ceilDiv(b, columns, kTaskColumns);
  forEachTask(b, count, isNested(op), [&](Value task) {
    Value first = times(b, task, kTaskColumns);
    Value last =
        arith::MinUIOp::create(b, plus(b, first, kTaskColumns), columns);
    auto emitRow = [&](const RowPosition &position) {
      epilogue.beginRow(b, position);
      Value source = op.getGather() ? position.token : position.row;
      forEach(b, first, last, 1, [&](Value column) {
        SmallVector<Value> sums =
            emitScalarSums(b, op, position.group, source, column);
        Value value = epilogue.emit(b, column, /*width=*/0, sums);
        SmallVector<Value> to{op.getReduce() ? position.token : position.row,
                              column};
        if (op.getReduce())
          value = arith::AddFOp::create(
              b, memref::LoadOp::create(b, init, to).getResult(), value);
        memref::StoreOp::create(b, value, init, to);
      });
    };
    if (!op.isGrouped()) {
      forEach(b, zero, sizeOf(b, init, 0), 1,
              [&](Value row) { emitRow({zero, row, row, zero}); });
      return;
    }
    Value offsets = op.getOffsets();
    forEach(b, zero, numGroups(b, offsets), 1, [&](Value group) {
      Value begin = loadIndex(b, offsets, group);
      Value end = loadIndex(b, offsets, plus(b, group, 1));
      forEach(b, begin, end, 1, [&](Value row) {
        emitRow({group, row, loadIndex(b, op.getTokens(), row),
                 loadIndex(b, op.getSlots(), row)});
      });
    });
  });
}
