// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/FrameMemory.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

Value moec::cpu::allocateInFrame(Operation *op, Type type, int64_t count) {
  auto function = op->getParentOfType<func::FuncOp>();
  OpBuilder builder = OpBuilder::atBlockBegin(&function.front());
  Value size =
      LLVM::ConstantOp::create(builder, op->getLoc(), builder.getI64Type(),
                               builder.getI64IntegerAttr(count));
  return LLVM::AllocaOp::create(builder, op->getLoc(),
                                LLVM::LLVMPointerType::get(op->getContext()),
                                type, size);
}
