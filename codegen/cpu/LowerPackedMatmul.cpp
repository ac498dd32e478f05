// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The tasks of a grouped.matmul over panels. With `reduce` a task owns some
// panels for all rows: each output column has one owner, and sums are in row
// order whatever runs in parallel.

#include "codegen/cpu/Loops.h"
#include "codegen/cpu/LowerGrouped.h"
#include "codegen/cpu/PanelTask.h"
#include "codegen/cpu/RowChunks.h"

using namespace mlir;
using namespace moec::cpu;
using namespace moec::grouped;

namespace {
class PanelTasks {
public:
  PanelTasks(ImplicitLocOpBuilder &b, MatmulOp op, unsigned lanes)
      : b(b), m(op, lanes) {}
  void emit();

private:
  void emitReduce();
  void emitDense();
  void emitGroups();
  void emitNestedGroups();

  /// Column range `range`, and chunk `chunk` of task `task`.
  std::pair<Value, Value> getRange(Value range) {
    return panelRange(b, m, range, index(b, m.taskPanels));
  }
  std::pair<Value, Value> splitTask(Value task);

  ImplicitLocOpBuilder &b;
  PanelMatmul m;
};

void PanelTasks::emit() {
  if (m.op.getReduce())
    return emitReduce();
  if (!m.op.isGrouped())
    return emitDense();
  if (isNested(m.op))
    return emitNestedGroups();
  emitGroups();
}

void PanelTasks::emitReduce() {
  forEachTask(b, index(b, m.numRanges), isNested(m.op), [&](Value range) {
    PanelTask work(b, m);
    auto [first, last] = getRange(range);
    forEachChunk(
        b, m, {},
        [&, first = first, last = last](const RowChunk &chunk, ValueRange) {
          work.emit(chunk, first, last);
          return SmallVector<Value>();
        });
  });
}

std::pair<Value, Value> PanelTasks::splitTask(Value task) {
  if (m.numRanges == 1)
    return {task, index(b, 0)};
  Value ranges = index(b, m.numRanges);
  return {arith::DivUIOp::create(b, task, ranges),
          arith::RemUIOp::create(b, task, ranges)};
}

void PanelTasks::emitDense() {
  Value total = sizeOf(b, m.init, 0);
  Value size = chunkRows(b, m, total);
  Value chunks = arith::CeilDivUIOp::create(b, total, size);
  Value count = times(b, chunks, m.numRanges);
  forEachTask(b, count, isNested(m.op), [&](Value task) {
    PanelTask work(b, m);
    auto [number, range] = splitTask(task);
    auto [first, last] = getRange(range);
    Value begin = arith::MulIOp::create(b, number, size);
    Value left = arith::SubIOp::create(b, total, begin);
    work.emit({index(b, 0), begin, arith::MinUIOp::create(b, left, size), begin,
               begin},
              first, last);
  });
}

void PanelTasks::emitNestedGroups() {
  PanelTask work(b, m);
  forEachChunk(b, m, {}, [&](const RowChunk &chunk, ValueRange) {
    work.emit(chunk, index(b, 0), index(b, m.numPanels));
    return SmallVector<Value>();
  });
}

/// A table lists the chunks of all groups (group, first row, rows), so that
/// there are as many tasks as there is work.
void PanelTasks::emitGroups() {
  auto type = MemRefType::get({ShapedType::kDynamic, 3}, b.getIndexType());
  Value table = memref::AllocOp::create(b, type, ValueRange{maxChunks(b, m)},
                                        b.getI64IntegerAttr(kScratchAlignment));
  SmallVector<Value> chunks = forEachChunk(
      b, m, index(b, 0), [&](const RowChunk &chunk, ValueRange carried) {
        Value fields[] = {chunk.group, chunk.begin, chunk.count};
        for (auto [field, value] : llvm::enumerate(fields))
          memref::StoreOp::create(b, value, table,
                                  ValueRange{carried[0], index(b, field)});
        return SmallVector<Value>{plus(b, carried[0], 1)};
      });
  Value count = times(b, chunks[0], m.numRanges);
  forEachTask(b, count, /*nested=*/false, [&](Value task) {
    PanelTask work(b, m);
    auto [number, range] = splitTask(task);
    auto [first, last] = getRange(range);
    Value fields[3];
    for (auto [field, value] : llvm::enumerate(fields))
      value =
          memref::LoadOp::create(b, table, ValueRange{number, index(b, field)});
    work.emit({fields[0], fields[1], fields[2], fields[1], fields[1]}, first,
              last);
  });
}
} // namespace

void moec::cpu::lowerPackedMatmul(ImplicitLocOpBuilder &b, MatmulOp op,
                                  unsigned lanes) {
  PanelTasks(b, op, lanes).emit();
}
