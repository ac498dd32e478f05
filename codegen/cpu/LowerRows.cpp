// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operations that move rows or work on each: gather, combine, slots and map.
// Tasks are blocks of rows; of combine, which adds rows of several groups to a
// token, blocks of columns.

#include "codegen/cpu/Epilogue.h"
#include "codegen/cpu/Loops.h"
#include "codegen/cpu/LowerGrouped.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace moec::cpu;
using namespace moec::grouped;

/// Rows, and columns, of one task.
static constexpr int64_t kTaskRows = 16;
static constexpr int64_t kTaskColumns = 64;
/// Elements that are copied or added at once.
static constexpr int64_t kWidth = 8;

static int64_t rankOf(Value memref) {
  return cast<MemRefType>(memref.getType()).getRank();
}

/// Emits tasks of rows [0, total).
static void forEachRow(ImplicitLocOpBuilder &b, Value total, bool nested,
                       llvm::function_ref<void(Value)> body) {
  forEachTask(b, ceilDiv(b, total, kTaskRows), nested, [&](Value task) {
    Value first = times(b, task, kTaskRows);
    Value last = arith::MinUIOp::create(b, plus(b, first, kTaskRows), total);
    forEach(b, first, last, 1, body);
  });
}

/// Emits `body(column, width)` for the columns [begin, end): vectors of `width`
/// where `vectors`, then scalars (width 0).
static void forEachColumn(ImplicitLocOpBuilder &b, Value begin, Value end,
                          bool vectors, int64_t width,
                          llvm::function_ref<void(Value, unsigned)> body) {
  if (!vectors)
    return forEach(b, begin, end, 1, [&](Value at) { body(at, 0); });
  Value length = b.createOrFold<arith::SubIOp>(end, begin);
  Value rest = b.createOrFold<arith::RemUIOp>(length, index(b, width));
  Value whole = b.createOrFold<arith::SubIOp>(end, rest);
  forEach(b, begin, whole, width, [&](Value at) { body(at, width); });
  forEach(b, whole, end, 1, [&](Value at) { body(at, 0); });
}

static Value load(ImplicitLocOpBuilder &b, Value memref, ValueRange at,
                  unsigned width) {
  if (width == 0)
    return memref::LoadOp::create(b, memref, at);
  Type element = cast<MemRefType>(memref.getType()).getElementType();
  return vector::LoadOp::create(b, VectorType::get(width, element), memref, at);
}

static void store(ImplicitLocOpBuilder &b, Value value, Value memref,
                  ValueRange at) {
  if (isa<VectorType>(value.getType()))
    vector::StoreOp::create(b, value, memref, at);
  else
    memref::StoreOp::create(b, value, memref, at);
}

/// Emits `body(source indices, target indices, width)` for the elements of one
/// row: `from` and `to` are the leading indices, all other dimensions are
/// alike. The first of these has the bounds `begin` and `end`, if given.
static void forEachElement(
    ImplicitLocOpBuilder &b, Value source, Value target,
    SmallVector<Value> from, SmallVector<Value> to, Value begin, Value end,
    llvm::function_ref<void(ValueRange, ValueRange, unsigned)> body) {
  int64_t dim = from.size(), rank = rankOf(source);
  if (dim == rank)
    return body(from, to, 0);
  if (!begin)
    begin = index(b, 0);
  if (!end)
    end = sizeOf(b, source, dim);
  if (dim < rank - 1)
    return forEach(b, begin, end, 1, [&](Value at) {
      SmallVector<Value> innerFrom(from), innerTo(to);
      innerFrom.push_back(at);
      innerTo.push_back(at);
      forEachElement(b, source, target, innerFrom, innerTo, {}, {}, body);
    });
  Type element = cast<MemRefType>(source.getType()).getElementType();
  bool vectors =
      hasUnitStride(source) && hasUnitStride(target) && !element.isInteger(1);
  forEachColumn(b, begin, end, vectors, kWidth, [&](Value at, unsigned width) {
    SmallVector<Value> innerFrom(from), innerTo(to);
    innerFrom.push_back(at);
    innerTo.push_back(at);
    body(innerFrom, innerTo, width);
  });
}

static void copyRow(ImplicitLocOpBuilder &b, Value source, Value target,
                    ArrayRef<Value> from, ArrayRef<Value> to) {
  forEachElement(b, source, target, SmallVector<Value>(from),
                 SmallVector<Value>(to), {}, {},
                 [&](ValueRange read, ValueRange write, unsigned width) {
                   store(b, load(b, source, read, width), target, write);
                 });
}

void moec::cpu::lowerGather(ImplicitLocOpBuilder &b, GatherOp op) {
  forEachRow(b, numRows(b, op.getOffsets()), isNested(op), [&](Value row) {
    copyRow(b, op.getSource(), op.getInits()[0],
            {loadIndex(b, op.getTokens(), row)}, {row});
  });
}

void moec::cpu::lowerSlots(ImplicitLocOpBuilder &b, SlotsOp op) {
  forEachRow(b, numRows(b, op.getOffsets()), isNested(op), [&](Value row) {
    Value token = loadIndex(b, op.getTokens(), row);
    Value slot = loadIndex(b, op.getSlots(), row);
    copyRow(b, op.getRows(), op.getInits()[0], {row}, {token, slot});
  });
}

/// A table that says of each row whether it is its token's first.
static Value emitFirstRows(ImplicitLocOpBuilder &b, CombineOp op) {
  auto type = MemRefType::get({ShapedType::kDynamic}, b.getI8Type());
  auto allocate = [&](Value size) -> Value {
    return memref::AllocOp::create(b, type, ValueRange{size},
                                   b.getI64IntegerAttr(kScratchAlignment));
  };
  Value numTokens = sizeOf(b, op.getInits()[0], 0);
  Value seen = allocate(numTokens);
  Value first = allocate(sizeOf(b, op.getTokens(), 0));
  Value no = arith::ConstantOp::create(b, b.getI8IntegerAttr(0));
  Value yes = arith::ConstantOp::create(b, b.getI8IntegerAttr(1));
  Value zero = index(b, 0);
  forEach(b, zero, numTokens, 1,
          [&](Value token) { memref::StoreOp::create(b, no, seen, token); });
  forEach(b, zero, numRows(b, op.getOffsets()), 1, [&](Value row) {
    Value token = loadIndex(b, op.getTokens(), row);
    Value before = memref::LoadOp::create(b, seen, token);
    Value isFirst = arith::SubIOp::create(b, yes, before);
    memref::StoreOp::create(b, isFirst, first, row);
    memref::StoreOp::create(b, yes, seen, token);
  });
  return first;
}

void moec::cpu::lowerCombine(ImplicitLocOpBuilder &b, CombineOp op) {
  Value rows = op.getRows(), init = op.getInits()[0];
  bool isFloat =
      isa<FloatType>(cast<MemRefType>(rows.getType()).getElementType());
  Value first = op.getReplace() ? emitFirstRows(b, op) : Value();
  Value total = numRows(b, op.getOffsets());
  // Blocks of the first dimension after the rows; vectors only if it is the
  // last one.
  int64_t rank = rankOf(rows);
  int64_t block = rank == 2 ? kTaskColumns : 1;
  Value extent = rank == 1 ? index(b, 1) : sizeOf(b, rows, 1);
  forEachTask(b, ceilDiv(b, extent, block), isNested(op), [&](Value task) {
    Value begin, end;
    if (rank > 1) {
      begin = times(b, task, block);
      end = arith::MinUIOp::create(b, plus(b, begin, block), extent);
    }
    forEach(b, index(b, 0), total, 1, [&](Value row) {
      Value token = loadIndex(b, op.getTokens(), row);
      auto add = [&](bool replace) {
        forEachElement(
            b, rows, init, {row}, {token}, begin, end,
            [&](ValueRange read, ValueRange write, unsigned width) {
              Value value = load(b, rows, read, width);
              if (!replace) {
                Value old = load(b, init, write, width);
                value = isFloat
                            ? arith::AddFOp::create(b, old, value).getResult()
                            : arith::AddIOp::create(b, old, value).getResult();
              }
              store(b, value, init, write);
            });
      };
      if (!first)
        return add(false);
      Value flag = memref::LoadOp::create(b, first, row);
      Value isFirst = arith::TruncIOp::create(b, b.getI1Type(), flag);
      emitIf(b, isFirst, [&] { add(true); }, [&] { add(false); });
    });
  });
}

/// The group of a row: the number of groups that end at or before it.
static Value groupOf(ImplicitLocOpBuilder &b, Value offsets, Value row) {
  Value zero = index(b, 0);
  auto loop = scf::ForOp::create(b, zero, numGroups(b, offsets), index(b, 1),
                                 ValueRange{zero});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value end = loadIndex(b, offsets, plus(b, loop.getInductionVar(), 1));
  Value isBefore =
      arith::CmpIOp::create(b, arith::CmpIPredicate::ule, end, row);
  Value one = arith::IndexCastUIOp::create(b, b.getIndexType(), isBefore);
  Value sum = arith::AddIOp::create(b, loop.getRegionIterArgs()[0], one);
  scf::YieldOp::create(b, sum);
  return loop.getResult(0);
}

void moec::cpu::lowerMap(ImplicitLocOpBuilder &b, MapOp op, unsigned lanes) {
  Value init = op.getInits()[0], offsets = op.getOffsets();
  Epilogue epilogue(op.getBody().front(), op.getInputs(), op.getMaps());
  Type element = cast<MemRefType>(init.getType()).getElementType();
  bool vectors =
      hasUnitStride(init) && epilogue.isVectorizable() && !element.isInteger(1);
  bool usesGroup = llvm::any_of(op.getMaps(), [](Attribute map) {
    return cast<AffineMapAttr>(map).getValue().isFunctionOfDim(Group);
  });
  Value total = offsets ? numRows(b, offsets) : sizeOf(b, init, 0);
  forEachRow(b, total, isNested(op), [&](Value row) {
    Value zero = index(b, 0);
    RowPosition position{zero, row, row, zero};
    if (offsets) {
      if (usesGroup)
        position.group = groupOf(b, offsets, row);
      position.token = loadIndex(b, op.getTokens(), row);
      position.slot = loadIndex(b, op.getSlots(), row);
    }
    epilogue.beginRow(b, position);
    forEachColumn(b, zero, sizeOf(b, init, 1), vectors, lanes,
                  [&](Value column, unsigned width) {
                    Value value = epilogue.emit(b, column, width, {});
                    store(b, value, init, ValueRange{row, column});
                  });
  });
}
