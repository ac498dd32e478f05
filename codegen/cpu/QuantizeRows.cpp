// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/QuantizeRows.h"
#include "codegen/cpu/Loops.h"
#include "dialects/grouped/Compute.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
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
  bool isBiased =
      m.hasVnni || m.blocks.getCode() == moec::grouped::BlockCode::Int4;
  return {allocate(m.depth / 4 + kRowPadding, b.getI32Type()),
          allocate(blocks, b.getF32Type()),
          isBiased ? allocate(blocks, b.getI32Type()) : Value()};
}

static Value constant(ImplicitLocOpBuilder &b, float value) {
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

static Value call(ImplicitLocOpBuilder &b, StringRef name, Type type,
                  ValueRange operands) {
  return LLVM::CallIntrinsicOp::create(b, type, b.getStringAttr(name), operands)
      .getResult(0);
}

/// One vector of 32 bytes from four of 8 numbers, in their order.
static Value packBytes(ImplicitLocOpBuilder &b, ArrayRef<Value> numbers) {
  auto i16 = VectorType::get(2 * kWidth, b.getI16Type());
  auto i8 = VectorType::get(4 * kWidth, b.getI8Type());
  auto i32 = VectorType::get(kWidth, b.getI32Type());
  auto halves = [&](Value first, Value second) {
    return call(b, "llvm.x86.avx2.packssdw", i16, {first, second});
  };
  Value bytes =
      call(b, "llvm.x86.avx2.packsswb", i8,
           {halves(numbers[0], numbers[1]), halves(numbers[2], numbers[3])});
  // Packing works on each half of a register alone.
  Value words = vector::BitCastOp::create(b, i32, bytes);
  int64_t order[] = {0, 4, 1, 5, 2, 6, 3, 7};
  return vector::ShuffleOp::create(b, words, words, order);
}

/// The word of `starts` for a block with these words of codes.
static Value makeStart(ImplicitLocOpBuilder &b, const PanelMatmul &m,
                       Value words) {
  auto i8 = VectorType::get(4 * kWidth, b.getI8Type());
  auto i16 = VectorType::get(2 * kWidth, b.getI16Type());
  Value ones =
      arith::ConstantOp::create(b, DenseElementsAttr::get(i8, int8_t(1)));
  Value sums = call(b, "llvm.x86.avx2.pmadd.ub.sw", i16,
                    {ones, vector::BitCastOp::create(b, i8, words)});
  if (m.hasVnni) {
    bool isInt4 = m.blocks.getCode() == moec::grouped::BlockCode::Int4;
    auto i32 = VectorType::get(kWidth, b.getI32Type());
    Value units =
        arith::ConstantOp::create(b, DenseElementsAttr::get(i16, int16_t(1)));
    Value sum = vector::ReductionOp::create(
        b, vector::CombiningKind::ADD,
        call(b, "llvm.x86.avx2.pmadd.wd", i32, {sums, units}));
    Value bias =
        arith::ConstantOp::create(b, b.getI32IntegerAttr(isInt4 ? -8 : -128));
    return arith::MulIOp::create(b, sum, bias);
  }
  // Lane 2i is of the first two codes of word i, lane 2i + 1 of the others.
  for (int64_t count = kWidth; count > 1; count /= 2) {
    SmallVector<int64_t> low, high;
    for (int64_t i = 0; i < count; ++i) {
      low.push_back(i);
      high.push_back(count + i);
    }
    sums =
        arith::AddIOp::create(b, vector::ShuffleOp::create(b, sums, sums, low),
                              vector::ShuffleOp::create(b, sums, sums, high));
  }
  auto pair = VectorType::get(2, b.getI16Type());
  Value bias =
      arith::ConstantOp::create(b, DenseElementsAttr::get(pair, int16_t(-8)));
  auto word = VectorType::get(1, b.getI32Type());
  Value start = vector::BitCastOp::create(
      b, word, arith::MulIOp::create(b, sums, bias).getResult());
  return vector::ExtractOp::create(b, start, 0);
}

static void quantizeBlock(ImplicitLocOpBuilder &b, const PanelMatmul &m,
                          const QuantizedRows &rows, Value source, Value row,
                          Value block) {
  auto f32 = VectorType::get(kWidth, b.getF32Type());
  auto i32 = VectorType::get(kWidth, b.getI32Type());
  Value first = times(b, block, kInt8Block);
  SmallVector<Value> elements;
  Value most;
  for (int64_t k = 0; k < kInt8Block; k += kWidth) {
    elements.push_back(loadElements(b, m.lhs, source, plus(b, first, k)));
    // Sizes are ordered as their bits are, NaN above infinity.
    Value size = arith::BitcastOp::create(
        b, i32, math::AbsFOp::create(b, elements.back()));
    most = most ? arith::MaxSIOp::create(b, most, size).getResult() : size;
  }
  most = vector::ReductionOp::create(b, vector::CombiningKind::MAXSI, most);
  most = arith::BitcastOp::create(b, b.getF32Type(), most);
  Value scale = arith::DivFOp::create(b, most, constant(b, 127));
  // Of a subnormal scale the inverse may be infinite; NaN and infinity stay, so
  // that they reach the results.
  Value isTiny = arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, scale,
                                       constant(b, 0x1p-126f));
  Value zero = constant(b, 0);
  scale = arith::SelectOp::create(b, isTiny, zero, scale);
  Value inverse = arith::SelectOp::create(
      b, isTiny, zero, arith::DivFOp::create(b, constant(b, 1), scale));
  memref::StoreOp::create(b, scale, rows.scales, ValueRange{row, block});

  Value wide = vector::BroadcastOp::create(b, f32, inverse);
  // Rounds to nearest even; of infinity and NaN comes some code.
  for (Value &element : elements)
    element = call(b, "llvm.x86.avx.cvt.ps2dq.256", i32,
                   arith::MulFOp::create(b, element, wide).getResult());
  Value words = packBytes(b, elements);
  vector::StoreOp::create(b, words, rows.codes,
                          ValueRange{row, times(b, block, kInt8Block / 4)});
  if (rows.starts)
    memref::StoreOp::create(b, makeStart(b, m, words), rows.starts,
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
