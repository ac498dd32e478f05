// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cuda/Cuda.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace moec::cuda;

#include "codegen/cuda/CudaDialect.cpp.inc"
#define GET_OP_CLASSES
#include "codegen/cuda/CudaOps.cpp.inc"

void CudaDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "codegen/cuda/CudaOps.cpp.inc"
      >();
}

LogicalResult LaunchOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto kernel =
      symbols.lookupNearestSymbolFrom<func::FuncOp>(*this, getKernelAttr());
  if (!kernel || !kernel->hasAttr(kKernelAttr))
    return emitOpError("expects ")
           << getKernelAttr() << " to be a function marked " << kKernelAttr;
  if (kernel.getNumResults())
    return emitOpError("expects kernel ")
           << getKernelAttr() << " to have no results";
  if (!llvm::equal(getCaptures().getTypes(), kernel.getArgumentTypes()))
    return emitOpError("expects kernel ")
           << getKernelAttr() << " to take what is passed, found "
           << kernel.getFunctionType();
  return success();
}
