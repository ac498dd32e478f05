// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/PanelEpilogue.h"
#include "codegen/cpu/Epilogue.h"
#include "codegen/cpu/Loops.h"
#include "codegen/cpu/Microkernel.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace moec::cpu;
using namespace moec::grouped;

/// The epilogue of the columns of one part's vector: stores or adds full
/// vectors, and single elements where the columns end.
static void emitColumns(ImplicitLocOpBuilder &b, const PanelMatmul &m,
                        Value sums, Epilogue &epilogue, Value target,
                        Value sumRow, Value sumColumn, Value column) {
  int64_t partLanes = kPanelLanes / m.parts;
  unsigned width = std::min<int64_t>(m.lanes, partLanes);
  Value init = m.init;
  bool unit = hasUnitStride(init);
  bool wide = unit && epilogue.isVectorizable();

  auto emitAt = [&](Value lane, unsigned w) {
    SmallVector<Value> accumulators;
    for (int64_t part = 0; part < m.parts; ++part) {
      SmallVector<Value> at{
          sumRow,
          arith::AddIOp::create(b, plus(b, sumColumn, part * partLanes), lane)};
      if (w == 0)
        accumulators.push_back(memref::LoadOp::create(b, sums, at));
      else
        accumulators.push_back(vector::LoadOp::create(
            b, VectorType::get(w, b.getF32Type()), sums, at));
    }
    Value at = arith::AddIOp::create(b, column, lane);
    Value value = epilogue.emit(b, at, w, accumulators);
    SmallVector<Value> to{target, at};
    if (w == 0) {
      if (m.op.getReduce())
        value = arith::AddFOp::create(
            b, memref::LoadOp::create(b, init, to).getResult(), value);
      memref::StoreOp::create(b, value, init, to);
      return;
    }
    if (m.op.getReduce())
      value = arith::AddFOp::create(
          b,
          vector::LoadOp::create(b, cast<VectorType>(value.getType()), init, to)
              .getResult(),
          value);
    vector::StoreOp::create(b, value, init, to);
  };
  auto scalars = [&](Value from) {
    Value left = arith::SubIOp::create(b, index(b, m.columns), column);
    Value end = arith::MinUIOp::create(b, left, index(b, partLanes));
    forEach(b, from, end, 1, [&](Value lane) { emitAt(lane, 0); });
  };
  if (!wide)
    return scalars(index(b, 0));
  for (int64_t lane = 0; lane < partLanes; lane += width) {
    if (m.columns % partLanes == 0) {
      emitAt(index(b, lane), width);
      continue;
    }
    Value fits = arith::CmpIOp::create(b, arith::CmpIPredicate::ule,
                                       plus(b, column, lane + width),
                                       index(b, m.columns));
    emitIf(
        b, fits, [&] { emitAt(index(b, lane), width); },
        [&] {
          Value from = plus(b, column, lane);
          Value left = arith::SubIOp::create(b, index(b, m.columns), from);
          Value some = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, left,
                                             index(b, 0));
          left = arith::SelectOp::create(b, some, index(b, 0), left);
          forEach(b, index(b, lane), plus(b, left, lane), 1,
                  [&](Value at) { emitAt(at, 0); });
        });
  }
}

void moec::cpu::emitPanelEpilogue(ImplicitLocOpBuilder &b, const PanelMatmul &m,
                                  Value sums, const RowChunk &chunk,
                                  Value firstPanel, Value lastPanel) {
  Epilogue epilogue(m.op.getEpilogue().front(), m.op.getExtras(),
                    m.op.getMaps());
  forEach(b, index(b, 0), chunk.count, 1, [&](Value i) {
    Value row = arith::AddIOp::create(b, chunk.begin, i);
    RowPosition position{chunk.group, row, row, index(b, 0)};
    if (m.op.isGrouped()) {
      position.token = loadIndex(b, m.op.getTokens(), row);
      position.slot = loadIndex(b, m.op.getSlots(), row);
    }
    epilogue.beginRow(b, position);
    Value target = m.op.getReduce()
                       ? position.token
                       : arith::AddIOp::create(b, chunk.initRow, i).getResult();
    forEach(b, firstPanel, lastPanel, 1, [&](Value panel) {
      Value sumColumn =
          times(b, arith::SubIOp::create(b, panel, firstPanel), kPanelLanes);
      Value column = times(b, panel, kPanelLanes / m.parts);
      emitColumns(b, m, sums, epilogue, target, i, sumColumn, column);
    });
  });
}
