// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/Microkernel.h"
#include "codegen/cpu/DecodeBlocks.h"
#include "codegen/cpu/KernelFunction.h"
#include "codegen/cpu/Loops.h"
#include "codegen/cpu/ObjectEmitter.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace moec::cpu;

/// Bytes of a cache line.
static constexpr int64_t kLineBytes = 64;
/// Sums of a tile over quantised weights; other registers hold codes.
static constexpr int64_t kTileSums = 12;

int64_t moec::cpu::getTileRows(unsigned lanes, int64_t depthGroup) {
  if (lanes == 16)
    return 12;
  return depthGroup == 1 ? 6 : 5;
}

static int64_t lineElements(Value panel) {
  Type element = cast<MemRefType>(panel.getType()).getElementType();
  return kLineBytes * 8 / element.getIntOrFloatBitWidth();
}

/// The f32 vectors of the panel at `offset`: for each of the `depthGroup` depth
/// elements the vectors of its 16 columns. Pairs of 16-bit floats are words
/// whose low half is the even depth element, so no shuffle is needed.
SmallVector<Value> Microkernel::loadPanel(Value panel, Value offset) {
  Type element = cast<MemRefType>(panel.getType()).getElementType();
  auto f32 = VectorType::get(lanes, b.getF32Type());
  SmallVector<Value> even, odd;
  for (int64_t lane = 0; lane < kPanelLanes; lane += lanes) {
    auto type = VectorType::get(lanes * depthGroup, element);
    Value loaded = vector::LoadOp::create(
        b, type, panel, ValueRange{plus(b, offset, lane * depthGroup)});
    if (depthGroup == 1) {
      even.push_back(loaded);
      continue;
    }
    auto i32 = VectorType::get(lanes, b.getI32Type());
    auto splat = [&](int32_t value) -> Value {
      return arith::ConstantOp::create(b, DenseElementsAttr::get(i32, value));
    };
    Value words = vector::BitCastOp::create(b, i32, loaded);
    if (element.isBF16()) {
      Value low = arith::ShLIOp::create(b, words, splat(16));
      Value high = arith::AndIOp::create(b, words, splat(0xffff0000));
      even.push_back(arith::BitcastOp::create(b, f32, low));
      odd.push_back(arith::BitcastOp::create(b, f32, high));
      continue;
    }
    auto i16 = VectorType::get(lanes, b.getI16Type());
    auto f16 = VectorType::get(lanes, element);
    Value shifted = arith::ShRUIOp::create(b, words, splat(16));
    for (auto [half, list] : {std::pair(words, &even), {shifted, &odd}}) {
      Value bits = arith::TruncIOp::create(b, i16, half);
      Value narrow = arith::BitcastOp::create(b, f16, bits);
      list->push_back(arith::ExtFOp::create(b, f32, narrow));
    }
  }
  even.append(odd);
  return even;
}

/// Adds the products of two depth elements, for each row a vector of sums.
void Microkernel::emitPairs(int64_t rows, Value lhs, Value depth, Value panel,
                            Value offset, MutableArrayRef<Value> sums) {
  auto pairs = VectorType::get(2 * lanes, b.getBF16Type());
  auto pair = VectorType::get(2, b.getBF16Type());
  auto word = VectorType::get(1, b.getI32Type());
  auto words = VectorType::get(lanes, b.getI32Type());
  Value columns = vector::LoadOp::create(b, pairs, panel, ValueRange{offset});
  for (int64_t row = 0; row < rows; ++row) {
    Value loaded =
        vector::LoadOp::create(b, pair, lhs, ValueRange{index(b, row), depth});
    Value scalar = vector::ExtractOp::create(
        b, vector::BitCastOp::create(b, word, loaded), 0);
    Value wide = vector::BitCastOp::create(
        b, pairs, vector::BroadcastOp::create(b, words, scalar));
    sums[row] = LLVM::CallIntrinsicOp::create(
                    b, sums[row].getType(),
                    b.getStringAttr("llvm.x86.avx512bf16.dpbf16ps.512"),
                    ValueRange{sums[row], columns, wide})
                    .getResult(0);
  }
}

SmallVector<Value> Microkernel::emitStep(int64_t rows, Value lhs, Value panel,
                                         Value k, int64_t unroll,
                                         ValueRange sums) {
  SmallVector<Value> result(sums);
  unsigned vectors = kPanelLanes / lanes;
  auto type = VectorType::get(lanes, b.getF32Type());
  Value offset = times(b, k, kPanelLanes);
  bool hasPairs = !cast<MemRefType>(lhs.getType()).getElementType().isF32();
  for (int64_t u = 0; u < unroll; u += depthGroup) {
    Value at = plus(b, offset, u * kPanelLanes);
    if (hasPairs) {
      emitPairs(rows, lhs, plus(b, k, u), panel, at, result);
      continue;
    }
    SmallVector<Value> columns = loadPanel(panel, at);
    for (int64_t i = 0; i < depthGroup; ++i) {
      int64_t half = isBf16 ? depthGroup - 1 - i : i;
      Value depth = plus(b, k, u + half);
      for (int64_t row = 0; row < rows; ++row) {
        Value scalar =
            memref::LoadOp::create(b, lhs, ValueRange{index(b, row), depth});
        Value wide = vector::BroadcastOp::create(b, type, scalar);
        for (unsigned v = 0; v < vectors; ++v) {
          Value &sum = result[row * vectors + v];
          sum = math::FmaOp::create(b, wide, columns[half * vectors + v], sum);
        }
      }
    }
  }
  return result;
}

/// `value` with dynamic sizes in place of static ones, and dynamic strides too
/// where `dynamicStride` says so: fewer types, so fewer functions.
static Value generalise(ImplicitLocOpBuilder &b, Value value,
                        bool dynamicStride) {
  auto type = cast<MemRefType>(value.getType());
  SmallVector<int64_t> strides;
  int64_t offset;
  if (failed(type.getStridesAndOffset(strides, offset)))
    return value;
  if (dynamicStride)
    strides.front() = ShapedType::kDynamic;
  SmallVector<int64_t> shape(type.getShape());
  shape.back() = ShapedType::kDynamic;
  auto general = MemRefType::get(
      shape, type.getElementType(),
      StridedLayoutAttr::get(b.getContext(), ShapedType::kDynamic, strides));
  return b.createOrFold<memref::CastOp>(general, value);
}

std::string Microkernel::getName(int64_t rows) const {
  return "tile_" + std::to_string(rows) + "x16" +
         (streamDistance ? "_stream" : "") +
         (blocks ? "_" + grouped::stringifyBlockCode(blocks.getCode()).str() +
                       "_" + std::to_string(blocks.getSize()) +
                       (blocks.getHalf() ? "_half" : "") +
                       (blocks.getOffset() ? "_offset" : "")
                 : "") +
         (isBf16 ? "_bf16" : "") + (nextLines > 1 ? "_fast" : "") +
         (hasTail ? "_tail" : "");
}

void Microkernel::emit(int64_t rows, Value lhs, Value panel, Value sums,
                       Value length, Value next, Value nextOffset,
                       Value rowSums) {
  SmallVector<Value> arguments{generalise(b, lhs, /*dynamicStride=*/false),
                               panel,
                               generalise(b, sums, /*dynamicStride=*/true),
                               length,
                               next,
                               nextOffset};
  if (rowSums)
    arguments.push_back(rowSums);
  callKernel(b, getName(rows), arguments, [&](func::FuncOp function) {
    if (blocks)
      function->setAttr("passthrough", b.getStrArrayAttr({kSumsInMemory}));
    emitBody(rows, function.getArguments());
  });
}

/// Adds the vectors of a tile to its sums in memory.
static void storeSums(ImplicitLocOpBuilder &b, int64_t rows, unsigned lanes,
                      Value sums, ArrayRef<Value> values) {
  unsigned vectors = kPanelLanes / lanes;
  auto type = VectorType::get(lanes, b.getF32Type());
  for (int64_t row = 0; row < rows; ++row)
    for (unsigned v = 0; v < vectors; ++v) {
      SmallVector<Value> at{index(b, row), index(b, v * lanes)};
      Value old = vector::LoadOp::create(b, type, sums, at);
      Value sum = arith::AddFOp::create(b, old, values[row * vectors + v]);
      vector::StoreOp::create(b, sum, sums, at);
    }
}

/// Adds the products of one block to the sums in memory: `products` are those
/// of numbers, for each class of depth elements, row and vector.
void Microkernel::storeBlock(BlockDecoder &decoder, int64_t rows,
                             int64_t classes, ValueRange products, Value sums,
                             Value rowSums, Value number) {
  auto type = VectorType::get(lanes, b.getF32Type());
  size_t vectors = kPanelLanes / lanes;
  SmallVector<Value> scales = decoder.loadScales(),
                     offsets = decoder.loadOffsets();
  auto constant = [&](double value) -> Value {
    return arith::ConstantOp::create(
        b, DenseElementsAttr::get(type, static_cast<float>(value)));
  };
  for (int64_t row = 0; row < rows; ++row) {
    Value rowSum;
    if (rowSums)
      rowSum = vector::BroadcastOp::create(
          b, type,
          memref::LoadOp::create(b, rowSums,
                                 ValueRange{index(b, row), number}));
    for (size_t v = 0; v < vectors; ++v) {
      auto part = [&](int64_t i) -> Value {
        return products[(i * rows + row) * vectors + v];
      };
      auto factor = [&](int64_t i) { return decoder.getFactor(classes, i, v); };
      // The first or the last has factor 1.
      int64_t plain = factor(0) == 1 ? 0 : classes - 1;
      Value product = part(plain);
      for (int64_t i = 0; i < classes; ++i)
        if (i != plain)
          product =
              math::FmaOp::create(b, part(i), constant(1 / factor(i)), product);
      if (decoder.getBias() != 0)
        product = math::FmaOp::create(b, rowSum, constant(-decoder.getBias()),
                                      product);
      SmallVector<Value> at{index(b, row),
                            index(b, static_cast<int64_t>(v * lanes))};
      Value sum = vector::LoadOp::create(b, type, sums, at);
      if (!offsets.empty())
        sum = math::FmaOp::create(b, offsets[v], rowSum, sum);
      sum = math::FmaOp::create(b, product, scales[v], sum);
      vector::StoreOp::create(b, sum, sums, at);
    }
  }
}

/// The tile over quantised weights, which are decoded in registers; scales and
/// offsets are applied to the sums of a block.
void Microkernel::emitBlocks(int64_t rows, ValueRange arguments) {
  Value lhs = arguments[0], panel = arguments[1], length = arguments[3];
  int64_t vectors = kPanelLanes / lanes;
  auto type = VectorType::get(lanes, b.getF32Type());
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(type));
  int64_t size = blocks.getSize();
  int64_t bytes = BlockDecoder::getBlockBytes(blocks);
  // As many independent sums as registers hold.
  int64_t classes = 4;
  while (classes > 1 && rows * vectors * classes > kTileSums)
    classes /= 2;
  forEach(b, index(b, 0), length, size, [&](Value depth) {
    Value number = arith::DivUIOp::create(b, depth, index(b, size));
    Value base = times(b, number, bytes);
    for (int64_t at = 0; at < bytes; at += kLineBytes)
      memref::PrefetchOp::create(b, panel, plus(b, base, at + streamDistance),
                                 /*isWrite=*/false, /*localityHint=*/3,
                                 /*isDataCache=*/true);
    BlockDecoder decoder(b, blocks, lanes, panel, base);
    SmallVector<Value> zeros(rows * vectors * classes, zero);
    auto inner = scf::ForOp::create(b, index(b, 0), index(b, size / 4),
                                    index(b, 1), zeros);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(inner.getBody());
      SmallVector<Value> products(inner.getRegionIterArgs());
      Value quad = inner.getInductionVar();
      SmallVector<Value> numbers = decoder.emitNumbers(quad, classes);
      Value first = arith::AddIOp::create(b, depth, times(b, quad, 4));
      for (int64_t k = 0; k < 4; ++k)
        for (int64_t row = 0; row < rows; ++row) {
          Value scalar = memref::LoadOp::create(
              b, lhs, ValueRange{index(b, row), plus(b, first, k)});
          Value wide = vector::BroadcastOp::create(b, type, scalar);
          for (int64_t v = 0; v < vectors; ++v) {
            Value &product = products[(k % classes * rows + row) * vectors + v];
            product =
                math::FmaOp::create(b, wide, numbers[k * vectors + v], product);
          }
        }
      scf::YieldOp::create(b, products);
    }
    storeBlock(decoder, rows, classes, inner.getResults(), arguments[2],
               BlockDecoder::needsRowSums(blocks) ? arguments[6] : Value(),
               number);
  });
}

void Microkernel::emitBody(int64_t rows, ValueRange arguments) {
  if (blocks)
    return emitBlocks(rows, arguments);
  Value lhs = arguments[0], panel = arguments[1], sums = arguments[2],
        length = arguments[3], next = arguments[4], nextOffset = arguments[5];
  unsigned vectors = kPanelLanes / lanes;
  auto type = VectorType::get(lanes, b.getF32Type());
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(type));
  SmallVector<Value> values(rows * vectors, zero);
  int64_t line = lineElements(panel);

  auto loop = [&](Value lower, Value upper, int64_t step, bool prefetch) {
    auto op = scf::ForOp::create(b, lower, upper, index(b, step), values);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(op.getBody());
    Value k = op.getInductionVar();
    if (prefetch && streamDistance) {
      int64_t ahead = streamDistance / kLineBytes * line;
      for (int64_t at = 0; at < step * kPanelLanes; at += line)
        memref::PrefetchOp::create(
            b, panel, plus(b, times(b, k, kPanelLanes), at + ahead),
            /*isWrite=*/false, /*localityHint=*/3, /*isDataCache=*/true);
    } else if (prefetch && cast<MemRefType>(next.getType()).getRank() == 2) {
      for (int64_t i = 0; i < nextLines; ++i)
        memref::PrefetchOp::create(b, next, ValueRange{index(b, i), k},
                                   /*isWrite=*/false, /*localityHint=*/2,
                                   /*isDataCache=*/true);
    } else if (prefetch) {
      int64_t nextLine = lineElements(next);
      Value at = arith::AddIOp::create(
          b, nextOffset, times(b, k, nextLines * nextLine / kDepthUnroll));
      for (int64_t i = 0; i < nextLines; ++i)
        memref::PrefetchOp::create(b, next, plus(b, at, i * nextLine),
                                   /*isWrite=*/false, /*localityHint=*/2,
                                   /*isDataCache=*/true);
    }
    SmallVector<Value> result =
        emitStep(rows, lhs, panel, k, step, op.getRegionIterArgs());
    scf::YieldOp::create(b, result);
    values = SmallVector<Value>(op.getResults());
  };

  Value main = length;
  if (hasTail)
    main = b.createOrFold<arith::SubIOp>(
        length, b.createOrFold<arith::RemUIOp>(length, index(b, kDepthUnroll)));
  loop(index(b, 0), main, kDepthUnroll, /*prefetch=*/true);
  if (hasTail)
    loop(main, length, depthGroup, /*prefetch=*/false);

  storeSums(b, rows, lanes, sums, values);
}
