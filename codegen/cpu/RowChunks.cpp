// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/RowChunks.h"
#include "codegen/cpu/Loops.h"

using namespace mlir;
using namespace moec::cpu;

Value moec::cpu::chunkRows(ImplicitLocOpBuilder &b, const PanelMatmul &m,
                           Value count) {
  // Equal chunks of whole register tiles: a small last one would read all
  // panels again for few rows.
  Value chunks = ceilDiv(b, count, m.rows);
  Value atLeastOne = arith::MaxUIOp::create(b, chunks, index(b, 1));
  Value even = arith::DivUIOp::create(
      b,
      arith::SubIOp::create(b, arith::AddIOp::create(b, count, atLeastOne),
                            index(b, 1)),
      atLeastOne);
  Value whole = times(b, ceilDiv(b, even, m.tileRows), m.tileRows);
  Value atMost = arith::MinUIOp::create(b, whole, index(b, m.rows));
  return arith::MaxUIOp::create(b, atMost, index(b, 1));
}

Value moec::cpu::maxChunks(ImplicitLocOpBuilder &b, const PanelMatmul &m) {
  // A group of n rows has at most n / rows + 1.
  return arith::AddIOp::create(
      b, numGroups(b, m.op.getOffsets()),
      ceilDiv(b, sizeOf(b, m.op.getTokens(), 0), m.rows));
}

SmallVector<Value> moec::cpu::forEachChunk(
    ImplicitLocOpBuilder &b, const PanelMatmul &m, ValueRange inits,
    llvm::function_ref<SmallVector<Value>(const RowChunk &, ValueRange)> body) {
  Value offsets = m.op.getOffsets();
  auto perGroup = scf::ForOp::create(b, index(b, 0), numGroups(b, offsets),
                                     index(b, 1), inits);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(perGroup.getBody());
  Value group = perGroup.getInductionVar();
  Value begin = loadIndex(b, offsets, group);
  Value end = loadIndex(b, offsets, plus(b, group, 1));
  Value size = chunkRows(b, m, arith::SubIOp::create(b, end, begin));
  auto perChunk =
      scf::ForOp::create(b, begin, end, size, perGroup.getRegionIterArgs());
  {
    OpBuilder::InsertionGuard inner(b);
    b.setInsertionPointToStart(perChunk.getBody());
    Value first = perChunk.getInductionVar();
    Value left = arith::SubIOp::create(b, end, first);
    RowChunk chunk{group, first, arith::MinUIOp::create(b, left, size), first,
                   first};
    SmallVector<Value> results = body(chunk, perChunk.getRegionIterArgs());
    if (!results.empty())
      scf::YieldOp::create(b, results);
  }
  if (!inits.empty())
    scf::YieldOp::create(b, perChunk.getResults());
  return perGroup.getResults();
}

std::pair<Value, Value> moec::cpu::panelRange(ImplicitLocOpBuilder &b,
                                              const PanelMatmul &m, Value range,
                                              Value rangePanels) {
  Value first = b.createOrFold<arith::MulIOp>(range, rangePanels);
  Value last = arith::AddIOp::create(b, first, rangePanels);
  return {first, arith::MinUIOp::create(b, last, index(b, m.numPanels))};
}
