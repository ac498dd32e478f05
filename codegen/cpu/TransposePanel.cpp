// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/TransposePanel.h"
#include "codegen/cpu/KernelFunction.h"
#include "codegen/cpu/Loops.h"
#include "codegen/cpu/Microkernel.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace moec::cpu;

/// Columns and depth elements that are transposed in registers.
static constexpr int64_t kColumns = 8;
static constexpr int64_t kDepth = 4;

namespace {
/// The body of one such function.
struct Transposer {
  ImplicitLocOpBuilder &b;
  Value weights, panel, length;
  bool depthFirst;
  int64_t width, lane;
  /// Positions of the columns in `weights`.
  SmallVector<Value> columns;

  Value toF32(Value value);
  Value load(Value column, Value k, int64_t size);
  void store(Value value, Value k, int64_t column);
  void emitSquare(Value k, int64_t first);
  void emit(bool isWhole);
};
} // namespace

Value Transposer::toF32(Value value) {
  if (getElementTypeOrSelf(value).isF32())
    return value;
  Type f32 = b.getF32Type();
  if (auto vector = dyn_cast<VectorType>(value.getType()))
    f32 = VectorType::get(vector.getShape(), f32);
  return arith::ExtFOp::create(b, f32, value);
}

/// `size` weights along the dimension that is contiguous; 0: one.
Value Transposer::load(Value column, Value k, int64_t size) {
  SmallVector<Value> at{column, k};
  if (depthFirst)
    std::swap(at[0], at[1]);
  if (size == 0)
    return toF32(memref::LoadOp::create(b, weights, at));
  Type element = cast<MemRefType>(weights.getType()).getElementType();
  return toF32(
      vector::LoadOp::create(b, VectorType::get(size, element), weights, at));
}

void Transposer::store(Value value, Value k, int64_t column) {
  Value at = plus(b, times(b, k, kPanelLanes), lane + column);
  if (isa<VectorType>(value.getType()))
    vector::StoreOp::create(b, value, panel, at);
  else
    memref::StoreOp::create(b, value, panel, at);
}

/// Columns [first, first + 8) of depth elements [k, k + 4).
void Transposer::emitSquare(Value k, int64_t first) {
  auto shuffle = [&](Value a, Value c, ArrayRef<int64_t> order) -> Value {
    return vector::ShuffleOp::create(b, a, c, order);
  };
  // Columns i and i + 4 side by side.
  SmallVector<Value> pairs;
  for (int64_t i = 0; i < kDepth; ++i)
    pairs.push_back(shuffle(load(columns[first + i], k, kDepth),
                            load(columns[first + kDepth + i], k, kDepth),
                            {0, 1, 2, 3, 4, 5, 6, 7}));
  for (int64_t half = 0; half < 2; ++half) {
    int64_t even = 2 * half;
    SmallVector<int64_t> unpack{even,     even + 8,  even + 1, even + 9,
                                even + 4, even + 12, even + 5, even + 13};
    Value left = shuffle(pairs[0], pairs[1], unpack);
    Value right = shuffle(pairs[2], pairs[3], unpack);
    store(shuffle(left, right, {0, 1, 8, 9, 4, 5, 12, 13}), plus(b, k, even),
          first);
    store(shuffle(left, right, {2, 3, 10, 11, 6, 7, 14, 15}),
          plus(b, k, even + 1), first);
  }
}

void Transposer::emit(bool isWhole) {
  auto single = [&](Value k) {
    for (int64_t column = 0; column < width; ++column)
      store(load(columns[column], k, 0), k, column);
  };
  if (depthFirst) {
    forEach(b, index(b, 0), length, 1, [&](Value k) {
      if (!isWhole)
        return single(k);
      for (int64_t column = 0; column < width; column += kColumns)
        store(load(columns[column], k, kColumns), k, column);
    });
    return;
  }
  Value rest = b.createOrFold<arith::RemUIOp>(length, index(b, kDepth));
  Value whole = b.createOrFold<arith::SubIOp>(length, rest);
  forEach(b, index(b, 0), whole, kDepth, [&](Value k) {
    for (int64_t column = 0; column < width; column += kColumns)
      emitSquare(k, column);
  });
  forEach(b, whole, length, 1, single);
}

void moec::cpu::emitTransposePanel(ImplicitLocOpBuilder &b, Value weights,
                                   bool depthFirst, int64_t width, Value count,
                                   Value panel, int64_t lane, Value length) {
  std::string name = "transpose_" + std::to_string(width) + "_at_" +
                     std::to_string(lane) + (depthFirst ? "_kn" : "") +
                     (count ? "_some" : "");
  SmallVector<Value> arguments{weights, panel, length};
  if (count)
    arguments.push_back(count);
  callKernel(b, name, arguments, [&](func::FuncOp function) {
    Transposer body{b,
                    function.getArgument(0),
                    function.getArgument(1),
                    function.getArgument(2),
                    depthFirst,
                    width,
                    lane,
                    {}};
    Value last = count ? plus(b, function.getArgument(3), -1) : Value();
    for (int64_t column = 0; column < width; ++column) {
      Value at = index(b, column);
      body.columns.push_back(
          last ? arith::MinUIOp::create(b, at, last).getResult() : at);
    }
    body.emit(/*isWhole=*/!count);
  });
}
