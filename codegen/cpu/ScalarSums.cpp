// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/ScalarSums.h"
#include "codegen/cpu/Loops.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace moec::cpu;
using namespace moec::grouped;

/// `scalar` as f32.
static Value toF32(ImplicitLocOpBuilder &b, Value scalar) {
  unsigned width = scalar.getType().getIntOrFloatBitWidth();
  if (width < 32)
    return arith::ExtFOp::create(b, b.getF32Type(), scalar);
  if (width > 32)
    return arith::TruncFOp::create(b, b.getF32Type(), scalar);
  return scalar;
}

SmallVector<Value> moec::cpu::emitScalarSums(ImplicitLocOpBuilder &b,
                                             MatmulOp op, Value group,
                                             Value source, Value column) {
  Value zero = arith::ConstantOp::create(b, b.getF32FloatAttr(0.0f));
  SmallVector<Value> zeros(op.getRhs().size(), zero);
  auto loop = scf::ForOp::create(b, index(b, 0), sizeOf(b, op.getLhs(), 1),
                                 index(b, 1), zeros);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value k = loop.getInductionVar();
  Value left =
      toF32(b, memref::LoadOp::create(b, op.getLhs(), ValueRange{source, k}));
  SmallVector<Value> sums;
  for (auto [weight, sum] :
       llvm::zip_equal(op.getRhs(), loop.getRegionIterArgs())) {
    SmallVector<Value> at;
    if (cast<MemRefType>(weight.getType()).getRank() == 3)
      at.push_back(group);
    if (op.getLayout() == RhsLayout::NK)
      at.append({column, k});
    else
      at.append({k, column});
    Value right = toF32(b, memref::LoadOp::create(b, weight, at));
    sums.push_back(math::FmaOp::create(b, left, right, sum));
  }
  scf::YieldOp::create(b, sums);
  return loop.getResults();
}
