// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/DecodeBlocks.h"
#include "codegen/cpu/Loops.h"
#include "codegen/cpu/Microkernel.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

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

BlockDecoder::BlockDecoder(ImplicitLocOpBuilder &b, BlocksAttr blocks,
                           unsigned lanes, Value panel, Value base)
    : b(b), blocks(blocks), lanes(lanes), panel(panel), base(base),
      f32(VectorType::get(lanes, b.getF32Type())),
      i32(VectorType::get(lanes, b.getI32Type())) {
  int64_t at = blocks.getSize() * blocks.getCodeBits() / 8 * kPanelLanes;
  int64_t width = blocks.getHalf() ? 2 : 4;
  for (int64_t lane = 0; lane < kPanelLanes; lane += lanes) {
    Value bytes = loadBytes(base, at + lane * width, lanes * width);
    if (blocks.getHalf()) {
      auto f16 = VectorType::get(lanes, b.getF16Type());
      Value halves = vector::BitCastOp::create(b, f16, bytes);
      scales.push_back(arith::ExtFOp::create(b, f32, halves));
    } else {
      scales.push_back(vector::BitCastOp::create(b, f32, bytes));
    }
    // Codes of E4M3 become f32 by shifting, with the exponent's bias 120 short.
    if (blocks.getCode() == BlockCode::E4M3) {
      Value factor =
          arith::ConstantOp::create(b, DenseElementsAttr::get(f32, 0x1p120f));
      scales.back() = arith::MulFOp::create(b, scales.back(), factor);
    }
    if (blocks.getOffset()) {
      Value offset =
          loadBytes(base, at + kPanelLanes * width + lane * 4, lanes * 4);
      offsets.push_back(vector::BitCastOp::create(b, f32, offset));
    }
  }
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
  if (blocks.getCode() == BlockCode::Int4)
    return arith::SubIOp::create(b, codes, splat(bytes, 8));
  if (blocks.getCode() == BlockCode::UInt4)
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

SmallVector<Value> BlockDecoder::emitQuad(Value quad) {
  // Words of four codes, a word for each column.
  SmallVector<Value> words;
  if (blocks.getCodeBits() == 8) {
    Value at = arith::AddIOp::create(b, base, times(b, quad, 64));
    for (int64_t lane = 0; lane < kPanelLanes; lane += lanes)
      words.push_back(vector::BitCastOp::create(
          b, i32, loadBytes(at, lane * 4, lanes * 4)));
  } else {
    Value at = arith::AddIOp::create(b, base, times(b, quad, 32));
    Value low = loadNibbles(at, 0), high = loadNibbles(at, 1);
    if (lanes == 16) {
      SmallVector<int64_t> order;
      for (int64_t i = 0; i < 64; ++i)
        order.push_back(i);
      low = vector::ShuffleOp::create(b, low, high, order);
      words = {vector::BitCastOp::create(b, i32, low)};
    } else {
      words = {vector::BitCastOp::create(b, i32, low),
               vector::BitCastOp::create(b, i32, high)};
    }
  }
  SmallVector<Value> result;
  for (int64_t k = 0; k < 4; ++k)
    for (auto [v, word] : llvm::enumerate(words)) {
      Value number = word;
      if (k != 3)
        number = arith::ShLIOp::create(b, number, splat(i32, 24 - 8 * k));
      if (blocks.getCode() == BlockCode::E4M3) {
        number = arith::ShRSIOp::create(b, number, splat(i32, 4));
        number = arith::AndIOp::create(b, number, splat(i32, -0x78100000));
        number = vector::BitCastOp::create(b, f32, number);
      } else {
        number = arith::ShRSIOp::create(b, number, splat(i32, 24));
        number = arith::SIToFPOp::create(b, f32, number);
      }
      if (blocks.getOffset())
        result.push_back(math::FmaOp::create(b, number, scales[v], offsets[v]));
      else
        result.push_back(arith::MulFOp::create(b, number, scales[v]));
    }
  return result;
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
    forEach(b, index(b, 0), index(b, blocks.getSize() / 4), 1, [&](Value quad) {
      Value to = times(b, arith::AddIOp::create(b, depth, times(b, quad, 4)),
                       kPanelLanes);
      for (auto [i, weights] : llvm::enumerate(decoder.emitQuad(quad)))
        vector::StoreOp::create(
            b, weights, out,
            ValueRange{plus(b, to, static_cast<int64_t>(i) * lanes)});
    });
  });
}

void moec::cpu::emitExpandPanel(ImplicitLocOpBuilder &b, BlocksAttr blocks,
                                unsigned lanes, Value panel, Value out,
                                Value length) {
  Value arguments[] = {panel, out, length};
  auto module =
      b.getInsertionBlock()->getParentOp()->getParentOfType<ModuleOp>();
  auto type = b.getFunctionType(ValueRange(arguments).getTypes(), {});
  std::string name = "expand_" + stringifyBlockCode(blocks.getCode()).str() +
                     "_" + std::to_string(blocks.getSize()) +
                     (blocks.getHalf() ? "_half" : "") +
                     (blocks.getOffset() ? "_offset" : "");
  auto function = module.lookupSymbol<func::FuncOp>(name);
  if (!function) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(module.getBody());
    function = func::FuncOp::create(b, name, type);
    function.setPrivate();
    b.setInsertionPointToStart(function.addEntryBlock());
    emitExpandBody(b, blocks, lanes, function.getArguments());
    func::ReturnOp::create(b);
  }
  func::CallOp::create(b, function, arguments);
}
