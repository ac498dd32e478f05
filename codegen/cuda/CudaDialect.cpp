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

bool moec::cuda::isBlockLoop(scf::ParallelOp loop) {
  return loop.getBody()
      ->walk([](Operation *op) {
        return isa<scf::ParallelOp, MultiplyTilesOp>(op)
                   ? WalkResult::interrupt()
                   : WalkResult::advance();
      })
      .wasInterrupted();
}

LogicalResult MultiplyTilesOp::verify() {
  auto lhs = cast<MemRefType>(getLhs().getType());
  Type element = lhs.getElementType();
  SmallVector<MemRefType> types{lhs};
  for (Value weight : getRhs())
    types.push_back(cast<MemRefType>(weight.getType()));
  if (getRhs().empty() || getRhs().size() > 2)
    return emitOpError("expects one or two weights, found ") << getRhs().size();
  if (!element.isF32() && !element.isBF16())
    return emitOpError("expects elements of f32 or bf16, found ") << element;
  for (MemRefType type : types) {
    if (!type.getLayout().isIdentity() || type.getRank() < 2 ||
        type.getElementType() != element)
      return emitOpError("expects dense buffers of ")
             << element << " of at least two dimensions, found " << type;
    ArrayRef<int64_t> sizes = type.getShape().take_back(type == lhs ? 1 : 2);
    if (ShapedType::isDynamicShape(sizes) ||
        sizes.back() != lhs.getShape().back())
      return emitOpError("expects static columns and one static depth, found ")
             << type;
  }
  if (lhs.getShape().back() * (element.isF32() ? 4 : 2) % 16)
    return emitOpError("expects rows of a multiple of 16 bytes, found ") << lhs;
  if (!getTables().empty() && getTables().size() != 3)
    return emitOpError("expects three tables or none, found ")
           << getTables().size();
  ArrayRef<int64_t> tile = getTile();
  if (tile.size() != 3 || tile[0] < 1 || 8 % tile[0] || tile[1] < 1 ||
      tile[2] < 2 || tile[2] % 2 || getTileColumns() % 64)
    return emitOpError("expects a tile of warps, rows and columns, found ")
           << tile;
  SmallVector<Type> arguments(5, IndexType::get(getContext()));
  arguments.append(getRhs().size(), Float32Type::get(getContext()));
  if (!llvm::equal(getEpilogue().getArgumentTypes(), arguments))
    return emitOpError("expects a region of five positions and a sum for each "
                       "weight");
  return success();
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
