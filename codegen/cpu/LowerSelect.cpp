// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// grouped.select: the policy emits one row, here stands the loop over rows.

#include "codegen/cpu/Loops.h"
#include "codegen/cpu/LowerGrouped.h"
#include "codegen/cpu/SelectRow.h"

using namespace mlir;
using namespace moec::cpu;
using namespace moec::grouped;

/// Rows of one task.
static constexpr int64_t kTaskRows = 16;

void moec::cpu::lowerSelect(ImplicitLocOpBuilder &b, SelectOp op) {
  Value total = sizeOf(b, op.getScores()[0], 0);
  int64_t scratchSize = getSelectScratchSize(op);
  forEachTask(b, ceilDiv(b, total, kTaskRows), isNested(op), [&](Value task) {
    Value scratch;
    if (scratchSize > 0)
      scratch = memref::AllocOp::create(
          b, MemRefType::get({scratchSize}, b.getI32Type()), ValueRange{},
          b.getI64IntegerAttr(kScratchAlignment));
    Value first = times(b, task, kTaskRows);
    Value last = arith::MinUIOp::create(b, plus(b, first, kTaskRows), total);
    forEach(b, first, last, 1,
            [&](Value row) { emitSelectRow(b, op, row, scratch); });
  });
}
