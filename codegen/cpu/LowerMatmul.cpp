// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// grouped.matmul over panels. One task computes some rows of one group for some
// panels (with `reduce`: some panels for all rows, so that each output column
// has one owner and sums are in row order whatever runs in parallel):
//
//   pack the rows' left side                    rows x depth, L2
//   for each block of panels
//     for each depth block, panel, register tile: sums += lhs * panel
//     for each row: epilogue over the sums, store or add to the output
//
// A group of m rows costs 2 * m * N * K flops for each part and reads its
// panels (N * K elements a part) once for every `rows` rows.

#include "codegen/cpu/Epilogue.h"
#include "codegen/cpu/Loops.h"
#include "codegen/cpu/LowerGrouped.h"
#include "codegen/cpu/Microkernel.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/CostModel.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace moec::cpu;
using namespace moec::grouped;

namespace {
/// Distance of prefetches in a streamed panel, in bytes.
constexpr int64_t kStreamDistance = 2048;

class PackedMatmul {
public:
  PackedMatmul(ImplicitLocOpBuilder &b, MatmulOp op, unsigned lanes);
  void emit();

private:
  void emitReduce();
  void emitDense();
  void emitGroups();
  void emitNestedGroups();

  /// Buffers of one task.
  void allocateScratch();
  /// `body(begin, count)` for the row chunks of rows [begin, end).
  void forEachChunk(Value begin, Value end,
                    llvm::function_ref<void(Value, Value)> body);
  /// Rows of each chunk if `count` rows are split evenly.
  Value chunkRows(Value count);
  /// Rows [begin, begin + count) of `group` for panels [first, last).
  void emitChunk(Value group, Value begin, Value count, Value first,
                 Value last);
  void emitPack(Value begin, Value count);
  void emitTiles(Value group, Value begin, Value count, Value firstPanel,
                 Value lastPanel, Value depthStart);
  void emitEpilogue(Value group, Value begin, Value count, Value firstPanel,
                    Value lastPanel);
  void emitColumns(Epilogue &epilogue, Value target, Value sumRow,
                   Value sumColumn, Value column);
  Value depthLength(Value depthStart);

  ImplicitLocOpBuilder &b;
  MatmulOp op;
  unsigned lanes;
  /// Extents: contracted size, columns and panels.
  int64_t depth, columns, numPanels, parts, depthGroup;
  /// Depth padded to whole groups.
  int64_t paddedDepth;
  /// Tile: rows of a chunk, depth and panels of a block, panels of a task.
  int64_t rows, blockDepth, blockPanels, taskPanels, numRanges;
  bool packs;
  Value weights;
  Value packed, sums;
};

PackedMatmul::PackedMatmul(ImplicitLocOpBuilder &b, MatmulOp op, unsigned lanes)
    : b(b), op(op), lanes(lanes) {
  PanelsAttr panels = *op.getPanels();
  auto type = cast<MemRefType>(op.getRhs()[0].getType());
  depth = panels.getDepth();
  columns = panels.getColumns();
  parts = panels.getParts();
  numPanels = panels.getNumPanels();
  depthGroup = PanelsAttr::getDepthGroup(type.getElementType());
  paddedDepth = llvm::alignTo(depth, depthGroup);

  int64_t tileRows = getTileRows(lanes, depthGroup);
  rows = llvm::alignTo(132, tileRows);
  blockDepth = 512;
  blockPanels = 8;
  taskPanels = llvm::divideCeil(numPanels, 8);
  if (std::optional<TileAttr> tile = op.getTile()) {
    rows = tile->getRows();
    blockDepth = tile->getDepth();
    blockPanels = tile->getPanels();
    taskPanels = tile->getTaskPanels();
  }
  rows = std::max<int64_t>(rows, 1);
  blockDepth = std::min<int64_t>(
      llvm::alignTo(std::max<int64_t>(blockDepth, 1), kDepthUnroll),
      llvm::alignTo(paddedDepth, kDepthUnroll));
  taskPanels =
      std::clamp<int64_t>(taskPanels, 1, std::max<int64_t>(numPanels, 1));
  blockPanels = std::clamp<int64_t>(blockPanels, 1, taskPanels);
  numRanges = llvm::divideCeil(numPanels, taskPanels);

  SmallVector<int64_t> strides;
  int64_t offset;
  auto lhs = cast<MemRefType>(op.getLhs().getType());
  bool readable = succeeded(lhs.getStridesAndOffset(strides, offset)) &&
                  strides[1] == 1 && !ShapedType::isDynamic(strides[0]) &&
                  paddedDepth == depth;
  packs = op.getGather() || !readable || rows > moec::kStreamedRows;

  SmallVector<ReassociationIndices> flat{{0}, {1}, {2, 3, 4}};
  weights = memref::CollapseShapeOp::create(b, op.getRhs()[0], flat);
}

void PackedMatmul::allocateScratch() {
  auto allocate = [&](ArrayRef<int64_t> shape) -> Value {
    return memref::AllocOp::create(b, MemRefType::get(shape, b.getF32Type()),
                                   b.getI64IntegerAttr(kScratchAlignment));
  };
  if (packs)
    packed = allocate(
        {static_cast<int64_t>(llvm::divideCeil(paddedDepth, blockDepth)), rows,
         blockDepth});
  sums = allocate({rows, blockPanels * kPanelLanes});
}

Value PackedMatmul::chunkRows(Value count) {
  // Equal chunks of whole register tiles: a small last one would read all
  // panels again for few rows.
  Value chunks = ceilDiv(b, count, rows);
  Value atLeastOne = arith::MaxUIOp::create(b, chunks, index(b, 1));
  Value even = arith::DivUIOp::create(
      b,
      arith::SubIOp::create(b, arith::AddIOp::create(b, count, atLeastOne),
                            index(b, 1)),
      atLeastOne);
  int64_t tile = getTileRows(lanes, depthGroup);
  Value whole = times(b, ceilDiv(b, even, tile), tile);
  Value atMost = arith::MinUIOp::create(b, whole, index(b, rows));
  return arith::MaxUIOp::create(b, atMost, index(b, 1));
}

void PackedMatmul::forEachChunk(Value begin, Value end,
                                llvm::function_ref<void(Value, Value)> body) {
  Value size = chunkRows(arith::SubIOp::create(b, end, begin));
  auto loop = scf::ForOp::create(b, begin, end, size);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value first = loop.getInductionVar();
  Value left = arith::SubIOp::create(b, end, first);
  body(first, arith::MinUIOp::create(b, left, size));
}

void PackedMatmul::emit() {
  if (op.getReduce())
    return emitReduce();
  if (!op.isGrouped())
    return emitDense();
  if (isNested(op))
    return emitNestedGroups();
  emitGroups();
}

/// Panels of column range `range`.
static std::pair<Value, Value> panelRange(ImplicitLocOpBuilder &b, Value range,
                                          int64_t taskPanels,
                                          int64_t numPanels) {
  Value first = times(b, range, taskPanels);
  Value last = plus(b, first, taskPanels);
  if (numPanels % taskPanels != 0)
    last = arith::MinUIOp::create(b, last, index(b, numPanels));
  return {first, last};
}

void PackedMatmul::emitReduce() {
  forEachTask(b, index(b, numRanges), isNested(op), [&](Value range) {
    allocateScratch();
    auto [first, last] = panelRange(b, range, taskPanels, numPanels);
    Value offsets = op.getOffsets();
    forEach(b, index(b, 0), numGroups(b, offsets), 1, [&](Value group) {
      Value begin = loadIndex(b, offsets, group);
      Value end = loadIndex(b, offsets, plus(b, group, 1));
      forEachChunk(begin, end, [&](Value at, Value count) {
        emitChunk(group, at, count, first, last);
      });
    });
  });
}

void PackedMatmul::emitDense() {
  Value total = sizeOf(b, op.getInits()[0], 0);
  Value size = chunkRows(total);
  Value chunks = arith::CeilDivUIOp::create(b, total, size);
  Value count = times(b, chunks, numRanges);
  forEachTask(b, count, isNested(op), [&](Value task) {
    allocateScratch();
    Value chunk = task, range = index(b, 0);
    if (numRanges > 1) {
      chunk = arith::DivUIOp::create(b, task, index(b, numRanges));
      range = arith::RemUIOp::create(b, task, index(b, numRanges));
    }
    auto [first, last] = panelRange(b, range, taskPanels, numPanels);
    Value begin = arith::MulIOp::create(b, chunk, size);
    Value left = arith::SubIOp::create(b, total, begin);
    emitChunk(index(b, 0), begin, arith::MinUIOp::create(b, left, size), first,
              last);
  });
}

void PackedMatmul::emitNestedGroups() {
  allocateScratch();
  Value offsets = op.getOffsets();
  forEach(b, index(b, 0), numGroups(b, offsets), 1, [&](Value group) {
    Value begin = loadIndex(b, offsets, group);
    Value end = loadIndex(b, offsets, plus(b, group, 1));
    forEachChunk(begin, end, [&](Value at, Value count) {
      emitChunk(group, at, count, index(b, 0), index(b, numPanels));
    });
  });
}

/// A table lists the chunks of all groups (group, first row, rows), so that
/// there are as many tasks as there is work.
void PackedMatmul::emitGroups() {
  Value offsets = op.getOffsets();
  Value groups = numGroups(b, offsets);
  // A group of m rows has at most m / rows + 1 chunks.
  Value most = arith::AddIOp::create(
      b, groups, ceilDiv(b, sizeOf(b, op.getTokens(), 0), rows));
  auto tableType = MemRefType::get({ShapedType::kDynamic, 3}, b.getIndexType());
  Value table = memref::AllocOp::create(b, tableType, ValueRange{most},
                                        b.getI64IntegerAttr(kScratchAlignment));
  Value zero = index(b, 0);
  auto perGroup =
      scf::ForOp::create(b, zero, groups, index(b, 1), ValueRange{zero});
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(perGroup.getBody());
    Value group = perGroup.getInductionVar();
    Value begin = loadIndex(b, offsets, group);
    Value end = loadIndex(b, offsets, plus(b, group, 1));
    Value size = chunkRows(arith::SubIOp::create(b, end, begin));
    auto perChunk =
        scf::ForOp::create(b, begin, end, size, perGroup.getRegionIterArgs());
    {
      OpBuilder::InsertionGuard inner(b);
      b.setInsertionPointToStart(perChunk.getBody());
      Value at = perChunk.getRegionIterArgs()[0];
      Value first = perChunk.getInductionVar();
      Value left = arith::SubIOp::create(b, end, first);
      Value count = arith::MinUIOp::create(b, left, size);
      SmallVector<Value> fields{group, first, count};
      for (auto [field, value] : llvm::enumerate(fields))
        memref::StoreOp::create(b, value, table,
                                ValueRange{at, index(b, field)});
      scf::YieldOp::create(b, plus(b, at, 1));
    }
    scf::YieldOp::create(b, perChunk.getResults());
  }
  Value count = times(b, perGroup.getResult(0), numRanges);
  forEachTask(b, count, /*nested=*/false, [&](Value task) {
    allocateScratch();
    Value chunk = task, range = index(b, 0);
    if (numRanges > 1) {
      chunk = arith::DivUIOp::create(b, task, index(b, numRanges));
      range = arith::RemUIOp::create(b, task, index(b, numRanges));
    }
    auto [first, last] = panelRange(b, range, taskPanels, numPanels);
    SmallVector<Value> fields;
    for (int64_t field = 0; field < 3; ++field)
      fields.push_back(
          memref::LoadOp::create(b, table, ValueRange{chunk, index(b, field)}));
    emitChunk(fields[0], fields[1], fields[2], first, last);
  });
}

Value PackedMatmul::depthLength(Value depthStart) {
  if (paddedDepth % blockDepth == 0)
    return index(b, blockDepth);
  Value left = arith::SubIOp::create(b, index(b, paddedDepth), depthStart);
  return arith::MinUIOp::create(b, left, index(b, blockDepth));
}

/// Copies rows into `packed[depth block, row, depth]`: register tiles then read
/// rows at a constant, small stride.
void PackedMatmul::emitPack(Value begin, Value count) {
  constexpr int64_t kWidth = 8;
  Value lhs = op.getLhs();
  bool vectors = hasUnitStride(lhs);
  auto type = VectorType::get(kWidth, b.getF32Type());
  int64_t whole = vectors ? depth / kWidth * kWidth : 0;
  forEach(b, index(b, 0), count, 1, [&](Value i) {
    Value row = arith::AddIOp::create(b, begin, i);
    Value source = op.getGather() ? loadIndex(b, op.getTokens(), row) : row;
    auto copy = [&](Value start, Value from, Value to, bool wide) {
      forEach(b, from, to, wide ? kWidth : 1, [&](Value k) {
        SmallVector<Value> at{
            arith::DivUIOp::create(b, start, index(b, blockDepth)), i,
            arith::SubIOp::create(b, k, start)};
        if (wide)
          vector::StoreOp::create(
              b,
              vector::LoadOp::create(b, type, lhs, ValueRange{source, k})
                  .getResult(),
              packed, at);
        else
          memref::StoreOp::create(
              b, memref::LoadOp::create(b, lhs, ValueRange{source, k}), packed,
              at);
      });
    };
    forEach(b, index(b, 0), index(b, depth), blockDepth, [&](Value start) {
      auto limit = [&](int64_t end) -> Value {
        return arith::MinUIOp::create(b, plus(b, start, blockDepth),
                                      index(b, end));
      };
      if (whole != 0)
        copy(start, start, limit(whole), /*wide=*/true);
      if (whole != depth)
        copy(start, arith::MaxUIOp::create(b, start, index(b, whole)),
             limit(depth),
             /*wide=*/false);
    });
    if (paddedDepth != depth) {
      Value zero = arith::ConstantOp::create(b, b.getF32FloatAttr(0.0f));
      memref::StoreOp::create(b, zero, packed,
                              ValueRange{index(b, depth / blockDepth), i,
                                         index(b, depth % blockDepth)});
    }
  });
}

void PackedMatmul::emitChunk(Value group, Value begin, Value count, Value first,
                             Value last) {
  if (packs)
    emitPack(begin, count);
  auto rowType = VectorType::get(lanes, b.getF32Type());
  forEach(b, first, last, blockPanels, [&](Value firstPanel) {
    Value lastPanel =
        arith::MinUIOp::create(b, plus(b, firstPanel, blockPanels), last);
    Value used =
        times(b, arith::SubIOp::create(b, lastPanel, firstPanel), kPanelLanes);
    forEach(b, index(b, 0), count, 1, [&](Value row) {
      forEach(b, index(b, 0), used, lanes, [&](Value column) {
        Value zero = arith::ConstantOp::create(b, b.getZeroAttr(rowType));
        vector::StoreOp::create(b, zero, sums, ValueRange{row, column});
      });
    });
    forEach(b, index(b, 0), index(b, paddedDepth), blockDepth,
            [&](Value depthStart) {
              emitTiles(group, begin, count, firstPanel, lastPanel, depthStart);
            });
    emitEpilogue(group, begin, count, firstPanel, lastPanel);
  });
}

/// One depth block of one block of panels.
void PackedMatmul::emitTiles(Value group, Value begin, Value count,
                             Value firstPanel, Value lastPanel,
                             Value depthStart) {
  int64_t tileRows = getTileRows(lanes, depthGroup);
  auto element = cast<MemRefType>(weights.getType()).getElementType();
  int64_t line = 64 * 8 / element.getIntOrFloatBitWidth();
  Value length = depthLength(depthStart);
  Microkernel kernel{b, lanes, depthGroup,
                     /*hasTail=*/paddedDepth % kDepthUnroll != 0,
                     rows <= moec::kStreamedRows ? kStreamDistance : 0};
  // Part of the panel of this depth block.
  auto panelAt = [&](Value panel, Value start) -> Value {
    OpFoldResult offsets[] = {group, panel, times(b, start, kPanelLanes)};
    OpFoldResult one = b.getIndexAttr(1);
    OpFoldResult sizes[] = {one, one,
                            times(b, depthLength(start), kPanelLanes)};
    OpFoldResult strides[] = {one, one, one};
    auto type = MemRefType::get(
        {ShapedType::kDynamic}, element,
        StridedLayoutAttr::get(b.getContext(), ShapedType::kDynamic, {1}));
    return memref::SubViewOp::create(b, type, weights, offsets, sizes, strides);
  };
  auto rowsAt = [&](Value source, ArrayRef<OpFoldResult> offsets,
                    ArrayRef<OpFoldResult> sizes) -> Value {
    SmallVector<OpFoldResult> ones(offsets.size(), b.getIndexAttr(1));
    auto sourceType = cast<MemRefType>(source.getType());
    SmallVector<int64_t> strides;
    int64_t offset;
    (void)sourceType.getStridesAndOffset(strides, offset);
    SmallVector<OpFoldResult> folded;
    SmallVector<int64_t> shape;
    for (OpFoldResult size : sizes) {
      std::optional<int64_t> constant = getConstantIntValue(size);
      folded.push_back(constant ? b.getIndexAttr(*constant) : size);
      shape.push_back(constant.value_or(ShapedType::kDynamic));
    }
    auto type = MemRefType::get(
        ArrayRef(shape).take_back(2), b.getF32Type(),
        StridedLayoutAttr::get(b.getContext(), ShapedType::kDynamic,
                               {strides[strides.size() - 2], 1}));
    return memref::SubViewOp::create(b, type, source, offsets, folded, ones);
  };
  forEach(b, firstPanel, lastPanel, 1, [&](Value panel) {
    Value current = panelAt(panel, depthStart);
    // What is read after this part: the next panel, or the first one of the
    // next depth block, or whatever stands there at the end.
    Value following = plus(b, panel, 1);
    Value inBlock = arith::CmpIOp::create(b, arith::CmpIPredicate::ult,
                                          following, lastPanel);
    Value nextStart = plus(b, depthStart, blockDepth);
    Value inDepth = arith::CmpIOp::create(b, arith::CmpIPredicate::ult,
                                          nextStart, index(b, paddedDepth));
    Value atEnd = arith::MinUIOp::create(b, lastPanel, index(b, numPanels - 1));
    Value nextPanel = arith::SelectOp::create(
        b, inBlock, following,
        arith::SelectOp::create(b, inDepth, firstPanel, atEnd));
    Value nextDepth = arith::SelectOp::create(
        b, inBlock, depthStart,
        arith::SelectOp::create(b, inDepth, nextStart, index(b, 0)));
    Value next = panelAt(nextPanel, nextDepth);
    Value sumColumn =
        times(b, arith::SubIOp::create(b, panel, firstPanel), kPanelLanes);

    auto tile = [&](Value row, int64_t height) {
      OpFoldResult heightAttr = b.getIndexAttr(height), one = b.getIndexAttr(1),
                   zero = b.getIndexAttr(0);
      Value lhs;
      if (packs) {
        Value block =
            arith::DivUIOp::create(b, depthStart, index(b, blockDepth));
        lhs = rowsAt(packed, {block, row, zero},
                     {one, heightAttr, b.getIndexAttr(blockDepth)});
      } else {
        Value from = arith::AddIOp::create(b, begin, row);
        lhs = rowsAt(op.getLhs(), {from, depthStart},
                     {heightAttr, getAsOpFoldResult(length)});
      }
      Value out = rowsAt(sums, {row, sumColumn},
                         {heightAttr, b.getIndexAttr(kPanelLanes)});
      // Register tiles share the next part's lines; each takes its own.
      int64_t share = blockDepth / kDepthUnroll * line;
      int64_t last = blockDepth * kPanelLanes - share;
      Value number = arith::DivUIOp::create(b, row, index(b, tileRows));
      Value nextOffset =
          arith::MinUIOp::create(b, times(b, number, share), index(b, last));
      kernel.emit(height, lhs, current, out, length, next, nextOffset);
    };

    Value rest = arith::RemUIOp::create(b, count, index(b, tileRows));
    Value whole = arith::SubIOp::create(b, count, rest);
    if (rows >= tileRows)
      forEach(b, index(b, 0), whole, tileRows,
              [&](Value row) { tile(row, tileRows); });
    SmallVector<int64_t> cases;
    for (int64_t height = 1; height < std::min(tileRows, rows + 1); ++height)
      cases.push_back(height);
    auto choice =
        scf::IndexSwitchOp::create(b, TypeRange(), rest, cases, cases.size());
    for (auto [height, region] :
         llvm::zip_equal(cases, choice.getCaseRegions())) {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(&region.emplaceBlock());
      tile(whole, height);
      scf::YieldOp::create(b);
    }
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(&choice.getDefaultRegion().emplaceBlock());
    scf::YieldOp::create(b);
  });
}

/// The epilogue of the columns of one part's vector: stores or adds full
/// vectors, and single elements where the columns end.
void PackedMatmul::emitColumns(Epilogue &epilogue, Value target, Value sumRow,
                               Value sumColumn, Value column) {
  int64_t partLanes = kPanelLanes / parts;
  unsigned width = std::min<int64_t>(lanes, partLanes);
  Value init = op.getInits()[0];
  bool unit = hasUnitStride(init);
  bool wide = unit && epilogue.isVectorizable();

  auto emitAt = [&](Value lane, unsigned w) {
    SmallVector<Value> accumulators;
    for (int64_t part = 0; part < parts; ++part) {
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
      if (op.getReduce())
        value = arith::AddFOp::create(
            b, memref::LoadOp::create(b, init, to).getResult(), value);
      memref::StoreOp::create(b, value, init, to);
      return;
    }
    if (op.getReduce())
      value = arith::AddFOp::create(
          b,
          vector::LoadOp::create(b, cast<VectorType>(value.getType()), init, to)
              .getResult(),
          value);
    vector::StoreOp::create(b, value, init, to);
  };
  auto scalars = [&](Value from) {
    Value left = arith::SubIOp::create(b, index(b, columns), column);
    Value end = arith::MinUIOp::create(b, left, index(b, partLanes));
    forEach(b, from, end, 1, [&](Value lane) { emitAt(lane, 0); });
  };
  if (!wide)
    return scalars(index(b, 0));
  for (int64_t lane = 0; lane < partLanes; lane += width) {
    if (columns % partLanes == 0) {
      emitAt(index(b, lane), width);
      continue;
    }
    Value fits =
        arith::CmpIOp::create(b, arith::CmpIPredicate::ule,
                              plus(b, column, lane + width), index(b, columns));
    emitIf(
        b, fits, [&] { emitAt(index(b, lane), width); },
        [&] {
          Value from = plus(b, column, lane);
          Value left = arith::SubIOp::create(b, index(b, columns), from);
          Value some = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, left,
                                             index(b, 0));
          left = arith::SelectOp::create(b, some, index(b, 0), left);
          forEach(b, index(b, lane), plus(b, left, lane), 1,
                  [&](Value at) { emitAt(at, 0); });
        });
  }
}

void PackedMatmul::emitEpilogue(Value group, Value begin, Value count,
                                Value firstPanel, Value lastPanel) {
  Epilogue epilogue(op.getEpilogue().front(), op.getExtras(), op.getMaps());
  forEach(b, index(b, 0), count, 1, [&](Value i) {
    Value row = arith::AddIOp::create(b, begin, i);
    RowPosition position{group, row, row, index(b, 0)};
    if (op.isGrouped()) {
      position.token = loadIndex(b, op.getTokens(), row);
      position.slot = loadIndex(b, op.getSlots(), row);
    }
    epilogue.beginRow(b, position);
    Value target = op.getReduce() ? position.token : row;
    forEach(b, firstPanel, lastPanel, 1, [&](Value panel) {
      Value sumColumn =
          times(b, arith::SubIOp::create(b, panel, firstPanel), kPanelLanes);
      Value column = times(b, panel, kPanelLanes / parts);
      emitColumns(epilogue, target, i, sumColumn, column);
    });
  });
}
} // namespace

void moec::cpu::lowerPackedMatmul(ImplicitLocOpBuilder &b, MatmulOp op,
                                  unsigned lanes) {
  PackedMatmul(b, op, lanes).emit();
}
