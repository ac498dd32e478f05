// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/QuantizeRows.h"
#include "codegen/cpu/Loops.h"
#include "dialects/grouped/Compute.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace moec::cpu;
using moec::grouped::kInt8Block;

/// f32 of a vector, whatever the level has.
static constexpr int64_t kWidth = 8;
/// Words after each row, so that rows do not meet in the same sets of a cache.
static constexpr int64_t kRowPadding = 16;

QuantizedRows moec::cpu::allocateQuantizedRows(ImplicitLocOpBuilder &b,
                                               const PanelMatmul &m) {
  auto allocate = [&](int64_t columns, Type element) -> Value {
    return memref::AllocOp::create(b,
                                   MemRefType::get({m.rows, columns}, element),
                                   b.getI64IntegerAttr(kScratchAlignment));
  };
  int64_t blocks = m.depth / kInt8Block;
  bool isBiased = m.blocks.getCode() == moec::grouped::BlockCode::Int4;
  return {allocate(m.depth / 4 + kRowPadding, b.getI32Type()),
          allocate(blocks, b.getF32Type()),
          isBiased ? allocate(blocks, b.getI32Type()) : Value()};
}

static Value splat(ImplicitLocOpBuilder &b, Type type, float value) {
  if (auto vector = dyn_cast<VectorType>(type))
    return arith::ConstantOp::create(b, DenseElementsAttr::get(vector, value));
  return arith::ConstantOp::create(b, b.getF32FloatAttr(value));
}

/// `kWidth` elements of row `row` from `k` on.
static Value loadElements(ImplicitLocOpBuilder &b, Value lhs, Value row,
                          Value k) {
  auto type = VectorType::get(kWidth, b.getF32Type());
  if (hasUnitStride(lhs))
    return vector::LoadOp::create(b, type, lhs, ValueRange{row, k});
  SmallVector<Value> elements;
  for (int64_t i = 0; i < kWidth; ++i)
    elements.push_back(
        memref::LoadOp::create(b, lhs, ValueRange{row, plus(b, k, i)}));
  return vector::FromElementsOp::create(b, type, elements);
}

/// The word of `starts` for a block whose codes, added over elements with equal
/// places in their words, are `sums`.
static Value packStart(ImplicitLocOpBuilder &b, Value sums) {
  auto half = [&](ArrayRef<int64_t> lanes) {
    Value sum;
    for (int64_t lane : lanes) {
      Value part = vector::ExtractOp::create(b, sums, lane);
      sum = sum ? arith::AddIOp::create(b, sum, part).getResult() : part;
    }
    Value bias = arith::ConstantOp::create(b, b.getI32IntegerAttr(-8));
    return arith::MulIOp::create(b, sum, bias).getResult();
  };
  auto constant = [&](int32_t value) -> Value {
    return arith::ConstantOp::create(b, b.getI32IntegerAttr(value));
  };
  Value low = arith::AndIOp::create(b, half({0, 1, 4, 5}), constant(0xffff));
  Value high = arith::ShLIOp::create(b, half({2, 3, 6, 7}), constant(16));
  return arith::OrIOp::create(b, low, high);
}

static void quantizeBlock(ImplicitLocOpBuilder &b, const PanelMatmul &m,
                          const QuantizedRows &rows, Value source, Value row,
                          Value block) {
  auto f32 = VectorType::get(kWidth, b.getF32Type());
  auto i32 = VectorType::get(kWidth, b.getI32Type());
  auto i8 = VectorType::get(kWidth, b.getI8Type());
  auto words = VectorType::get(kWidth / 4, b.getI32Type());
  Value first = times(b, block, kInt8Block);
  SmallVector<Value> elements;
  Value most;
  for (int64_t k = 0; k < kInt8Block; k += kWidth) {
    elements.push_back(loadElements(b, m.lhs, source, plus(b, first, k)));
    Value size = math::AbsFOp::create(b, elements.back());
    most = most ? arith::MaximumFOp::create(b, most, size).getResult() : size;
  }
  most = vector::ReductionOp::create(b, vector::CombiningKind::MAXIMUMF, most);
  Type scalar = b.getF32Type();
  Value scale = arith::DivFOp::create(b, most, splat(b, scalar, 127));
  // Of a subnormal scale the inverse may be infinite; NaN and infinity stay, so
  // that they reach the results.
  Value isTiny = arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, scale,
                                       splat(b, scalar, 0x1p-126f));
  Value zero = splat(b, scalar, 0);
  scale = arith::SelectOp::create(b, isTiny, zero, scale);
  Value inverse = arith::SelectOp::create(
      b, isTiny, zero, arith::DivFOp::create(b, splat(b, scalar, 1), scale));
  memref::StoreOp::create(b, scale, rows.scales, ValueRange{row, block});

  Value wide = vector::BroadcastOp::create(b, f32, inverse), sums;
  Value at = times(b, block, kInt8Block / 4);
  for (auto [i, element] : llvm::enumerate(elements)) {
    Value code =
        math::RoundEvenOp::create(b, arith::MulFOp::create(b, element, wide));
    // Of infinity and NaN: any code.
    code = arith::MaxNumFOp::create(b, code, splat(b, f32, -127));
    code = arith::MinNumFOp::create(b, code, splat(b, f32, 127));
    Value number = arith::FPToSIOp::create(b, i32, code);
    sums = sums ? arith::AddIOp::create(b, sums, number).getResult() : number;
    Value bytes = arith::TruncIOp::create(b, i8, number);
    vector::StoreOp::create(
        b, vector::BitCastOp::create(b, words, bytes).getResult(), rows.codes,
        ValueRange{row, plus(b, at, static_cast<int64_t>(i) * kWidth / 4)});
  }
  if (rows.starts)
    memref::StoreOp::create(b, packStart(b, sums), rows.starts,
                            ValueRange{row, block});
}

void moec::cpu::quantizeRows(ImplicitLocOpBuilder &b, const PanelMatmul &m,
                             const QuantizedRows &rows, const RowChunk &chunk) {
  forEach(b, index(b, 0), chunk.count, 1, [&](Value i) {
    Value source = m.op.getGather()
                       ? loadIndex(b, m.op.getTokens(),
                                   arith::AddIOp::create(b, chunk.begin, i))
                       : arith::AddIOp::create(b, chunk.lhsRow, i).getResult();
    forEach(b, index(b, 0), index(b, m.depth / kInt8Block), 1,
            [&](Value block) { quantizeBlock(b, m, rows, source, i, block); });
  });
}
