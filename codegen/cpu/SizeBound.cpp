// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/SizeBound.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/ValueBoundsOpInterface.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace moec::cpu;

bool moec::cpu::followsFromArguments(Value number) {
  auto isArgument = [](Value value) {
    auto argument = dyn_cast<BlockArgument>(value);
    return argument &&
           isa<FunctionOpInterface>(argument.getOwner()->getParentOp());
  };
  if (isArgument(number))
    return true;
  Operation *op = number.getDefiningOp();
  if (!op || op->getNumRegions() || !isMemoryEffectFree(op))
    return false;
  return llvm::all_of(op->getOperands(), followsFromArguments);
}

static bool isNotNegative(Value value) {
  IntegerAttr constant;
  if (matchPattern(value, m_Constant(&constant)))
    return constant.getInt() >= 0;
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto loop = dyn_cast<scf::ForOp>(argument.getOwner()->getParentOp());
    return loop && argument == loop.getInductionVar() &&
           isNotNegative(loop.getLowerBound());
  }
  Operation *op = value.getDefiningOp();
  if (isa<memref::DimOp>(op))
    return true;
  return isa<arith::AddIOp, arith::MulIOp, arith::MinSIOp>(op) &&
         llvm::all_of(op->getOperands(), isNotNegative);
}

/// A buffer of the same sizes that is made earlier, or null.
static Value getEarlierOfSameShape(Value buffer) {
  if (auto argument = dyn_cast<BlockArgument>(buffer)) {
    auto loop = dyn_cast<scf::ForOp>(argument.getOwner()->getParentOp());
    return loop ? loop.getTiedLoopInit(argument)->get() : Value();
  }
  auto result = cast<OpResult>(buffer);
  unsigned number = result.getResultNumber();
  if (auto loop = dyn_cast<scf::ForOp>(result.getOwner()))
    return loop.getInitArgs()[number];
  if (auto cast = dyn_cast<memref::CastOp>(result.getOwner()))
    return cast.getSource();
  return Value();
}

namespace {
/// Emits bounds of operands, then an operation on them.
struct BoundEmitter {
  OpBuilder &builder;

  Value emit(Value size);
  Value emitDim(Location loc, Value buffer, int64_t dim);
  /// Of the larger of the two buffers that a branch may yield.
  Value emitDim(scf::IfOp branch, unsigned result, int64_t dim);
  Value emitArgument(BlockArgument argument);
  /// `op` on the bounds of all operands: for what grows with each of them.
  Value emitGrowing(Operation *op);
  /// The smallest of the bounds that there are.
  Value emitSmallest(Location loc, ValueRange values);
  Value emitLargest(Location loc, ValueRange values);
};
} // namespace

Value BoundEmitter::emitSmallest(Location loc, ValueRange values) {
  Value smallest;
  for (Value value : values)
    if (Value bound = emit(value))
      smallest = smallest
                     ? arith::MinSIOp::create(builder, loc, smallest, bound)
                           .getResult()
                     : bound;
  return smallest;
}

Value BoundEmitter::emitLargest(Location loc, ValueRange values) {
  Value largest;
  for (Value value : values) {
    Value bound = emit(value);
    if (!bound)
      return {};
    largest =
        largest
            ? arith::MaxSIOp::create(builder, loc, largest, bound).getResult()
            : bound;
  }
  return largest;
}

Value BoundEmitter::emitGrowing(Operation *op) {
  IRMapping mapping;
  for (Value operand : op->getOperands()) {
    Value bound = emit(operand);
    if (!bound)
      return {};
    mapping.map(operand, bound);
  }
  return builder.clone(*op, mapping)->getResult(0);
}

Value BoundEmitter::emitArgument(BlockArgument argument) {
  Operation *parent = argument.getOwner()->getParentOp();
  if (auto loop = dyn_cast<scf::ForOp>(parent))
    return argument == loop.getInductionVar() ? emit(loop.getUpperBound())
                                              : Value();
  if (auto loop = dyn_cast<scf::ParallelOp>(parent))
    return emit(loop.getUpperBound()[argument.getArgNumber()]);
  return {};
}

Value BoundEmitter::emitDim(scf::IfOp branch, unsigned result, int64_t dim) {
  Value largest;
  for (scf::YieldOp yield : {branch.thenYield(), branch.elseYield()}) {
    Value bound = emitDim(branch.getLoc(), yield.getOperand(result), dim);
    // What only the branch knows is no bound outside.
    if (!bound ||
        !bound.getParentRegion()->isAncestor(builder.getBlock()->getParent()))
      return {};
    largest = largest ? arith::MaxSIOp::create(builder, branch.getLoc(),
                                               largest, bound)
                            .getResult()
                      : bound;
  }
  return largest;
}

Value BoundEmitter::emitDim(Location loc, Value buffer, int64_t dim) {
  while (true) {
    auto type = cast<MemRefType>(buffer.getType());
    if (!type.isDynamicDim(dim))
      return arith::ConstantIndexOp::create(builder, loc, type.getDimSize(dim));
    // Dynamic sizes in front of this one.
    unsigned number =
        llvm::count_if(type.getShape().take_front(dim), ShapedType::isDynamic);
    if (auto alloc = buffer.getDefiningOp<memref::AllocOp>())
      return emit(alloc.getDynamicSizes()[number]);
    if (auto view = buffer.getDefiningOp<memref::ViewOp>())
      return emit(view.getSizes()[number]);
    if (auto branch = buffer.getDefiningOp<scf::IfOp>())
      return emitDim(branch, cast<OpResult>(buffer).getResultNumber(), dim);
    buffer = getEarlierOfSameShape(buffer);
    if (!buffer)
      return {};
    auto known = memref::DimOp::create(builder, loc, buffer, dim).getResult();
    if (followsFromArguments(known))
      return known;
    known.getDefiningOp()->erase();
  }
}

Value BoundEmitter::emit(Value size) {
  if (followsFromArguments(size))
    return size;
  FailureOr<int64_t> limit = ValueBoundsConstraintSet::computeConstantBound(
      presburger::BoundType::UB, ValueBoundsConstraintSet::Variable(size),
      /*stopCondition=*/nullptr, /*closedUB=*/true);
  if (succeeded(limit) && *limit >= 0)
    return arith::ConstantIndexOp::create(builder, size.getLoc(), *limit);
  if (auto argument = dyn_cast<BlockArgument>(size))
    return emitArgument(argument);
  Operation *op = size.getDefiningOp();
  Location loc = op->getLoc();
  auto expand = [&](AffineMap map) -> SmallVector<Value> {
    auto values = affine::expandAffineMap(builder, loc, map, op->getOperands());
    return values ? SmallVector<Value>(values->begin(), values->end())
                  : SmallVector<Value>();
  };
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case<arith::MinSIOp, arith::MinUIOp>([&](Operation *least) {
        return emitSmallest(loc, least->getOperands());
      })
      .Case<arith::MaxSIOp, arith::MaxUIOp>([&](Operation *most) {
        return emitLargest(loc, most->getOperands());
      })
      .Case<arith::AddIOp, arith::MulIOp, arith::IndexCastOp,
            arith::IndexCastUIOp, arith::ExtSIOp, arith::ExtUIOp>(
          [&](Operation *growing) { return emitGrowing(growing); })
      .Case<arith::CeilDivUIOp, arith::CeilDivSIOp, arith::DivUIOp,
            arith::DivSIOp, arith::FloorDivSIOp>([&](Operation *division) {
        IntegerAttr by;
        bool isConstant =
            matchPattern(division->getOperand(1), m_Constant(&by)) &&
            by.getInt() > 0;
        return isConstant ? emitGrowing(division) : Value();
      })
      .Case([&](arith::SubIOp minus) {
        return isNotNegative(minus.getRhs()) ? emit(minus.getLhs()) : Value();
      })
      .Case<arith::RemUIOp, arith::RemSIOp>(
          [&](Operation *rest) { return emit(rest->getOperand(1)); })
      .Case([&](arith::SelectOp select) {
        return emitLargest(loc,
                           {select.getTrueValue(), select.getFalseValue()});
      })
      .Case([&](affine::AffineApplyOp apply) {
        SmallVector<Value> values = expand(apply.getAffineMap());
        return values.empty() ? Value() : emit(values.front());
      })
      .Case([&](affine::AffineMinOp least) {
        return emitSmallest(loc, expand(least.getAffineMap()));
      })
      .Case([&](affine::AffineMaxOp most) {
        return emitLargest(loc, expand(most.getAffineMap()));
      })
      .Case([&](memref::DimOp dim) {
        std::optional<int64_t> number = dim.getConstantIndex();
        return number ? emitDim(loc, dim.getSource(), *number) : Value();
      })
      .Default([](Operation *) { return Value(); });
}

Value moec::cpu::emitUpperBound(OpBuilder &builder, Value size) {
  return BoundEmitter{builder}.emit(size);
}
