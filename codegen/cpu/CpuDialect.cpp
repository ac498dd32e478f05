// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/Cpu.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace moec::cpu;

#include "codegen/cpu/CpuDialect.cpp.inc"
#define GET_OP_CLASSES
#include "codegen/cpu/CpuOps.cpp.inc"

void CpuDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "codegen/cpu/CpuOps.cpp.inc"
      >();
}

LogicalResult ParallelForOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto task =
      symbols.lookupNearestSymbolFrom<func::FuncOp>(*this, getTaskAttr());
  if (!task)
    return emitOpError("expects ") << getTaskAttr() << " to be a function";
  if (task.getNumResults())
    return emitOpError("expects task ")
           << getTaskAttr() << " to have no results";
  SmallVector<Type> expected(2, IndexType::get(getContext()));
  llvm::append_range(expected, getCaptures().getTypes());
  if (!llvm::equal(expected, task.getArgumentTypes()))
    return emitOpError("expects task ")
           << getTaskAttr() << " to take (index, index, captures), found "
           << task.getFunctionType();
  return success();
}
