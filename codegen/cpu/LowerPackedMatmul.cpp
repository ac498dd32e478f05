// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The tasks of a grouped.matmul over panels. With `reduce` a task owns some
// panels for all rows: each output column has one owner, and sums are in row
// order whatever runs in parallel.

#include "codegen/cpu/Loops.h"
#include "codegen/cpu/LowerGrouped.h"
#include "codegen/cpu/PanelTask.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace moec::cpu;
using namespace moec::grouped;

namespace {
class PanelTasks {
public:
  PanelTasks(ImplicitLocOpBuilder &b, MatmulOp op, unsigned lanes)
      : b(b), m(op, lanes) {
    SmallVector<ReassociationIndices> flat{{0}, {1}, {2, 3, 4}};
    weights = memref::CollapseShapeOp::create(b, op.getRhs()[0], flat);
  }
  void emit();

private:
  void emitReduce();
  void emitDense();
  void emitGroups();
  void emitNestedGroups();

  /// `body(begin, count)` for the row chunks of rows [begin, end).
  void forEachChunk(Value begin, Value end,
                    llvm::function_ref<void(Value, Value)> body);
  /// Rows of each chunk if `count` rows are split evenly.
  Value chunkRows(Value count);
  /// Panels of column range `range`.
  std::pair<Value, Value> panelRange(Value range);

  ImplicitLocOpBuilder &b;
  PanelMatmul m;
  Value weights;
};

Value PanelTasks::chunkRows(Value count) {
  // Equal chunks of whole register tiles: a small last one would read all
  // panels again for few rows.
  Value chunks = ceilDiv(b, count, m.rows);
  Value atLeastOne = arith::MaxUIOp::create(b, chunks, index(b, 1));
  Value even = arith::DivUIOp::create(
      b,
      arith::SubIOp::create(b, arith::AddIOp::create(b, count, atLeastOne),
                            index(b, 1)),
      atLeastOne);
  int64_t tile = m.tileRows;
  Value whole = times(b, ceilDiv(b, even, tile), tile);
  Value atMost = arith::MinUIOp::create(b, whole, index(b, m.rows));
  return arith::MaxUIOp::create(b, atMost, index(b, 1));
}

void PanelTasks::forEachChunk(Value begin, Value end,
                              llvm::function_ref<void(Value, Value)> body) {
  Value size = chunkRows(arith::SubIOp::create(b, end, begin));
  auto loop = scf::ForOp::create(b, begin, end, size);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value first = loop.getInductionVar();
  Value left = arith::SubIOp::create(b, end, first);
  body(first, arith::MinUIOp::create(b, left, size));
}

void PanelTasks::emit() {
  if (m.op.getReduce())
    return emitReduce();
  if (!m.op.isGrouped())
    return emitDense();
  if (isNested(m.op))
    return emitNestedGroups();
  emitGroups();
}

std::pair<Value, Value> PanelTasks::panelRange(Value range) {
  Value first = times(b, range, m.taskPanels);
  Value last = plus(b, first, m.taskPanels);
  if (m.numPanels % m.taskPanels != 0)
    last = arith::MinUIOp::create(b, last, index(b, m.numPanels));
  return {first, last};
}

void PanelTasks::emitReduce() {
  forEachTask(b, index(b, m.numRanges), isNested(m.op), [&](Value range) {
    PanelTask work(b, m, weights);
    auto [first, last] = panelRange(range);
    Value offsets = m.op.getOffsets();
    forEach(b, index(b, 0), numGroups(b, offsets), 1, [&](Value group) {
      Value begin = loadIndex(b, offsets, group);
      Value end = loadIndex(b, offsets, plus(b, group, 1));
      forEachChunk(begin, end, [&](Value at, Value count) {
        work.emit(group, at, count, first, last);
      });
    });
  });
}

void PanelTasks::emitDense() {
  Value total = sizeOf(b, m.op.getInits()[0], 0);
  Value size = chunkRows(total);
  Value chunks = arith::CeilDivUIOp::create(b, total, size);
  Value count = times(b, chunks, m.numRanges);
  forEachTask(b, count, isNested(m.op), [&](Value task) {
    PanelTask work(b, m, weights);
    Value chunk = task, range = index(b, 0);
    if (m.numRanges > 1) {
      chunk = arith::DivUIOp::create(b, task, index(b, m.numRanges));
      range = arith::RemUIOp::create(b, task, index(b, m.numRanges));
    }
    auto [first, last] = panelRange(range);
    Value begin = arith::MulIOp::create(b, chunk, size);
    Value left = arith::SubIOp::create(b, total, begin);
    work.emit(index(b, 0), begin, arith::MinUIOp::create(b, left, size), first,
              last);
  });
}

void PanelTasks::emitNestedGroups() {
  PanelTask work(b, m, weights);
  Value offsets = m.op.getOffsets();
  forEach(b, index(b, 0), numGroups(b, offsets), 1, [&](Value group) {
    Value begin = loadIndex(b, offsets, group);
    Value end = loadIndex(b, offsets, plus(b, group, 1));
    forEachChunk(begin, end, [&](Value at, Value count) {
      work.emit(group, at, count, index(b, 0), index(b, m.numPanels));
    });
  });
}

/// A table lists the chunks of all groups (group, first row, rows), so that
/// there are as many tasks as there is work.
void PanelTasks::emitGroups() {
  Value offsets = m.op.getOffsets();
  Value groups = numGroups(b, offsets);
  // A group of n rows has at most n / rows + 1 chunks.
  Value most = arith::AddIOp::create(
      b, groups, ceilDiv(b, sizeOf(b, m.op.getTokens(), 0), m.rows));
  auto tableType = MemRefType::get({ShapedType::kDynamic, 3}, b.getIndexType());
  Value table = memref::AllocOp::create(b, tableType, ValueRange{most},
                                        b.getI64IntegerAttr(kScratchAlignment));
  Value zero = index(b, 0);
  auto perGroup =
      scf::ForOp::create(b, zero, groups, index(b, 1), ValueRange{zero});
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(perGroup.getBody());
    Value group = perGroup.getInductionVar();
    Value begin = loadIndex(b, offsets, group);
    Value end = loadIndex(b, offsets, plus(b, group, 1));
    Value size = chunkRows(arith::SubIOp::create(b, end, begin));
    auto perChunk =
        scf::ForOp::create(b, begin, end, size, perGroup.getRegionIterArgs());
    {
      OpBuilder::InsertionGuard inner(b);
      b.setInsertionPointToStart(perChunk.getBody());
      Value at = perChunk.getRegionIterArgs()[0];
      Value first = perChunk.getInductionVar();
      Value left = arith::SubIOp::create(b, end, first);
      Value count = arith::MinUIOp::create(b, left, size);
      SmallVector<Value> fields{group, first, count};
      for (auto [field, value] : llvm::enumerate(fields))
        memref::StoreOp::create(b, value, table,
                                ValueRange{at, index(b, field)});
      scf::YieldOp::create(b, plus(b, at, 1));
    }
    scf::YieldOp::create(b, perChunk.getResults());
  }
  Value count = times(b, perGroup.getResult(0), m.numRanges);
  forEachTask(b, count, /*nested=*/false, [&](Value task) {
    PanelTask work(b, m, weights);
    Value chunk = task, range = index(b, 0);
    if (m.numRanges > 1) {
      chunk = arith::DivUIOp::create(b, task, index(b, m.numRanges));
      range = arith::RemUIOp::create(b, task, index(b, m.numRanges));
    }
    auto [first, last] = panelRange(range);
    SmallVector<Value> fields;
    for (int64_t field = 0; field < 3; ++field)
      fields.push_back(
          memref::LoadOp::create(b, table, ValueRange{chunk, index(b, field)}));
    work.emit(fields[0], fields[1], fields[2], first, last);
  });
}
} // namespace

void moec::cpu::lowerPackedMatmul(ImplicitLocOpBuilder &b, MatmulOp op,
                                  unsigned lanes) {
  PanelTasks(b, op, lanes).emit();
}
