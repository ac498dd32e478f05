// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/Cpu.h"
#include "codegen/cpu/FrameMemory.h"
#include "codegen/cpu/Passes.h"
#include "codegen/cpu/Signature.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "moec/frame.h"
#include <cstddef>

namespace moec::cpu {
#define GEN_PASS_DEF_CPULOWERTAPSPASS
#include "codegen/cpu/Passes.h.inc"
} // namespace moec::cpu

using namespace mlir;
using namespace moec::cpu;

namespace {
struct LowerTaps : moec::cpu::impl::CpuLowerTapsPassBase<LowerTaps> {
  /// A constant with the bytes of `name` and a zero.
  LLVM::GlobalOp createName(StringRef name, SymbolTable &symbols) {
    OpBuilder builder(&getContext());
    std::string bytes = name.str() + '\0';
    auto type = LLVM::LLVMArrayType::get(builder.getI8Type(), bytes.size());
    auto global = LLVM::GlobalOp::create(
        builder, getOperation().getLoc(), type, /*isConstant=*/true,
        LLVM::Linkage::Internal, "tap_name", builder.getStringAttr(bytes));
    symbols.insert(global);
    return global;
  }

  LogicalResult lower(TapOp op, SymbolTable &symbols) {
    auto type = cast<MemRefType>(op.getValue().getType());
    std::optional<int32_t> dtype = getDtype(type.getElementType());
    if (!dtype)
      return op.emitOpError("has elements that a host cannot read: ")
             << type.getElementType();

    ImplicitLocOpBuilder b(op.getLoc(), op);
    Type pointer = LLVM::LLVMPointerType::get(b.getContext());
    Type i64 = b.getI64Type();
    auto field = [&](Value base, size_t offset) -> Value {
      return LLVM::GEPOp::create(
          b, pointer, b.getI8Type(), base,
          ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(offset)});
    };
    auto load = [&](size_t offset) -> Value {
      return LLVM::LoadOp::create(b, pointer, field(op.getServices(), offset));
    };
    auto i32 = [&](int32_t value) -> Value {
      return LLVM::ConstantOp::create(b, b.getI32Type(),
                                      b.getI32IntegerAttr(value));
    };

    Value tensor = allocateInFrame(op, b.getI8Type(), sizeof(moec_tensor));
    Value shape =
        allocateInFrame(op, i64, std::max<int64_t>(type.getRank(), 1));
    Value service = load(offsetof(moec_services, tap));
    Value isThere = LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::ne, service,
                                         LLVM::ZeroOp::create(b, pointer));
    auto some = scf::IfOp::create(b, isThere);
    b.setInsertionPointToStart(some.thenBlock());
    for (int64_t dim = 0; dim < type.getRank(); ++dim) {
      Value size = memref::DimOp::create(b, op.getValue(), dim);
      LLVM::StoreOp::create(b, arith::IndexCastOp::create(b, i64, size),
                            field(shape, 8 * dim));
    }
    Value address =
        memref::ExtractAlignedPointerAsIndexOp::create(b, op.getValue());
    Value number = arith::IndexCastOp::create(b, i64, address);
    Value data = LLVM::IntToPtrOp::create(b, pointer, number);
    LLVM::StoreOp::create(b, data, field(tensor, offsetof(moec_tensor, data)));
    LLVM::StoreOp::create(b, shape,
                          field(tensor, offsetof(moec_tensor, shape)));
    LLVM::StoreOp::create(b, i32(type.getRank()),
                          field(tensor, offsetof(moec_tensor, rank)));
    LLVM::StoreOp::create(b, i32(*dtype),
                          field(tensor, offsetof(moec_tensor, dtype)));
    Value name = LLVM::AddressOfOp::create(
        b, pointer, createName(op.getName(), symbols).getSymName());
    auto signature = LLVM::LLVMFunctionType::get(
        LLVM::LLVMVoidType::get(b.getContext()), {pointer, pointer, pointer});
    LLVM::CallOp::create(
        b, signature,
        ValueRange{service, load(offsetof(moec_services, host)), name, tensor});
    op.erase();
    return success();
  }

  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    SmallVector<TapOp> taps;
    getOperation()->walk([&](TapOp op) { taps.push_back(op); });
    for (TapOp op : taps)
      if (failed(lower(op, symbols)))
        return signalPassFailure();
  }
};
} // namespace
