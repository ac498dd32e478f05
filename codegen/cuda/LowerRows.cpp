// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operations that move rows or work on each: gather, combine, slots and map.

#include "codegen/cpu/Epilogue.h"
#include "codegen/cpu/Loops.h"
#include "codegen/cpu/Sorting.h"
#include "codegen/cuda/LowerGrouped.h"

using namespace mlir;
using namespace moec::cpu;
using namespace moec::cuda;
using namespace moec::grouped;

/// `body(row, position in the row)` for each element of the rows that are
/// there, of the sizes of `rows` from dimension 1 on.
static void forEachElement(ImplicitLocOpBuilder &b, StringRef name,
                           Value offsets, Value room, ArrayRef<Value> sizes,
                           llvm::function_ref<void(Value, ValueRange)> body) {
  SmallVector<Value> all{room};
  llvm::append_range(all, sizes);
  forEachThread(b, name, all, [&](ValueRange at) {
    Value isThere = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, at[0],
                                          numRows(b, offsets));
    emitIf(b, isThere, [&] { body(at[0], at.drop_front()); }, nullptr);
  });
}

/// The leading indices, then those of the position in the row.
static SmallVector<Value> join(ArrayRef<Value> leading, ValueRange rest) {
  SmallVector<Value> at(leading);
  llvm::append_range(at, rest);
  return at;
}

void moec::cuda::lowerGather(ImplicitLocOpBuilder &b, GatherOp op) {
  Value init = op.getInits()[0];
  forEachElement(b, "gather", op.getOffsets(), sizeOf(b, op.getTokens(), 0),
                 sizesFrom(b, init, 1), [&](Value row, ValueRange rest) {
                   Value token = loadIndex(b, op.getTokens(), row);
                   Value value = memref::LoadOp::create(b, op.getSource(),
                                                        join({token}, rest));
                   memref::StoreOp::create(b, value, init, join({row}, rest));
                 });
}

void moec::cuda::lowerSlots(ImplicitLocOpBuilder &b, SlotsOp op) {
  forEachElement(b, "slots", op.getOffsets(), sizeOf(b, op.getTokens(), 0),
                 sizesFrom(b, op.getRows(), 1),
                 [&](Value row, ValueRange rest) {
                   Value token = loadIndex(b, op.getTokens(), row);
                   Value slot = loadIndex(b, op.getSlots(), row);
                   Value value = memref::LoadOp::create(b, op.getRows(),
                                                        join({row}, rest));
                   memref::StoreOp::create(b, value, op.getInits()[0],
                                           join({token, slot}, rest));
                 });
}

/// A table of the first row of each token (the room of rows where there is
/// none).
static Value emitFirstRows(ImplicitLocOpBuilder &b, Value offsets, Value tokens,
                           Value numTokens) {
  auto type = MemRefType::get({ShapedType::kDynamic}, b.getI32Type());
  Value first = memref::AllocOp::create(b, type, ValueRange{numTokens},
                                        b.getI64IntegerAttr(kScratchAlignment));
  forEachThread(b, "first_rows", {numTokens}, [&](ValueRange at) {
    Value room = sizeOf(b, tokens, 0);
    auto loop = scf::ForOp::create(b, index(b, 0), numRows(b, offsets),
                                   index(b, 1), ValueRange{room});
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      Value row = loop.getInductionVar(), best = loop.getRegionIterArgs()[0];
      Value isOurs = arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                           loadIndex(b, tokens, row), at[0]);
      Value lower = arith::MinUIOp::create(b, best, row);
      scf::YieldOp::create(
          b, arith::SelectOp::create(b, isOurs, lower, best).getResult());
    }
    storeIndex(b, loop.getResult(0), first, at[0]);
  });
  return first;
}

void moec::cuda::emitCombine(ImplicitLocOpBuilder &b, Value rows, Value offsets,
                             Value tokens, Value init, bool replace) {
  bool isFloat =
      isa<FloatType>(cast<MemRefType>(rows.getType()).getElementType());
  Value first =
      replace ? emitFirstRows(b, offsets, tokens, sizeOf(b, init, 0)) : Value();
  SmallVector<Value> sizes = sizesFrom(b, rows, 1);
  if (sizes.empty())
    sizes.push_back(index(b, 1));
  int64_t rank = cast<MemRefType>(rows.getType()).getRank();
  forEachThread(b, "combine", sizes, [&](ValueRange column) {
    ValueRange rest = column.take_front(rank - 1);
    forEach(b, index(b, 0), numRows(b, offsets), 1, [&](Value row) {
      Value token = loadIndex(b, tokens, row);
      SmallVector<Value> to = join({token}, rest);
      Value value = memref::LoadOp::create(b, rows, join({row}, rest));
      Value old = memref::LoadOp::create(b, init, to);
      Value sum = isFloat ? arith::AddFOp::create(b, old, value).getResult()
                          : arith::AddIOp::create(b, old, value).getResult();
      if (first) {
        Value isFirst = arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                              loadIndex(b, first, token), row);
        sum = arith::SelectOp::create(b, isFirst, value, sum);
      }
      memref::StoreOp::create(b, sum, init, to);
    });
  });
}

void moec::cuda::lowerCombine(ImplicitLocOpBuilder &b, CombineOp op) {
  emitCombine(b, op.getRows(), op.getOffsets(), op.getTokens(),
              op.getInits()[0], op.getReplace());
}

void moec::cuda::lowerMap(ImplicitLocOpBuilder &b, MapOp op) {
  Value init = op.getInits()[0], offsets = op.getOffsets(), zero = index(b, 0);
  Epilogue epilogue(op.getBody().front(), op.getInputs(), op.getMaps());
  auto emitElement = [&](const RowPosition &position, Value column) {
    epilogue.beginRow(b, position);
    Value value = epilogue.emit(b, column, /*width=*/0, {});
    memref::StoreOp::create(b, value, init, ValueRange{position.row, column});
  };
  if (!offsets)
    return forEachThread(b, "map", sizesFrom(b, init, 0), [&](ValueRange at) {
      emitElement({zero, at[0], at[0], zero}, at[1]);
    });
  bool usesGroup = llvm::any_of(op.getMaps(), [](Attribute map) {
    return cast<AffineMapAttr>(map).getValue().isFunctionOfDim(Group);
  });
  forEachElement(b, "grouped_map", offsets, sizeOf(b, op.getTokens(), 0),
                 sizesFrom(b, init, 1), [&](Value row, ValueRange rest) {
                   Value group = usesGroup ? groupOf(b, offsets, row) : zero;
                   emitElement({group, row, loadIndex(b, op.getTokens(), row),
                                loadIndex(b, op.getSlots(), row)},
                               rest[0]);
                 });
}
