// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/PanelTask.h"
#include "codegen/cpu/DecodeBlocks.h"
#include "codegen/cpu/DotTile.h"
#include "codegen/cpu/IntegerTile.h"
#include "codegen/cpu/Loops.h"
#include "codegen/cpu/Microkernel.h"
#include "codegen/cpu/PackRows.h"
#include "codegen/cpu/PanelEpilogue.h"
#include "codegen/cpu/TransposePanel.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/CostModel.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace moec::cpu;
using namespace moec::grouped;

/// Distance of prefetches in a streamed panel, in bytes.
static constexpr int64_t kStreamDistance = 2048;
/// Rows of row-major weights that one register tile prefetches.
static constexpr int64_t kNextRows = 2;

PanelTask::PanelTask(ImplicitLocOpBuilder &b, const PanelMatmul &matmul)
    : b(b), m(matmul) {
  SmallVector<ReassociationIndices> flat{{0}, {1}, {2, 3, 4}};
  if (!m.isRowMajor)
    weights = memref::CollapseShapeOp::create(b, m.op.getRhs()[0], flat);
  auto allocate = [&](ArrayRef<int64_t> shape, Type element) -> Value {
    return memref::AllocOp::create(b, MemRefType::get(shape, element),
                                   b.getI64IntegerAttr(kScratchAlignment));
  };
  Type f32 = b.getF32Type();
  if (m.packs)
    packed = allocate(
        {static_cast<int64_t>(llvm::divideCeil(m.paddedDepth, m.blockDepth)),
         m.rows, m.blockDepth},
        m.hasPairs ? b.getBF16Type() : f32);
  sums = allocate({m.rows, m.blockPanels * kPanelLanes}, f32);
  if (m.isInteger)
    quantized = allocateQuantizedRows(b, m);
  // A panel's sums are worth their time where more than a few tiles use them.
  if (m.isInteger && !m.hasVnni && m.rows > moec::kStreamedRows &&
      m.blocks.getCode() == moec::grouped::BlockCode::Int8)
    negativeSums = allocate({m.blockDepth / m.blocks.getSize() * kPanelLanes},
                            b.getI32Type());
  if (m.isRowMajor && !m.hasDotTiles())
    expanded = allocate({m.blockDepth * kPanelLanes}, f32);
  if (!m.blocks || m.isInteger)
    return;
  // Quantised weights are decoded in registers if few rows use them; otherwise
  // a panel becomes f32 once, for all of them.
  bool isStreamed = m.rows <= moec::kStreamedRows;
  if (!isStreamed)
    expanded = allocate({m.blockDepth * kPanelLanes}, f32);
  if (BlockDecoder::needsRowSums(m.blocks))
    rowSums = allocate(
        {isStreamed ? m.rows : m.tileRows, m.paddedDepth / m.blocks.getSize()},
        f32);
}

Value PanelTask::hasOneTile(const RowChunk &chunk) {
  return arith::CmpIOp::create(b, arith::CmpIPredicate::ule, chunk.count,
                               index(b, m.tileRows));
}

void PanelTask::emitRowSums(const RowChunk &chunk) {
  int64_t size = m.blocks.getSize(), width = size % 8 == 0 ? 8 : 4;
  auto type = VectorType::get(width, b.getF32Type());
  forEach(
      b, index(b, 0), index(b, m.paddedDepth), m.blockDepth, [&](Value start) {
        Value lhs = lhsRows(chunk, start, index(b, 0), chunk.count);
        Value before = arith::DivUIOp::create(b, start, index(b, size));
        Value blocks =
            arith::DivUIOp::create(b, depthLength(start), index(b, size));
        forEach(b, index(b, 0), chunk.count, 1, [&](Value row) {
          forEach(b, index(b, 0), blocks, 1, [&](Value block) {
            Value sum;
            for (int64_t k = 0; k < size; k += width) {
              Value at = plus(b, times(b, block, size), k);
              Value part =
                  vector::LoadOp::create(b, type, lhs, ValueRange{row, at});
              sum = sum ? arith::AddFOp::create(b, sum, part) : part;
            }
            sum =
                vector::ReductionOp::create(b, vector::CombiningKind::ADD, sum);
            memref::StoreOp::create(
                b, sum, rowSums,
                ValueRange{row, arith::AddIOp::create(b, before, block)});
          });
        });
      });
}

void PanelTask::emit(const RowChunk &chunk, Value first, Value last) {
  if (packed)
    packRows(b, m, packed, chunk);
  if (quantized)
    quantizeRows(b, m, *quantized, chunk);
  if (rowSums && expanded)
    emitIf(b, hasOneTile(chunk), [&] { emitRowSums(chunk); }, nullptr);
  else if (rowSums)
    emitRowSums(chunk);
  auto rowType = VectorType::get(m.lanes, b.getF32Type());
  forEach(b, first, last, m.blockPanels, [&](Value firstPanel) {
    Value lastPanel =
        arith::MinUIOp::create(b, plus(b, firstPanel, m.blockPanels), last);
    Block block{chunk, firstPanel, lastPanel};
    Value used =
        times(b, arith::SubIOp::create(b, lastPanel, firstPanel), kPanelLanes);
    forEach(b, index(b, 0), chunk.count, 1, [&](Value row) {
      forEach(b, index(b, 0), used, m.lanes, [&](Value column) {
        Value zero = arith::ConstantOp::create(b, b.getZeroAttr(rowType));
        vector::StoreOp::create(b, zero, sums, ValueRange{row, column});
      });
    });
    forEach(b, index(b, 0), index(b, m.paddedDepth), m.blockDepth,
            [&](Value depthStart) { emitDepthBlock(block, depthStart); });
    emitPanelEpilogue(b, m, sums, chunk, firstPanel, lastPanel);
  });
}

void PanelTask::emitDepthBlock(const Block &block, Value depthStart) {
  forEach(b, block.firstPanel, block.lastPanel, 1, [&](Value panel) {
    if (m.isRowMajor)
      emitRowMajorPanel(block, depthStart, panel);
    else if (quantized)
      emitIntegerPanel(block, depthStart, panel);
    else
      emitPanel(block, depthStart, panel);
  });
}

Value PanelTask::depthLength(Value depthStart) {
  if (m.paddedDepth % m.blockDepth == 0)
    return index(b, m.blockDepth);
  Value left = arith::SubIOp::create(b, index(b, m.paddedDepth), depthStart);
  return arith::MinUIOp::create(b, left, index(b, m.blockDepth));
}

Value PanelTask::panelAt(Value group, Value panel, Value start) {
  auto bytesOf = [&](Value depth) -> Value {
    if (!m.blocks)
      return times(b, depth, kPanelLanes);
    return times(b,
                 arith::DivUIOp::create(b, depth, index(b, m.blocks.getSize())),
                 BlockDecoder::getBlockBytes(m.blocks));
  };
  OpFoldResult offsets[] = {group, panel, bytesOf(start)};
  OpFoldResult one = b.getIndexAttr(1);
  OpFoldResult sizes[] = {one, one, bytesOf(depthLength(start))};
  OpFoldResult strides[] = {one, one, one};
  auto type = MemRefType::get(
      {ShapedType::kDynamic}, m.element,
      StridedLayoutAttr::get(b.getContext(), ShapedType::kDynamic, {1}));
  return memref::SubViewOp::create(b, type, weights, offsets, sizes, strides);
}

Value PanelTask::rowsAt(Value source, ArrayRef<OpFoldResult> offsets,
                        ArrayRef<OpFoldResult> sizes) {
  SmallVector<OpFoldResult> ones(offsets.size(), b.getIndexAttr(1));
  SmallVector<int64_t> strides;
  int64_t offset;
  (void)cast<MemRefType>(source.getType()).getStridesAndOffset(strides, offset);
  SmallVector<OpFoldResult> folded;
  SmallVector<int64_t> shape;
  for (OpFoldResult size : sizes) {
    std::optional<int64_t> constant = getConstantIntValue(size);
    folded.push_back(constant ? b.getIndexAttr(*constant) : size);
    shape.push_back(constant.value_or(ShapedType::kDynamic));
  }
  auto type = MemRefType::get(
      ArrayRef(shape).take_back(2),
      cast<MemRefType>(source.getType()).getElementType(),
      StridedLayoutAttr::get(b.getContext(), ShapedType::kDynamic,
                             {strides[strides.size() - 2], 1}));
  return memref::SubViewOp::create(b, type, source, offsets, folded, ones);
}

Value PanelTask::lhsRows(const RowChunk &chunk, Value depthStart, Value row,
                         OpFoldResult height) {
  if (!packed) {
    Value from = arith::AddIOp::create(b, chunk.lhsRow, row);
    return rowsAt(m.lhs, {from, depthStart},
                  {height, getAsOpFoldResult(depthLength(depthStart))});
  }
  Value number = arith::DivUIOp::create(b, depthStart, index(b, m.blockDepth));
  return rowsAt(packed, {number, row, b.getIndexAttr(0)},
                {b.getIndexAttr(1), height, b.getIndexAttr(m.blockDepth)});
}

/// The next panel, or the first one of the next depth block, or whatever stands
/// there at the end.
std::pair<Value, Value> PanelTask::nextPosition(const Block &block,
                                                Value depthStart, Value panel) {
  Value following = plus(b, panel, 1);
  Value inBlock = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, following,
                                        block.lastPanel);
  Value nextStart = plus(b, depthStart, m.blockDepth);
  Value inDepth = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, nextStart,
                                        index(b, m.paddedDepth));
  Value atEnd =
      arith::MinUIOp::create(b, block.lastPanel, index(b, m.numPanels - 1));
  Value next = arith::SelectOp::create(
      b, inBlock, following,
      arith::SelectOp::create(b, inDepth, block.firstPanel, atEnd));
  Value start = arith::SelectOp::create(
      b, inBlock, depthStart,
      arith::SelectOp::create(b, inDepth, nextStart, index(b, 0)));
  return {next, start};
}

Value PanelTask::nextPanel(const Block &block, Value depthStart, Value panel) {
  auto [next, start] = nextPosition(block, depthStart, panel);
  return panelAt(block.chunk.group, next, start);
}

/// One panel of one depth block, for all rows.
void PanelTask::emitPanel(const Block &block, Value depthStart, Value panel) {
  int64_t line = 64 * 8 / m.element.getIntOrFloatBitWidth();
  Value length = depthLength(depthStart);
  bool hasTail = m.paddedDepth % kDepthUnroll != 0;
  // The only register tile streams the panel; of several, the first finds it in
  // a cache if those of the panel before have prefetched it.
  bool isStreamed = m.rows <= moec::kStreamedRows;
  int64_t stepLines = kDepthUnroll * kPanelLanes / line;
  Microkernel streaming{b, m.lanes, m.depthGroup, hasTail, kStreamDistance};
  streaming.isBf16 = m.isBf16;
  Microkernel blocked{b,
                      m.lanes,
                      m.depthGroup,
                      hasTail,
                      /*streamDistance=*/0,
                      isStreamed ? std::max<int64_t>(1, stepLines / 2) : 1};
  blocked.isBf16 = m.isBf16;
  Value isOnly = hasOneTile(block.chunk);
  Value current = panelAt(block.chunk.group, panel, depthStart);
  Value next =
      m.blocks && !expanded ? current : nextPanel(block, depthStart, panel);
  Microkernel decoding{b, m.lanes, m.depthGroup, false, kStreamDistance,
                       1, m.blocks};
  if (expanded)
    emitIf(
        b, isOnly, [] {},
        [&] {
          emitExpandPanel(b, m.blocks, m.lanes, current, expanded, length);
        });
  Value sumColumn =
      times(b, arith::SubIOp::create(b, panel, block.firstPanel), kPanelLanes);

  auto tile = [&](Value row, int64_t height) {
    OpFoldResult heightAttr = b.getIndexAttr(height);
    Value lhs = lhsRows(block.chunk, depthStart, row, heightAttr);
    Value out = rowsAt(sums, {row, sumColumn},
                       {heightAttr, b.getIndexAttr(kPanelLanes)});
    // Register tiles share the next part's lines; each takes its own.
    int64_t share = m.blockDepth / kDepthUnroll * line * blocked.nextLines;
    int64_t last = m.blocks ? m.blockDepth / m.blocks.getSize() *
                                  BlockDecoder::getBlockBytes(m.blocks)
                            : m.blockDepth * kPanelLanes;
    last = std::max<int64_t>(0, last - share);
    Value number = arith::DivUIOp::create(b, row, index(b, m.tileRows));
    Value nextOffset =
        arith::MinUIOp::create(b, times(b, number, share), index(b, last));
    auto emit = [&](Microkernel &kernel) {
      kernel.emit(height, lhs, current, out, length, next, nextOffset);
    };
    if (m.blocks) {
      auto decode = [&] {
        Value blockSums;
        if (rowSums) {
          int64_t size = m.blocks.getSize();
          Value first = arith::DivUIOp::create(b, depthStart, index(b, size));
          blockSums = rowsAt(rowSums, {row, first},
                             {heightAttr, b.getIndexAttr(m.blockDepth / size)});
        }
        decoding.emit(height, lhs, current, out, length, next, nextOffset,
                      blockSums);
      };
      auto dense = [&] {
        blocked.emit(height, lhs, expanded, out, length, next, nextOffset);
      };
      if (!expanded)
        return decode();
      return emitIf(b, isOnly, decode, dense);
    }
    if (!isStreamed)
      return emit(blocked);
    if (m.rows <= m.tileRows)
      return emit(streaming);
    emitIf(b, isOnly, [&] { emit(streaming); }, [&] { emit(blocked); });
  };

  forEachTile(block.chunk, tile);
}

/// As emitPanel, but of integers.
void PanelTask::emitIntegerPanel(const Block &block, Value depthStart,
                                 Value panel) {
  int64_t size = m.blocks.getSize();
  Value current = panelAt(block.chunk.group, panel, depthStart);
  Value next = nextPanel(block, depthStart, panel);
  Value firstBlock = arith::DivUIOp::create(b, depthStart, index(b, size));
  Value numBlocks =
      arith::DivUIOp::create(b, depthLength(depthStart), index(b, size));
  Value column =
      times(b, arith::SubIOp::create(b, panel, block.firstPanel), kPanelLanes);
  Value isOnly = hasOneTile(block.chunk);
  if (negativeSums)
    emitIf(
        b, isOnly, [] {},
        [&] {
          IntegerTile{b, m.blocks, false}.emitNegativeSums(current, numBlocks,
                                                           negativeSums);
        });
  // With few tiles each has to prefetch more: two take all of the next part.
  int64_t blockLines =
      llvm::divideCeil(BlockDecoder::getBlockBytes(m.blocks), 64);
  int64_t nextLines =
      m.rows <= moec::kStreamedRows ? llvm::divideCeil(blockLines, 2) : 1;
  forEachTile(block.chunk, [&](Value row, int64_t height) {
    // Tiles share the next part's lines; each takes its own.
    Value number = arith::DivUIOp::create(b, row, index(b, m.tileRows));
    Value nextOffset =
        times(b, arith::MulIOp::create(b, number, numBlocks), 64 * nextLines);
    auto emit = [&](bool isStreamed) {
      IntegerTile tile{b, m.blocks, isStreamed, m.hasVnni, m.lanes, nextLines};
      if (!isStreamed)
        tile.negativeSums = negativeSums;
      tile.emit(height, *quantized, current, sums, next,
                {row, firstBlock, column, numBlocks, nextOffset});
    };
    emitIf(b, isOnly, [&] { emit(true); }, [&] { emit(false); });
  });
}

Value PanelTask::columnsAt(Value weight, Value group, Value column,
                           int64_t width, Value depthStart) {
  OpFoldResult length = getAsOpFoldResult(depthLength(depthStart));
  SmallVector<OpFoldResult> offsets{column, depthStart},
      sizes{b.getIndexAttr(width), length};
  if (m.op.getLayout() == RhsLayout::KN) {
    std::swap(offsets[0], offsets[1]);
    std::swap(sizes[0], sizes[1]);
  }
  if (cast<MemRefType>(weight.getType()).getRank() == 3) {
    offsets.insert(offsets.begin(), group);
    sizes.insert(sizes.begin(), b.getIndexAttr(1));
  }
  return rowsAt(weight, offsets, sizes);
}

/// As emitPanel, but of weights that nobody packed. Few rows are multiplied by
/// them where they stand; for more, a panel is made once.
void PanelTask::emitRowMajorPanel(const Block &block, Value depthStart,
                                  Value panel) {
  int64_t width = kPanelLanes / m.parts;
  Value group = block.chunk.group, length = depthLength(depthStart);
  Value column = times(b, panel, width);
  Value sumColumn =
      times(b, arith::SubIOp::create(b, panel, block.firstPanel), kPanelLanes);
  Value count;
  if (m.columns % width != 0)
    count = arith::MinUIOp::create(
        b, arith::SubIOp::create(b, index(b, m.columns), column),
        index(b, width));
  auto tileSums = [&](Value row, OpFoldResult height) {
    return rowsAt(sums, {row, sumColumn},
                  {height, b.getIndexAttr(kPanelLanes)});
  };
  SmallVector<Value> parts;
  for (Value weight : m.op.getRhs())
    parts.push_back(columnsAt(weight, group, column, width, depthStart));
  if (m.hasDotTiles())
    return forEachTile(block.chunk, [&](Value row, int64_t height) {
      OpFoldResult heightAttr = b.getIndexAttr(height);
      Value lhs = lhsRows(block.chunk, depthStart, row, heightAttr);
      Value out = tileSums(row, heightAttr);
      for (auto [part, weight] : llvm::enumerate(parts))
        emitDotTile(b, m.lanes, height, lhs, weight, out,
                    index(b, static_cast<int64_t>(part) * width),
                    count ? count : index(b, width), length, kStreamDistance);
    });

  bool depthFirst = m.op.getLayout() == RhsLayout::KN;
  for (auto [part, weight] : llvm::enumerate(parts))
    emitTransposePanel(b, weight, depthFirst, width, count, expanded,
                       static_cast<int64_t>(part) * width, length);
  Microkernel kernel{b, m.lanes, m.depthGroup,
                     /*hasTail=*/m.paddedDepth % kDepthUnroll != 0,
                     /*streamDistance=*/0};
  // Each register tile prefetches two rows of the next panel's weights.
  bool prefetches = !depthFirst && m.columns > kNextRows;
  kernel.nextLines = prefetches ? kNextRows : 1;
  auto [nextPanel, nextStart] = nextPosition(block, depthStart, panel);
  forEachTile(block.chunk, [&, nextPanel = nextPanel,
                            nextStart = nextStart](Value row, int64_t height) {
    OpFoldResult heightAttr = b.getIndexAttr(height);
    Value next = expanded;
    if (prefetches) {
      Value lane = times(
          b, arith::DivUIOp::create(b, row, index(b, m.tileRows)), kNextRows);
      Value weight = m.op.getRhs()[0];
      if (m.parts == 2)
        weight = arith::SelectOp::create(
            b,
            arith::CmpIOp::create(b, arith::CmpIPredicate::ult, lane,
                                  index(b, width)),
            weight, m.op.getRhs()[1]);
      Value from = arith::AddIOp::create(
          b, times(b, nextPanel, width),
          arith::RemUIOp::create(b, lane, index(b, width)));
      from = arith::MinUIOp::create(b, from, index(b, m.columns - kNextRows));
      next = columnsAt(weight, group, from, kNextRows, nextStart);
    }
    kernel.emit(height, lhsRows(block.chunk, depthStart, row, heightAttr),
                expanded, tileSums(row, heightAttr), length, next, index(b, 0));
  });
}

void PanelTask::forEachTile(const RowChunk &chunk,
                            llvm::function_ref<void(Value, int64_t)> tile) {
  Value rest = arith::RemUIOp::create(b, chunk.count, index(b, m.tileRows));
  Value whole = arith::SubIOp::create(b, chunk.count, rest);
  if (m.rows >= m.tileRows)
    forEach(b, index(b, 0), whole, m.tileRows,
            [&](Value row) { tile(row, m.tileRows); });
  SmallVector<int64_t> cases;
  for (int64_t height = 1; height < std::min(m.tileRows, m.rows + 1); ++height)
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
}
