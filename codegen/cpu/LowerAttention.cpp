// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attention with an online softmax (flash attention). A task is a block of rows
// of one key head of one sequence, where a row is a query head of a token:
// query heads that share keys are rows of the same block, so that keys are read
// once for all of them, in decoding as well. For each block of keys the task
//
//   1. looks which keys exist and may be seen, and skips the block if none is;
//   2. transposes the keys and multiplies rows by keys in register tiles;
//   3. masks, takes exponentials relative to the largest score so far, and
//      scales down what older blocks gave where that grew;
//   4. adds weights times values in register tiles.

#include "codegen/cpu/Loops.h"
#include "codegen/cpu/LowerTransformer.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"
#include <limits>

using namespace mlir;
using namespace moec::cpu;
using moec::transformer::AttentionOp;

namespace {
/// Rows and keys of a block: queries, keys, weights and sums stay in the L2
/// cache.
constexpr int64_t kRows = 64;
constexpr int64_t kKeys = 64;
/// A register tile: rows x vectors.
constexpr int64_t kTileRows = 4;
constexpr int64_t kTileVectors = 2;

class AttentionEmitter {
public:
  AttentionEmitter(ImplicitLocOpBuilder &b, AttentionOp op, unsigned lanes)
      : b(b), op(op), lanes(lanes), f32(b.getF32Type()), i32(b.getI32Type()) {
    auto query = cast<MemRefType>(op.getQuery().getType());
    heads = cast<MemRefType>(op.getKey().getType()).getDimSize(2);
    groups = query.getDimSize(2) / heads;
    width = query.getDimSize(3);
    valueWidth = cast<MemRefType>(op.getValue().getType()).getDimSize(3);
    sumWidth = llvm::alignTo(valueWidth, kTileVectors * lanes);
  }

  void emit() {
    Value batch = sizeOf(b, op.getQuery(), 0);
    tokens = sizeOf(b, op.getQuery(), 1);
    keys = sizeOf(b, op.getKey(), 1);
    Value total = times(b, tokens, groups);
    Value blocks = ceilDiv(b, total, kRows);
    Value perSequence = times(b, blocks, heads);
    Value count = arith::MulIOp::create(b, batch, perSequence);
    forEachTask(b, count, isNested(op), [&](Value task) {
      sequence = arith::DivUIOp::create(b, task, perSequence);
      Value rest = arith::RemUIOp::create(b, task, perSequence);
      head = arith::DivUIOp::create(b, rest, blocks);
      firstRow = times(b, arith::RemUIOp::create(b, rest, blocks), kRows);
      numRows = arith::MinUIOp::create(
          b, index(b, kRows),
          arith::SubIOp::create(b, total, firstRow).getResult());
      emitTask();
    });
  }

private:
  // --- Small pieces --------------------------------------------------------

  Value real(double value) {
    return arith::ConstantOp::create(b, b.getF32FloatAttr(value));
  }
  Value number(int64_t value) {
    return arith::ConstantOp::create(b, b.getI32IntegerAttr(value));
  }
  Value negativeInfinity() {
    return real(-std::numeric_limits<double>::infinity());
  }
  Value splat(Value scalar) {
    return vector::BroadcastOp::create(
        b, VectorType::get(lanes, scalar.getType()), scalar);
  }
  Value allocate(ArrayRef<int64_t> shape, Type element) {
    return memref::AllocOp::create(b, MemRefType::get(shape, element),
                                   b.getI64IntegerAttr(kScratchAlignment));
  }
  Value load(Value memref, ValueRange at) {
    return memref::LoadOp::create(b, memref, at);
  }
  void store(Value value, Value memref, ValueRange at) {
    memref::StoreOp::create(b, value, memref, at);
  }
  Value loadVector(Value memref, ValueRange at) {
    Type element = cast<MemRefType>(memref.getType()).getElementType();
    return vector::LoadOp::create(b, VectorType::get(lanes, element), memref,
                                  at);
  }
  void storeVector(Value value, Value memref, ValueRange at) {
    vector::StoreOp::create(b, value, memref, at);
  }
  Value compare(arith::CmpIPredicate predicate, Value x, Value y) {
    return arith::CmpIOp::create(b, predicate, x, y);
  }
  Value compare(arith::CmpFPredicate predicate, Value x, Value y) {
    return arith::CmpFOp::create(b, predicate, x, y);
  }
  /// A scalar or vector as f32.
  Value widen(Value value) {
    if (getElementTypeOrSelf(value.getType()).isF32())
      return value;
    Type type = f32;
    if (auto shape = dyn_cast<VectorType>(value.getType()))
      type = shape.clone(f32);
    return arith::ExtFOp::create(b, type, value);
  }
  /// A loop that carries values.
  SmallVector<Value>
  carry(Value lower, Value upper, int64_t step, ValueRange start,
        function_ref<SmallVector<Value>(Value, ValueRange)> body) {
    auto loop = scf::ForOp::create(b, lower, upper, index(b, step), start);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    SmallVector<Value> next =
        body(loop.getInductionVar(), loop.getRegionIterArgs());
    scf::YieldOp::create(b, next);
    return SmallVector<Value>(loop.getResults());
  }

  /// Token and query head of a row of the block.
  std::pair<Value, Value> place(Value row) {
    Value at = arith::AddIOp::create(b, firstRow, row);
    if (groups == 1)
      return {at, head};
    Value size = index(b, groups);
    Value token = arith::DivUIOp::create(b, at, size);
    Value group = arith::RemUIOp::create(b, at, size);
    return {
        token,
        arith::AddIOp::create(b, times(b, head, groups), group).getResult()};
  }

  // --- Steps ---------------------------------------------------------------

  void emitTask() {
    queries = allocate({kRows, width}, f32);
    rowPositions = allocate({kRows}, i32);
    keyPositions = allocate({kKeys}, i32);
    if (op.getQuerySegments()) {
      rowSegments = allocate({kRows}, i32);
      keySegments = allocate({kKeys}, i32);
    }
    transposed = allocate({width, kKeys}, f32);
    weights = allocate({kRows, kKeys}, f32);
    sums = allocate({kRows, sumWidth}, f32);
    largest = allocate({kRows}, f32);
    totals = allocate({kRows}, f32);
    tileRows = times(b, ceilDiv(b, numRows, kTileRows), kTileRows);

    auto [low, high] = emitRows();
    forEach(b, index(b, 0), keys, kKeys, [&](Value first) {
      Value rest = arith::SubIOp::create(b, keys, first);
      Value count = arith::MinUIOp::create(b, rest, index(b, kKeys));
      Value isSeen = emitKeyTable(first, count, low, high);
      emitIf(
          b, isSeen,
          [&] {
            emitTranspose(first, count);
            emitScores();
            emitWeights();
            emitSums(first, count);
          },
          nullptr);
    });
    emitResults();
  }

  /// Reads the rows, scaled; rows that fill up the last tile are 0. Returns the
  /// lowest and highest position among them.
  std::pair<Value, Value> emitRows() {
    Value zero = index(b, 0);
    Value scale = real(op.getScale().convertToDouble());
    Value clear = splat(real(0));
    SmallVector<Value> range = carry(
        zero, numRows, 1,
        {number(std::numeric_limits<int32_t>::max()), number(-1)},
        [&](Value row, ValueRange carried) -> SmallVector<Value> {
          auto [token, queryHead] = place(row);
          Value position =
              load(op.getQueryPositions(), ValueRange{sequence, token});
          store(position, rowPositions, row);
          if (op.getQuerySegments())
            store(load(op.getQuerySegments(), ValueRange{sequence, token}),
                  rowSegments, row);
          forEach(b, zero, index(b, width), 1, [&](Value entry) {
            Value x = widen(load(
                op.getQuery(), ValueRange{sequence, token, queryHead, entry}));
            store(arith::MulFOp::create(b, x, scale), queries,
                  ValueRange{row, entry});
          });
          if (op.getSinks()) {
            store(widen(load(op.getSinks(), queryHead)), largest, row);
            store(real(1), totals, row);
          } else {
            store(negativeInfinity(), largest, row);
            store(real(0), totals, row);
          }
          return {arith::MinSIOp::create(b, carried[0], position),
                  arith::MaxSIOp::create(b, carried[1], position)};
        });
    forEach(b, numRows, tileRows, 1, [&](Value row) {
      forEach(b, zero, index(b, width), 1, [&](Value entry) {
        store(real(0), queries, ValueRange{row, entry});
      });
    });
    forEach(b, zero, tileRows, 1, [&](Value row) {
      forEach(b, zero, index(b, sumWidth), lanes, [&](Value entry) {
        storeVector(clear, sums, ValueRange{row, entry});
      });
    });
    return {range[0], range[1]};
  }

  /// Copies positions and segments of a block of keys, -1 beyond the last key.
  /// Returns whether some row may see some key.
  Value emitKeyTable(Value first, Value count, Value low, Value high) {
    Value zero = index(b, 0);
    Value no = arith::ConstantOp::create(b, b.getBoolAttr(false));
    Value isSeen = carry(
        zero, count, 1, {no},
        [&](Value key, ValueRange carried) -> SmallVector<Value> {
          Value at = arith::AddIOp::create(b, first, key);
          Value position = load(op.getKeyPositions(), ValueRange{sequence, at});
          store(position, keyPositions, key);
          if (op.getKeySegments())
            store(load(op.getKeySegments(), ValueRange{sequence, at}),
                  keySegments, key);
          Value exists =
              compare(arith::CmpIPredicate::sge, position, number(0));
          if (op.getCausal())
            exists = arith::AndIOp::create(
                b, exists, compare(arith::CmpIPredicate::sle, position, high));
          if (op.getWindow()) {
            Value distance = arith::SubIOp::create(b, low, position);
            exists = arith::AndIOp::create(
                b, exists,
                compare(arith::CmpIPredicate::slt, distance, window()));
          }
          return {arith::OrIOp::create(b, carried[0], exists)};
        })[0];
    forEach(b, count, index(b, kKeys), 1, [&](Value key) {
      store(number(-1), keyPositions, key);
      if (op.getKeySegments())
        store(number(0), keySegments, key);
    });
    return isSeen;
  }

  Value window() {
    return number(std::min<int64_t>(op.getWindowAttr().getInt(),
                                    std::numeric_limits<int32_t>::max()));
  }

  void emitTranspose(Value first, Value count) {
    Value zero = index(b, 0);
    forEach(b, zero, count, 1, [&](Value key) {
      Value at = arith::AddIOp::create(b, first, key);
      forEach(b, zero, index(b, width), 1, [&](Value entry) {
        Value x = load(op.getKey(), ValueRange{sequence, at, head, entry});
        store(widen(x), transposed, ValueRange{entry, key});
      });
    });
  }

  /// A tile of `kTileRows` x `vectors`: adds `left[row, d] * right(d)` for `d`
  /// below `depth` to `start`.
  SmallVector<Value> emitTile(Value row, int64_t vectors, Value depth,
                              Value left, ValueRange start,
                              function_ref<Value(Value, int64_t)> right) {
    return carry(index(b, 0), depth, 1, start,
                 [&](Value d, ValueRange carried) -> SmallVector<Value> {
                   SmallVector<Value> columns;
                   for (int64_t i = 0; i < vectors; ++i)
                     columns.push_back(right(d, i));
                   SmallVector<Value> next;
                   for (int64_t r = 0; r < kTileRows; ++r) {
                     Value x =
                         splat(load(left, ValueRange{plus(b, row, r), d}));
                     for (int64_t i = 0; i < vectors; ++i)
                       next.push_back(math::FmaOp::create(
                           b, x, columns[i], carried[r * vectors + i]));
                   }
                   return next;
                 });
  }

  void emitScores() {
    Value zero = index(b, 0);
    int64_t step = kTileVectors * lanes;
    forEach(b, zero, index(b, kKeys), step, [&](Value key) {
      forEach(b, zero, tileRows, kTileRows, [&](Value row) {
        SmallVector<Value> start(kTileRows * kTileVectors, splat(real(0)));
        SmallVector<Value> tile =
            emitTile(row, kTileVectors, index(b, width), queries, start,
                     [&](Value d, int64_t i) {
                       return loadVector(
                           transposed, ValueRange{d, plus(b, key, i * lanes)});
                     });
        for (int64_t r = 0; r < kTileRows; ++r)
          for (int64_t i = 0; i < kTileVectors; ++i)
            storeVector(tile[r * kTileVectors + i], weights,
                        ValueRange{plus(b, row, r), plus(b, key, i * lanes)});
      });
    });
  }

  /// Whether the row sees each of a vector of keys.
  Value emitMask(Value row, Value key) {
    Value position = splat(load(rowPositions, row));
    Value other = loadVector(keyPositions, key);
    Value seen = compare(arith::CmpIPredicate::sge, other, splat(number(0)));
    auto also = [&](Value condition) {
      seen = arith::AndIOp::create(b, seen, condition);
    };
    if (op.getCausal())
      also(compare(arith::CmpIPredicate::sle, other, position));
    if (op.getWindow()) {
      Value distance = arith::SubIOp::create(b, position, other);
      also(compare(arith::CmpIPredicate::slt, distance, splat(window())));
    }
    if (op.getQuerySegments())
      also(compare(arith::CmpIPredicate::eq, loadVector(keySegments, key),
                   splat(load(rowSegments, row))));
    return seen;
  }

  Value emitCap(Value score) {
    if (!op.getSoftcap())
      return score;
    Value cap = splat(real(op.getSoftcap()->convertToDouble()));
    Value part = arith::DivFOp::create(b, score, cap);
    return arith::MulFOp::create(b, cap,
                                 math::TanhOp::create(b, part).getResult());
  }

  Value reduce(vector::CombiningKind kind, Value value) {
    return vector::ReductionOp::create(b, kind, value);
  }

  /// Scores become weights relative to the row's largest score so far.
  void emitWeights() {
    Value zero = index(b, 0), end = index(b, kKeys);
    forEach(b, zero, numRows, 1, [&](Value row) {
      Value none = negativeInfinity();
      Value best =
          carry(zero, end, lanes, {splat(none)},
                [&](Value key, ValueRange carried) -> SmallVector<Value> {
                  Value score =
                      emitCap(loadVector(weights, ValueRange{row, key}));
                  score = arith::SelectOp::create(b, emitMask(row, key), score,
                                                  splat(none));
                  storeVector(score, weights, ValueRange{row, key});
                  return {arith::MaximumFOp::create(b, carried[0], score)};
                })[0];
      Value before = load(largest, row);
      Value after = arith::MaximumFOp::create(
          b, before, reduce(vector::CombiningKind::MAXIMUMF, best));
      // A row that has seen no key yet is relative to 0.
      Value isEmpty = compare(arith::CmpFPredicate::OEQ, after, none);
      Value base = arith::SelectOp::create(b, isEmpty, real(0), after);
      Value wideBase = splat(base);
      Value sum = carry(
          zero, end, lanes, {splat(real(0))},
          [&](Value key, ValueRange carried) -> SmallVector<Value> {
            Value score = loadVector(weights, ValueRange{row, key});
            Value hidden =
                compare(arith::CmpFPredicate::OEQ, score, splat(none));
            Value weight = math::ExpOp::create(
                b, arith::SubFOp::create(b, score, wideBase).getResult());
            weight = arith::SelectOp::create(b, hidden, splat(real(0)), weight);
            storeVector(weight, weights, ValueRange{row, key});
            return {arith::AddFOp::create(b, carried[0], weight)};
          })[0];
      Value wasEmpty = compare(arith::CmpFPredicate::OEQ, before, none);
      Value shrunk = math::ExpOp::create(
          b, arith::SubFOp::create(b, before, base).getResult());
      Value factor = arith::SelectOp::create(b, wasEmpty, real(0), shrunk);
      Value total = arith::MulFOp::create(b, load(totals, row), factor);
      total = arith::AddFOp::create(b, total,
                                    reduce(vector::CombiningKind::ADD, sum));
      store(total, totals, row);
      store(after, largest, row);
      Value wideFactor = splat(factor);
      forEach(b, zero, index(b, sumWidth), lanes, [&](Value entry) {
        Value old = loadVector(sums, ValueRange{row, entry});
        storeVector(arith::MulFOp::create(b, old, wideFactor), sums,
                    ValueRange{row, entry});
      });
    });
    // What fills up the last tile weighs nothing.
    forEach(b, numRows, tileRows, 1, [&](Value row) {
      forEach(b, zero, end, lanes, [&](Value key) {
        storeVector(splat(real(0)), weights, ValueRange{row, key});
      });
    });
  }

  /// `lanes` entries of a value from `entry` on, 0 beyond its width.
  Value loadValue(Value key, Value entry, int64_t available) {
    SmallVector<Value> at = {sequence, key, head, entry};
    if (available >= lanes)
      return widen(loadVector(op.getValue(), at));
    Type element = cast<MemRefType>(op.getValue().getType()).getElementType();
    auto type = VectorType::get(lanes, element);
    Value mask =
        vector::CreateMaskOp::create(b, VectorType::get(lanes, b.getI1Type()),
                                     ValueRange{index(b, available)});
    Value zeros = arith::ConstantOp::create(b, b.getZeroAttr(type));
    return widen(
        vector::MaskedLoadOp::create(b, type, op.getValue(), at, mask, zeros));
  }

  void emitSums(Value first, Value count) {
    Value zero = index(b, 0);
    auto emitColumns = [&](Value entry, int64_t vectors, int64_t available) {
      forEach(b, zero, tileRows, kTileRows, [&](Value row) {
        SmallVector<Value> start;
        auto at = [&](int64_t r, int64_t i) -> SmallVector<Value> {
          return {plus(b, row, r), plus(b, entry, i * lanes)};
        };
        for (int64_t r = 0; r < kTileRows; ++r)
          for (int64_t i = 0; i < vectors; ++i)
            start.push_back(loadVector(sums, at(r, i)));
        SmallVector<Value> tile = emitTile(
            row, vectors, count, weights, start, [&](Value key, int64_t i) {
              return loadValue(arith::AddIOp::create(b, first, key),
                               plus(b, entry, i * lanes),
                               available - i * lanes);
            });
        for (int64_t r = 0; r < kTileRows; ++r)
          for (int64_t i = 0; i < vectors; ++i)
            storeVector(tile[r * vectors + i], sums, at(r, i));
      });
    };
    int64_t step = kTileVectors * lanes;
    int64_t whole = valueWidth / step * step;
    forEach(b, zero, index(b, whole), step,
            [&](Value entry) { emitColumns(entry, kTileVectors, step); });
    if (int64_t rest = valueWidth - whole)
      emitColumns(index(b, whole), llvm::divideCeil(rest, lanes), rest);
  }

  void emitResults() {
    Value zero = index(b, 0);
    auto type = cast<MemRefType>(op.getInit().getType());
    forEach(b, zero, numRows, 1, [&](Value row) {
      auto [token, queryHead] = place(row);
      Value total = load(totals, row);
      Value isEmpty = compare(arith::CmpFPredicate::OEQ, total, real(0));
      Value inverse = arith::DivFOp::create(b, real(1), total);
      Value factor = arith::SelectOp::create(b, isEmpty, real(0), inverse);
      forEach(b, zero, index(b, valueWidth), 1, [&](Value entry) {
        Value sum = load(sums, ValueRange{row, entry});
        Value y = arith::MulFOp::create(b, sum, factor);
        if (!type.getElementType().isF32())
          y = arith::TruncFOp::create(b, type.getElementType(), y);
        store(y, op.getInit(), ValueRange{sequence, token, queryHead, entry});
      });
    });
  }

  ImplicitLocOpBuilder &b;
  AttentionOp op;
  int64_t lanes;
  Type f32, i32;
  int64_t heads, groups, width, valueWidth, sumWidth;
  Value tokens, keys; ///< numbers of them
  // Of the task being emitted.
  Value sequence, head, firstRow, numRows, tileRows;
  Value queries, rowPositions, rowSegments; ///< by row
  Value keyPositions, keySegments;          ///< by key of the block
  Value transposed;                         ///< [width, keys of the block]
  Value weights;                            ///< [rows, keys of the block]
  Value sums;                               ///< [rows, sumWidth]
  Value largest, totals;                    ///< by row
};
} // namespace

void moec::cpu::lowerAttention(ImplicitLocOpBuilder &b, AttentionOp op,
                               unsigned lanes) {
  AttentionEmitter(b, op, lanes).emit();
}
