// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/DotTile.h"
#include "codegen/cpu/KernelFunction.h"
#include "codegen/cpu/Loops.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <numeric>

using namespace mlir;
using namespace moec::cpu;

/// Partial sums of a dot product.
static constexpr int64_t kPartialSums = 16;

/// The sum of a vector's elements, added in halves.
static Value addHalves(ImplicitLocOpBuilder &b, Value vector) {
  for (int64_t half = cast<VectorType>(vector.getType()).getDimSize(0) / 2;
       half >= 1; half /= 2) {
    SmallVector<int64_t> low(half), high(half);
    std::iota(low.begin(), low.end(), 0);
    std::iota(high.begin(), high.end(), half);
    vector = arith::AddFOp::create(
        b, vector::ShuffleOp::create(b, vector, vector, low),
        vector::ShuffleOp::create(b, vector, vector, high));
  }
  return vector::ExtractOp::create(b, vector, 0);
}

namespace {
struct DotTile {
  ImplicitLocOpBuilder &b;
  unsigned lanes;
  int64_t rows;
  Value lhs, weights;
  int64_t streamDistance;

  Value loadWeights(Value column, Value k, int64_t size);
  SmallVector<Value> emitSums(Value column, Value length);
};
} // namespace

/// `size` weights as f32; 0: one.
Value DotTile::loadWeights(Value column, Value k, int64_t size) {
  Type f32 = b.getF32Type();
  Type element = cast<MemRefType>(weights.getType()).getElementType();
  Value loaded;
  if (size == 0) {
    loaded = memref::LoadOp::create(b, weights, ValueRange{column, k});
  } else {
    f32 = VectorType::get(size, f32);
    loaded = vector::LoadOp::create(b, VectorType::get(size, element), weights,
                                    ValueRange{column, k});
  }
  return element.isF32() ? loaded : arith::ExtFOp::create(b, f32, loaded);
}

/// The dot products of one column, for each row.
SmallVector<Value> DotTile::emitSums(Value column, Value length) {
  int64_t vectors = kPartialSums / lanes;
  auto type = VectorType::get(lanes, b.getF32Type());
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(type));
  SmallVector<Value> zeros(rows * vectors, zero);
  Value rest = b.createOrFold<arith::RemUIOp>(length, index(b, kPartialSums));
  Value whole = b.createOrFold<arith::SubIOp>(length, rest);
  auto main =
      scf::ForOp::create(b, index(b, 0), whole, index(b, kPartialSums), zeros);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(main.getBody());
    Value k = main.getInductionVar();
    SmallVector<Value> sums(main.getRegionIterArgs());
    Type element = cast<MemRefType>(weights.getType()).getElementType();
    int64_t ahead = streamDistance * 8 / element.getIntOrFloatBitWidth();
    memref::PrefetchOp::create(
        b, weights, ValueRange{column, plus(b, k, ahead)},
        /*isWrite=*/false, /*localityHint=*/3, /*isDataCache=*/true);
    for (int64_t v = 0; v < vectors; ++v) {
      Value at = plus(b, k, v * lanes);
      Value right = loadWeights(column, at, lanes);
      for (int64_t row = 0; row < rows; ++row) {
        Value left =
            vector::LoadOp::create(b, type, lhs, ValueRange{index(b, row), at});
        Value &sum = sums[row * vectors + v];
        sum = math::FmaOp::create(b, left, right, sum);
      }
    }
    scf::YieldOp::create(b, sums);
  }
  SmallVector<Value> totals;
  for (int64_t row = 0; row < rows; ++row) {
    Value sum = main.getResult(row * vectors);
    for (int64_t v = 1; v < vectors; ++v)
      sum = arith::AddFOp::create(b, sum, main.getResult(row * vectors + v));
    totals.push_back(addHalves(b, sum));
  }
  auto tail = scf::ForOp::create(b, whole, length, index(b, 1), totals);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(tail.getBody());
  Value k = tail.getInductionVar();
  SmallVector<Value> sums;
  Value right = loadWeights(column, k, 0);
  for (int64_t row = 0; row < rows; ++row) {
    Value left = memref::LoadOp::create(b, lhs, ValueRange{index(b, row), k});
    sums.push_back(
        math::FmaOp::create(b, left, right, tail.getRegionIterArgs()[row]));
  }
  scf::YieldOp::create(b, sums);
  return tail.getResults();
}

void moec::cpu::emitDotTile(ImplicitLocOpBuilder &b, unsigned lanes,
                            int64_t rows, Value lhs, Value weights, Value sums,
                            Value lane, Value count, Value length,
                            int64_t streamDistance) {
  Value arguments[] = {lhs, weights, sums, lane, count, length};
  callKernel(
      b, "dot_" + std::to_string(rows), arguments, [&](func::FuncOp function) {
        ValueRange given = function.getArguments();
        DotTile tile{b, lanes, rows, given[0], given[1], streamDistance};
        forEach(b, index(b, 0), given[4], 1, [&](Value column) {
          SmallVector<Value> totals = tile.emitSums(column, given[5]);
          Value to = arith::AddIOp::create(b, given[3], column);
          for (auto [row, total] : llvm::enumerate(totals)) {
            SmallVector<Value> at{index(b, static_cast<int64_t>(row)), to};
            Value old = memref::LoadOp::create(b, given[2], at);
            memref::StoreOp::create(b, arith::AddFOp::create(b, old, total),
                                    given[2], at);
          }
        });
      });
}
