// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/PackRows.h"
#include "codegen/cpu/Loops.h"
#include "codegen/cpu/RoundRows.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace moec::cpu;

void moec::cpu::packRows(ImplicitLocOpBuilder &b, const PanelMatmul &m,
                         Value packed, const RowChunk &chunk) {
  constexpr int64_t kWidth = 8;
  Value lhs = m.lhs;
  Type element = cast<MemRefType>(packed.getType()).getElementType();
  bool vectors = hasUnitStride(lhs);
  auto type = VectorType::get(kWidth, b.getF32Type());
  int64_t whole = vectors ? m.depth / kWidth * kWidth : 0;
  forEach(b, index(b, 0), chunk.count, 1, [&](Value i) {
    Value source = m.op.getGather()
                       ? loadIndex(b, m.op.getTokens(),
                                   arith::AddIOp::create(b, chunk.begin, i))
                       : arith::AddIOp::create(b, chunk.lhsRow, i).getResult();
    auto copy = [&](Value start, Value from, Value to, bool wide) {
      forEach(b, from, to, wide ? kWidth : 1, [&](Value k) {
        SmallVector<Value> at{
            arith::DivUIOp::create(b, start, index(b, m.blockDepth)), i,
            arith::SubIOp::create(b, k, start)};
        ValueRange position{source, k};
        Value loaded;
        if (wide)
          loaded = vector::LoadOp::create(b, type, lhs, position);
        else
          loaded = memref::LoadOp::create(b, lhs, position);
        if (m.isBf16)
          loaded = roundToBf16(b, loaded, element);
        if (wide)
          vector::StoreOp::create(b, loaded, packed, at);
        else
          memref::StoreOp::create(b, loaded, packed, at);
      });
    };
    forEach(b, index(b, 0), index(b, m.depth), m.blockDepth, [&](Value start) {
      auto limit = [&](int64_t end) -> Value {
        return arith::MinUIOp::create(b, plus(b, start, m.blockDepth),
                                      index(b, end));
      };
      if (whole != 0)
        copy(start, start, limit(whole), /*wide=*/true);
      if (whole != m.depth)
        copy(start, arith::MaxUIOp::create(b, start, index(b, whole)),
             limit(m.depth),
             /*wide=*/false);
    });
    if (m.paddedDepth != m.depth) {
      Value zero = arith::ConstantOp::create(b, b.getZeroAttr(element));
      memref::StoreOp::create(b, zero, packed,
                              ValueRange{index(b, m.depth / m.blockDepth), i,
                                         index(b, m.depth % m.blockDepth)});
    }
  });
}
