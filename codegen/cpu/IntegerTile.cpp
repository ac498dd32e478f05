// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/IntegerTile.h"
#include "codegen/cpu/DecodeBlocks.h"
#include "codegen/cpu/KernelFunction.h"
#include "codegen/cpu/Loops.h"
#include "codegen/cpu/Microkernel.h"
#include "codegen/cpu/ObjectEmitter.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <numeric>

using namespace mlir;
using namespace moec::cpu;
using moec::grouped::BlockCode;
using moec::grouped::BlocksAttr;

/// Words of four depth elements in one step of the inner loop: with more the
/// scheduler spills.
static constexpr int64_t kUnroll = 2;
/// Distance of prefetches in a panel that is read once, in bytes.
static constexpr int64_t kAhead = 2048;
static constexpr int64_t kLineBytes = 64;

int64_t IntegerTile::getTileRows(BlocksAttr blocks, unsigned levelLanes,
                                 bool hasVnni) {
  if (hasVnni)
    return levelLanes == 16 ? 12 : 6;
  return blocks.getCode() == BlockCode::Int4 ? 5 : 4;
}

int64_t IntegerTile::vectors() const { return kPanelLanes / lanes(); }

namespace {
/// The order of a tile's arguments.
enum Argument {
  Codes,
  Scales,
  Panel,
  Sums,
  Next,
  Row,
  FirstBlock,
  Column,
  NumBlocks,
  NextOffset,
  Starts,               ///< of int4 and VNNI
  NegativeSums = Starts ///< of the others, where they are wanted
};
} // namespace

static Value splat(ImplicitLocOpBuilder &b, VectorType type, int64_t value) {
  auto element = cast<IntegerType>(type.getElementType());
  APInt bits(element.getWidth(), static_cast<uint64_t>(value), true);
  return arith::ConstantOp::create(b, DenseElementsAttr::get(type, bits));
}

Value IntegerTile::call(StringRef name, VectorType type, ValueRange operands) {
  return LLVM::CallIntrinsicOp::create(b, type, b.getStringAttr(name), operands)
      .getResult(0);
}

/// Four codes of each of the panel's columns, as bytes, 0 to 255 with VNNI.
SmallVector<Value> IntegerTile::loadCodes(Value panel, Value base, Value quad) {
  auto load = [&](int64_t stride, int64_t offset, int64_t count) -> Value {
    Value at = arith::AddIOp::create(b, base, times(b, quad, stride));
    return vector::LoadOp::create(b, VectorType::get(count, b.getI8Type()),
                                  panel, ValueRange{plus(b, at, offset)});
  };
  SmallVector<Value> codes;
  if (blocks.getCode() == BlockCode::Int8) {
    for (int64_t v = 0; v < vectors(); ++v) {
      codes.push_back(load(64, v * 4 * lanes(), 4 * lanes()));
      if (hasVnni) {
        auto type = cast<VectorType>(codes.back().getType());
        codes.back() =
            arith::XOrIOp::create(b, codes.back(), splat(b, type, -128));
      }
    }
    return codes;
  }
  auto bytes = VectorType::get(32, b.getI8Type());
  auto words = VectorType::get(16, b.getI16Type());
  Value both = load(32, 0, 32), mask = splat(b, bytes, 15);
  Value high = arith::ShRUIOp::create(
      b, vector::BitCastOp::create(b, words, both), splat(b, words, 4));
  codes = {arith::AndIOp::create(b, both, mask),
           arith::AndIOp::create(b, vector::BitCastOp::create(b, bytes, high),
                                 mask)};
  if (vectors() == 2)
    return codes;
  SmallVector<int64_t> order(64);
  std::iota(order.begin(), order.end(), 0);
  return {vector::ShuffleOp::create(b, codes[0], codes[1], order)};
}

/// The dot products of one block, of row r and vector v at r * vectors() + v.
SmallVector<Value> IntegerTile::emitDots(int64_t height, ValueRange arguments,
                                         Value base, Value number,
                                         Value block) {
  auto bytes = VectorType::get(4 * lanes(), b.getI8Type());
  auto i16 = VectorType::get(2 * lanes(), b.getI16Type());
  auto i32 = VectorType::get(lanes(), b.getI32Type());
  bool isInt8 = blocks.getCode() == BlockCode::Int8;
  std::string dotName =
      "llvm.x86.avx512.vpdpbusd." + std::to_string(32 * lanes());
  Value ones = splat(b, i16, 1);
  auto rowAt = [&](int64_t row) { return plus(b, arguments[Row], row); };
  auto wide = [&](Value buffer, Value row, Value column, VectorType type) {
    Value word = memref::LoadOp::create(b, buffer, ValueRange{row, column});
    return vector::BitCastOp::create(b, type,
                                     vector::BroadcastOp::create(b, i32, word))
        .getResult();
  };
  SmallVector<Value> inits, negatives;
  if (negativeSums)
    for (int64_t v = 0; v < vectors(); ++v)
      negatives.push_back(vector::LoadOp::create(
          b, i32, arguments[NegativeSums],
          ValueRange{plus(b, times(b, number, kPanelLanes), v * lanes())}));
  for (int64_t row = 0; row < height; ++row) {
    // 4-bit products of a whole block fit 16 bits, whatever wraps before.
    if (!isInt8 || hasVnni)
      inits.append(vectors(), wide(arguments[Starts], rowAt(row), block,
                                   hasVnni ? i32 : i16));
    else if (negativeSums)
      inits.append(negatives);
    else
      inits.append(vectors(), splat(b, i32, 0));
  }
  int64_t quads = blocks.getSize() / 4;
  auto loop = scf::ForOp::create(b, index(b, 0), index(b, quads),
                                 index(b, kUnroll), inits);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    SmallVector<Value> dots(loop.getRegionIterArgs());
    for (int64_t u = 0; u < kUnroll; ++u) {
      Value quad = plus(b, loop.getInductionVar(), u);
      Value word = arith::AddIOp::create(b, times(b, block, quads), quad);
      SmallVector<Value> codes = loadCodes(arguments[Panel], base, quad);
      SmallVector<Value> sizes(codes), signs(codes);
      if (isInt8 && !hasVnni)
        for (Value &size : sizes)
          size = math::AbsIOp::create(b, size);
      if (negativeSums)
        for (Value &sign : signs)
          sign = arith::ShRSIOp::create(b, sign, splat(b, bytes, 7));
      for (int64_t row = 0; row < height; ++row) {
        Value left = wide(arguments[Codes], rowAt(row), word, bytes);
        for (int64_t v = 0; v < vectors(); ++v) {
          Value &dot = dots[row * vectors() + v];
          if (hasVnni) {
            dot = call(dotName, i32, {dot, codes[v], left});
            continue;
          }
          // The sign goes to the row, whose codes are above -128: a weight may
          // be -128, and 2 * 128 * 127 fits 16 bits.
          Value factor = left;
          if (negativeSums)
            // -x - 1 instead of -x, down to -128: -2 * 128 * 128 fits too.
            factor = arith::XOrIOp::create(b, left, signs[v]);
          else if (isInt8)
            factor = call("llvm.x86.avx2.psign.b", bytes, {left, codes[v]});
          Value product =
              call("llvm.x86.avx2.pmadd.ub.sw", i16, {sizes[v], factor});
          if (isInt8)
            product = call("llvm.x86.avx2.pmadd.wd", i32, {product, ones});
          dot = arith::AddIOp::create(b, dot, product);
        }
      }
    }
    scf::YieldOp::create(b, dots);
  }
  SmallVector<Value> dots(loop.getResults());
  if (!isInt8 && !hasVnni)
    for (Value &dot : dots)
      dot = call("llvm.x86.avx2.pmadd.wd", i32, {dot, ones});
  return dots;
}

void IntegerTile::emitBody(int64_t height, ValueRange arguments) {
  auto f32 = VectorType::get(lanes(), b.getF32Type());
  int64_t bytes = BlockDecoder::getBlockBytes(blocks);
  Value panel = arguments[Panel];
  forEach(b, index(b, 0), arguments[NumBlocks], 1, [&](Value number) {
    Value base = times(b, number, bytes);
    auto prefetch = [&](Value buffer, Value at, int64_t hint) {
      memref::PrefetchOp::create(b, buffer, at, /*isWrite=*/false,
                                 /*localityHint=*/hint, /*isDataCache=*/true);
    };
    if (isStreamed)
      for (int64_t at = 0; at < bytes; at += kLineBytes)
        prefetch(panel, plus(b, base, at + kAhead), 3);
    else
      for (int64_t i = 0; i < nextLines; ++i)
        prefetch(arguments[Next],
                 plus(b,
                      arith::AddIOp::create(
                          b, arguments[NextOffset],
                          times(b, number, nextLines * kLineBytes)),
                      i * kLineBytes),
                 2);
    Value block = arith::AddIOp::create(b, arguments[FirstBlock], number);
    SmallVector<Value> dots = emitDots(height, arguments, base, number, block);
    BlockDecoder decoder(b, blocks, lanes(), panel, base);
    SmallVector<Value> scales = decoder.loadScales();
    for (int64_t i = 0; i < height; ++i) {
      Value row = plus(b, arguments[Row], i);
      Value scale = vector::BroadcastOp::create(
          b, f32,
          memref::LoadOp::create(b, arguments[Scales], ValueRange{row, block}));
      for (int64_t v = 0; v < vectors(); ++v) {
        SmallVector<Value> at{row, plus(b, arguments[Column], v * lanes())};
        Value dot = arith::SIToFPOp::create(b, f32, dots[i * vectors() + v]);
        Value sum = vector::LoadOp::create(b, f32, arguments[Sums], at);
        sum = math::FmaOp::create(b, arith::MulFOp::create(b, dot, scale),
                                  scales[v], sum);
        vector::StoreOp::create(b, sum, arguments[Sums], at);
      }
    }
  });
}

void IntegerTile::emit(int64_t height, const QuantizedRows &rows, Value panel,
                       Value sums, Value next, const Position &at) {
  SmallVector<Value> arguments{
      rows.codes, rows.scales,   panel,     sums,         next,
      at.row,     at.firstBlock, at.column, at.numBlocks, at.nextOffset};
  if (rows.starts)
    arguments.push_back(rows.starts);
  else if (negativeSums)
    arguments.push_back(negativeSums);
  std::string name = "dot_" + std::to_string(height) + "x16_" +
                     moec::grouped::stringifyBlockCode(blocks.getCode()).str() +
                     (blocks.getHalf() ? "_half" : "") +
                     (isStreamed      ? "_stream"
                      : nextLines > 1 ? "_fast"
                                      : "") +
                     (negativeSums ? "_xor" : "");
  callKernel(b, name, arguments, [&](func::FuncOp function) {
    function->setAttr("passthrough", b.getStrArrayAttr({kSumsInMemory}));
    emitBody(height, function.getArguments());
  });
}

void IntegerTile::emitNegativeSums(Value panel, Value numBlocks, Value out) {
  Value arguments[] = {panel, numBlocks, out};
  std::string name =
      std::string("negative_sums") + (blocks.getHalf() ? "_half" : "");
  callKernel(b, name, arguments, [&](func::FuncOp function) {
    ValueRange inner = function.getArguments();
    auto bytes = VectorType::get(4 * lanes(), b.getI8Type());
    auto i16 = VectorType::get(2 * lanes(), b.getI16Type());
    auto i32 = VectorType::get(lanes(), b.getI32Type());
    forEach(b, index(b, 0), inner[1], 1, [&](Value number) {
      Value base = times(b, number, BlockDecoder::getBlockBytes(blocks));
      SmallVector<Value> zeros(vectors(), splat(b, i32, 0));
      auto loop =
          scf::ForOp::create(b, index(b, 0), index(b, blocks.getSize() / 4),
                             index(b, kUnroll), zeros);
      {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToStart(loop.getBody());
        SmallVector<Value> next(loop.getRegionIterArgs());
        for (int64_t u = 0; u < kUnroll; ++u)
          for (auto [sum, codes] : llvm::zip_equal(
                   next, loadCodes(inner[0], base,
                                   plus(b, loop.getInductionVar(), u)))) {
            // Sizes of negative codes, 0 to 128, in pairs and then in fours.
            Value least = arith::MinSIOp::create(b, codes, splat(b, bytes, 0));
            Value pairs = call("llvm.x86.avx2.pmadd.ub.sw", i16,
                               {math::AbsIOp::create(b, least).getResult(),
                                splat(b, bytes, 1)});
            Value fours =
                call("llvm.x86.avx2.pmadd.wd", i32, {pairs, splat(b, i16, 1)});
            sum = arith::AddIOp::create(b, sum, fours);
          }
        scf::YieldOp::create(b, next);
      }
      for (auto [v, sum] : llvm::enumerate(loop.getResults()))
        vector::StoreOp::create(
            b, sum, inner[2],
            ValueRange{plus(b, times(b, number, kPanelLanes),
                            static_cast<int64_t>(v) * lanes())});
    });
  });
}
