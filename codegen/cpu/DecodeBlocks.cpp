// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/DecodeBlocks.h"
#include "codegen/cpu/KernelFunction.h"
#include "codegen/cpu/Loops.h"
#include "codegen/cpu/Microkernel.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <cmath>

using namespace mlir;
using namespace moec::cpu;
using namespace moec::grouped;

/// Distance of prefetches in a panel that is read once, in bytes.
static constexpr int64_t kAhead = 2048;

int64_t BlockDecoder::getBlockBytes(BlocksAttr blocks) {
  return kPanelLanes * blocks.getLaneBytes();
}

Value BlockDecoder::splat(VectorType type, int64_t value) {
  auto element = cast<IntegerType>(type.getElementType());
  APInt bits(element.getWidth(), static_cast<uint64_t>(value), false, true);
  return arith::ConstantOp::create(b, DenseElementsAttr::get(type, bits));
}

Value BlockDecoder::loadBytes(Value at, int64_t offset, int64_t count) {
  auto type = VectorType::get(count, b.getI8Type());
  return vector::LoadOp::create(b, type, panel,
                                ValueRange{plus(b, at, offset)});
}

SmallVector<Value> BlockDecoder::loadScales() {
  int64_t at = blocks.getSize() * blocks.getCodeBits() / 8 * kPanelLanes;
  int64_t width = blocks.getHalf() ? 2 : 4;
  SmallVector<Value> scales;
  for (int64_t lane = 0; lane < kPanelLanes; lane += lanes) {
    Value bytes = loadBytes(base, at + lane * width, lanes * width);
    if (blocks.getHalf()) {
      auto f16 = VectorType::get(lanes, b.getF16Type());
      Value halves = vector::BitCastOp::create(b, f16, bytes);
      scales.push_back(arith::ExtFOp::create(b, f32, halves));
    } else {
      scales.push_back(vector::BitCastOp::create(b, f32, bytes));
    }
  }
  return scales;
}

SmallVector<Value> BlockDecoder::loadOffsets() {
  SmallVector<Value> offsets;
  int64_t at = getBlockBytes(blocks) - kPanelLanes * 4;
  if (blocks.getOffset())
    for (int64_t lane = 0; lane < kPanelLanes; lane += lanes)
      offsets.push_back(vector::BitCastOp::create(
          b, f32, loadBytes(base, at + lane * 4, lanes * 4)));
  return offsets;
}

/// 8 columns x 4 depth elements of 4 bits, one to a byte: low or high halves.
Value BlockDecoder::loadNibbles(Value at, unsigned half) {
  auto bytes = VectorType::get(32, b.getI8Type());
  auto words = VectorType::get(16, b.getI16Type());
  Value loaded = loadBytes(at, 0, 32);
  if (half == 1) {
    Value wide = vector::BitCastOp::create(b, words, loaded);
    wide = arith::ShRUIOp::create(b, wide, splat(words, 4));
    loaded = vector::BitCastOp::create(b, bytes, wide);
  }
  Value codes = arith::AndIOp::create(b, loaded, splat(bytes, 15));
  if (isUnsigned())
    return codes;
  // Twice the numbers of E2M1, one table in each half of the register.
  SmallVector<int8_t> table;
  for (int copy = 0; copy < 2; ++copy)
    for (int sign : {1, -1})
      for (int number : {0, 1, 2, 3, 4, 6, 8, 12})
        table.push_back(static_cast<int8_t>(sign * number));
  Value numbers = arith::ConstantOp::create(
      b, DenseElementsAttr::get(bytes, ArrayRef<int8_t>(table)));
  return LLVM::CallIntrinsicOp::create(b, bytes,
                                       b.getStringAttr("llvm.x86.avx2.pshuf.b"),
                                       ValueRange{numbers, codes})
      .getResult(0);
}

/// Words of four codes, a word for each column.
SmallVector<Value> BlockDecoder::loadWords(Value quad) {
  SmallVector<Value> words;
  if (blocks.getCodeBits() == 8) {
    Value at = arith::AddIOp::create(b, base, times(b, quad, 64));
    for (int64_t lane = 0; lane < kPanelLanes; lane += lanes)
      words.push_back(vector::BitCastOp::create(
          b, i32, loadBytes(at, lane * 4, lanes * 4)));
    return words;
  }
  Value at = arith::AddIOp::create(b, base, times(b, quad, 32));
  Value low = loadNibbles(at, 0), high = loadNibbles(at, 1);
  if (lanes != 16)
    return {vector::BitCastOp::create(b, i32, low),
            vector::BitCastOp::create(b, i32, high)};
  SmallVector<int64_t> order;
  for (int64_t i = 0; i < 64; ++i)
    order.push_back(i);
  low = vector::ShuffleOp::create(b, low, high, order);
  return {vector::BitCastOp::create(b, i32, low)};
}

double BlockDecoder::getFactor(int64_t classes, int64_t number,
                               size_t vector) const {
  if (takesNibbles(classes))
    return vector == 1 && number == 3
               ? 1
               : std::ldexp(1.0, static_cast<int>(8 * number + 4 * vector));
  if (!isUnsigned() || classes == 1 || number == 3)
    return 1;
  return static_cast<double>(1 << (8 * number));
}

/// Byte k of each word, times getFactor(classes, k % classes).
Value BlockDecoder::toUnsigned(Value word, int64_t k, int64_t classes) {
  // The byte stays where it stands, or where that of its class does.
  int64_t kept = classes == 1 || k == 3 && classes == 4 ? 0 : k % classes;
  if (k != kept)
    word = arith::ShRUIOp::create(b, word, splat(i32, 8 * (k - kept)));
  if (k != 3 || kept != 0)
    word = arith::AndIOp::create(b, word, splat(i32, 0xff << (8 * kept)));
  return arith::SIToFPOp::create(b, f32, word);
}

Value BlockDecoder::toSigned(Value word, int64_t k) {
  if (k != 3)
    word = arith::ShLIOp::create(b, word, splat(i32, 24 - 8 * k));
  if (blocks.getCode() != BlockCode::E4M3) {
    word = arith::ShRSIOp::create(b, word, splat(i32, 24));
    return arith::SIToFPOp::create(b, f32, word);
  }
  // Codes of E4M3 become f32 by shifting, with the exponent's bias 120 short.
  word = arith::ShRSIOp::create(b, word, splat(i32, 4));
  word = arith::AndIOp::create(b, word, splat(i32, -0x78100000));
  Value factor =
      arith::ConstantOp::create(b, DenseElementsAttr::get(f32, 0x1p120f));
  return arith::MulFOp::create(b, vector::BitCastOp::create(b, f32, word),
                               factor);
}

/// A mask for each number; only the last would have the sign bit.
SmallVector<Value> BlockDecoder::emitNibbles(Value quad) {
  Value at = arith::AddIOp::create(b, base, times(b, quad, 32));
  Value words = vector::BitCastOp::create(b, i32, loadBytes(at, 0, 32));
  SmallVector<Value> numbers;
  for (int64_t bit = 0; bit < 32; bit += 4) {
    // Elements take 8 bits, of which the high 4 are of the second vector.
    Value number =
        bit == 28
            ? arith::ShRUIOp::create(b, words, splat(i32, bit)).getResult()
            : arith::AndIOp::create(b, words, splat(i32, 15ll << bit));
    numbers.push_back(arith::SIToFPOp::create(b, f32, number));
  }
  return numbers;
}

SmallVector<Value> BlockDecoder::emitNumbers(Value quad, int64_t classes) {
  if (takesNibbles(classes))
    return emitNibbles(quad);
  SmallVector<Value> words = loadWords(quad), numbers;
  for (int64_t k = 0; k < 4; ++k)
    for (Value word : words)
      numbers.push_back(isUnsigned() ? toUnsigned(word, k, classes)
                                     : toSigned(word, k));
  return numbers;
}

static void emitExpandBody(ImplicitLocOpBuilder &b, BlocksAttr blocks,
                           unsigned lanes, ValueRange arguments) {
  Value panel = arguments[0], out = arguments[1], length = arguments[2];
  int64_t bytes = BlockDecoder::getBlockBytes(blocks);
  forEach(b, index(b, 0), length, blocks.getSize(), [&](Value depth) {
    Value number = arith::DivUIOp::create(b, depth, index(b, blocks.getSize()));
    Value base = times(b, number, bytes);
    for (int64_t at = 0; at < bytes; at += 64)
      memref::PrefetchOp::create(b, panel, plus(b, base, at + kAhead),
                                 /*isWrite=*/false, /*localityHint=*/3,
                                 /*isDataCache=*/true);
    BlockDecoder decoder(b, blocks, lanes, panel, base);
    SmallVector<Value> scales = decoder.loadScales(),
                       offsets = decoder.loadOffsets();
    auto scaled = [&](Value value, double factor) -> Value {
      auto type = cast<VectorType>(value.getType());
      return arith::MulFOp::create(
          b, value,
          arith::ConstantOp::create(
              b, DenseElementsAttr::get(type, static_cast<float>(factor))));
    };
    // scale * (number / factor - bias) is one multiply-add.
    if (decoder.getBias() != 0)
      for (auto [v, scale] : llvm::enumerate(scales)) {
        Value offset = scaled(scale, -decoder.getBias());
        if (v < offsets.size())
          offsets[v] = arith::AddFOp::create(b, offsets[v], offset);
        else
          offsets.push_back(offset);
      }
    size_t vectors = scales.size();
    SmallVector<Value> unscaled;
    unscaled.swap(scales);
    for (int64_t k = 0; k < 4; ++k)
      for (size_t v = 0; v < vectors; ++v)
        scales.push_back(
            decoder.getFactor(4, k, v) == 1
                ? unscaled[v]
                : scaled(unscaled[v], 1 / decoder.getFactor(4, k, v)));
    forEach(b, index(b, 0), index(b, blocks.getSize() / 4), 1, [&](Value quad) {
      Value to = times(b, arith::AddIOp::create(b, depth, times(b, quad, 4)),
                       kPanelLanes);
      for (auto [i, number] : llvm::enumerate(decoder.emitNumbers(quad, 4))) {
        Value weights =
            offsets.empty()
                ? arith::MulFOp::create(b, number, scales[i]).getResult()
                : math::FmaOp::create(b, number, scales[i],
                                      offsets[i % vectors]);
        vector::StoreOp::create(
            b, weights, out,
            ValueRange{plus(b, to, static_cast<int64_t>(i) * lanes)});
      }
    });
  });
}

void moec::cpu::emitExpandPanel(ImplicitLocOpBuilder &b, BlocksAttr blocks,
                                unsigned lanes, Value panel, Value out,
                                Value length) {
  Value arguments[] = {panel, out, length};
  std::string name = "expand_" + stringifyBlockCode(blocks.getCode()).str() +
                     "_" + std::to_string(blocks.getSize()) +
                     (blocks.getHalf() ? "_half" : "") +
                     (blocks.getOffset() ? "_offset" : "");
  callKernel(b, name, arguments, [&](func::FuncOp function) {
    emitExpandBody(b, blocks, lanes, function.getArguments());
  });
}
