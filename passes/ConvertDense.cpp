// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Contractions of token rows with a parameter, outside of experts (routers,
// shared experts): grouped.matmul without groups, so that one kernel and one
// weight encoding serve them all.

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"
#include "passes/Contraction.h"
#include "passes/ConvertMoeToGrouped.h"
#include "passes/Dims.h"

using namespace mlir;
using namespace moec;

static bool isParameter(Value value) {
  return value.getDefiningOp<ml_program::GlobalLoadConstOp>() != nullptr;
}

/// Whether the value is a tensor full of zeros.
static bool isZeroFill(Value value) {
  auto fill = value.getDefiningOp<linalg::FillOp>();
  return fill && matchPattern(fill.getInputs().front(), m_AnyZeroFloat());
}

static void convert(linalg::LinalgOp op, const Contraction &contraction) {
  OpBuilder builder(op);
  Location loc = op.getLoc();
  MLIRContext *context = op.getContext();
  Value start = contraction.init->get();
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  Value init =
      createEmpty(builder, loc, type, getDim(builder, loc, start, 0), start);
  SmallVector<Value> extras;
  SmallVector<AffineMap> maps;
  if (!isZeroFill(start)) {
    extras.push_back(start);
    maps.push_back(getMapOf(context, {grouped::Row, grouped::Column}));
  }
  auto matmul = grouped::MatmulOp::create(
      builder, loc, TypeRange{type}, contraction.lhs->get(),
      ValueRange{contraction.rhs->get()}, /*offsets=*/Value(),
      /*tokens=*/Value(), /*slots=*/Value(), extras, ValueRange{init},
      contraction.layout, builder.getAffineMapArrayAttr(maps),
      /*gather=*/false, /*reduce=*/false, grouped::PanelsAttr(),
      grouped::TileAttr(), /*wave_rows=*/IntegerAttr());
  SmallVector<Type> types(1 + extras.size(), builder.getF32Type());
  SmallVector<Location> locations(types.size(), loc);
  Block *body =
      builder.createBlock(&matmul.getEpilogue(), {}, types, locations);
  Value value = body->getArgument(0);
  if (!extras.empty())
    value = arith::AddFOp::create(builder, loc, body->getArgument(1), value);
  grouped::YieldOp::create(builder, loc, value);
  op->getResult(0).replaceAllUsesWith(matmul.getResult(0));
  op->erase();
}

void moec::convertDenseMatmuls(ModuleOp module, bool explain) {
  SmallVector<linalg::LinalgOp> candidates;
  module.walk([&](linalg::LinalgOp op) { candidates.push_back(op); });
  for (linalg::LinalgOp op : candidates) {
    if (!op.hasPureTensorSemantics())
      continue;
    std::optional<Contraction> contraction =
        matchContraction(op, [](Value value) { return !isParameter(value); });
    if (!contraction || !isParameter(contraction->rhs->get()))
      continue;
    auto isF32 = [](Value value) {
      return getElementTypeOrSelf(value.getType()).isF32();
    };
    auto shape = cast<RankedTensorType>(op->getResult(0).getType());
    if (!isF32(contraction->lhs->get()) || !isF32(contraction->init->get()) ||
        shape.isDynamicDim(1))
      continue;
    if (explain)
      op->emitRemark("becomes a dense grouped.matmul: rows meet one parameter");
    convert(op, *contraction);
  }
}
