// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/FrameMemory.h"
#include "codegen/cuda/Cuda.h"
#include "codegen/cuda/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "moec/frame.h"
#include "llvm/ADT/DenseMap.h"
#include <cstddef>

namespace moec::cuda {
#define GEN_PASS_DEF_CUDALOWERLAUNCHPASS
#include "codegen/cuda/Passes.h.inc"
} // namespace moec::cuda

using namespace mlir;
using namespace moec::cuda;

namespace {
struct LowerLaunch : moec::cuda::impl::CudaLowerLaunchPassBase<LowerLaunch> {
  /// Appends what the kernel gets for a buffer: the address of its first
  /// element, its dynamic sizes, its dynamic strides.
  static void appendBuffer(ImplicitLocOpBuilder &b, Value buffer,
                           SmallVectorImpl<Value> &values) {
    auto type = cast<MemRefType>(buffer.getType());
    Type i64 = b.getI64Type();
    auto metadata = memref::ExtractStridedMetadataOp::create(b, buffer);
    Value address = memref::ExtractAlignedPointerAsIndexOp::create(b, buffer);
    unsigned bits = type.getElementType().isIndex()
                        ? 64
                        : type.getElementType().getIntOrFloatBitWidth();
    Value bytes = arith::ConstantIndexOp::create(b, (bits + 7) / 8);
    Value offset = b.createOrFold<arith::MulIOp>(metadata.getOffset(), bytes);
    Value first = b.createOrFold<arith::AddIOp>(address, offset);
    values.push_back(arith::IndexCastOp::create(b, i64, first));
    auto [strides, start] = type.getStridesAndOffset();
    for (auto [dim, size] : llvm::enumerate(type.getShape()))
      if (ShapedType::isDynamic(size))
        values.push_back(
            arith::IndexCastOp::create(b, i64, metadata.getSizes()[dim]));
    if (type.getLayout().isIdentity())
      return;
    for (auto [dim, stride] : llvm::enumerate(strides))
      if (ShapedType::isDynamic(stride))
        values.push_back(
            arith::IndexCastOp::create(b, i64, metadata.getStrides()[dim]));
  }

  void lower(LaunchOp op, uint32_t position) {
    ImplicitLocOpBuilder b(op.getLoc(), op);
    Type pointer = LLVM::LLVMPointerType::get(b.getContext());
    Type i64 = b.getI64Type(), i32 = b.getI32Type();
    SmallVector<Value> values;
    for (Value operand : op.getCaptures()) {
      if (isa<MemRefType>(operand.getType()))
        appendBuffer(b, operand, values);
      else if (operand.getType().isIndex())
        values.push_back(arith::IndexCastOp::create(b, i64, operand));
      else
        values.push_back(operand);
    }

    auto field = [&](Value base, size_t offset) -> Value {
      return LLVM::GEPOp::create(
          b, pointer, b.getI8Type(), base,
          ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(offset)});
    };
    auto word = [&](uint32_t value) -> Value {
      return LLVM::ConstantOp::create(b, i32, b.getI32IntegerAttr(value));
    };
    // i1 is a byte in memory; 8 bytes are room for any scalar.
    int64_t count = std::max<int64_t>(values.size(), 1);
    Value room = moec::cpu::allocateInFrame(op, i64, count);
    Value table = moec::cpu::allocateInFrame(op, pointer, count);
    for (auto [index, value] : llvm::enumerate(values)) {
      Value slot = field(room, 8 * index);
      if (value.getType().isInteger(1))
        value = arith::ExtUIOp::create(b, b.getI8Type(), value);
      LLVM::StoreOp::create(b, value, slot);
      LLVM::StoreOp::create(b, slot, field(table, 8 * index));
    }
    Value launch =
        moec::cpu::allocateInFrame(op, i64, (sizeof(moec_launch) + 7) / 8);
    auto set = [&](size_t offset, Value value) {
      LLVM::StoreOp::create(b, value, field(launch, offset));
    };
    Value blocks = arith::IndexCastOp::create(b, i32, op.getBlocks());
    set(offsetof(moec_launch, kernel), word(position));
    set(offsetof(moec_launch, grid), blocks);
    set(offsetof(moec_launch, block), word(op.getThreads()));
    for (size_t dim : {1, 2}) {
      set(offsetof(moec_launch, grid) + 4 * dim, word(1));
      set(offsetof(moec_launch, block) + 4 * dim, word(1));
    }
    set(offsetof(moec_launch, shared_bytes), word(op.getSharedBytes()));
    set(offsetof(moec_launch, num_arguments), word(values.size()));
    set(offsetof(moec_launch, reserved), word(0));
    set(offsetof(moec_launch, arguments), table);

    auto load = [&](size_t offset) -> Value {
      return LLVM::LoadOp::create(b, pointer, field(op.getServices(), offset));
    };
    auto signature = LLVM::LLVMFunctionType::get(
        LLVM::LLVMVoidType::get(b.getContext()), {pointer, pointer});
    LLVM::CallOp::create(b, signature,
                         ValueRange{load(offsetof(moec_services, launch)),
                                    load(offsetof(moec_services, host)),
                                    launch});
    op.erase();
  }

  void runOnOperation() override {
    SmallVector<func::FuncOp> kernels;
    llvm::DenseMap<StringAttr, uint32_t> positions;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (function->hasAttr(kKernelAttr)) {
        positions[function.getSymNameAttr()] = kernels.size();
        kernels.push_back(function);
      }
    SmallVector<LaunchOp> launches;
    getOperation().walk([&](LaunchOp op) { launches.push_back(op); });
    for (LaunchOp op : launches)
      lower(op, positions.lookup(op.getKernelAttr().getAttr()));
    for (func::FuncOp kernel : kernels)
      kernel.erase();
  }
};
} // namespace
