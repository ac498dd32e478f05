// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/Cpu.h"
#include "codegen/cpu/Passes.h"
#include "codegen/cpu/Slice.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/RegionUtils.h"

namespace moec::cpu {
#define GEN_PASS_DEF_CPUOUTLINEPARALLELPASS
#include "codegen/cpu/Passes.h.inc"
} // namespace moec::cpu

using namespace mlir;
using namespace moec::cpu;

namespace {
/// A parallel loop in a parallel loop runs in order.
void runInOrder(scf::ParallelOp op) {
  OpBuilder builder(op);
  Location loc = op.getLoc();
  IRMapping mapping;
  for (auto [iv, lower, upper, step] :
       llvm::zip_equal(op.getInductionVars(), op.getLowerBound(),
                       op.getUpperBound(), op.getStep())) {
    auto loop = scf::ForOp::create(builder, loc, lower, upper, step);
    mapping.map(iv, loop.getInductionVar());
    builder.setInsertionPointToStart(loop.getBody());
  }
  for (Operation &inner : op.getBody()->without_terminator())
    builder.clone(inner, mapping);
  op.erase();
}

struct OutlineParallel
    : moec::cpu::impl::CpuOutlineParallelPassBase<OutlineParallel> {
  /// Replaces the buffers that the body allocates by a part, for each worker,
  /// of one buffer that is allocated before the loop.
  LogicalResult hoistBuffers(scf::ParallelOp op, Value workers,
                             SmallVectorImpl<Value> &bases,
                             SmallVectorImpl<Value> &strides,
                             SmallVectorImpl<memref::AllocOp> &allocs) {
    op.walk([&](memref::AllocOp alloc) { allocs.push_back(alloc); });
    for (memref::AllocOp alloc : allocs) {
      OpBuilder builder(op);
      IRMapping mapping;
      Value culprit;
      SmallVector<Value> sizes;
      for (Value size : alloc.getDynamicSizes()) {
        Value outside = recompute(
            size, builder, mapping,
            [&](Value value) {
              return value.getParentRegion()->isProperAncestor(&op.getRegion())
                         ? value
                         : Value();
            },
            culprit);
        if (!outside) {
          InFlightDiagnostic diag = alloc.emitOpError(
              "has a size that is not known before the parallel loop");
          diag.attachNote(culprit.getLoc()) << "because of this value";
          return diag;
        }
        sizes.push_back(outside);
      }
      Location loc = alloc.getLoc();
      Value stride = bufferBytes(builder, loc, alloc.getType(), sizes);
      Value bytes = arith::MulIOp::create(builder, loc, workers, stride);
      auto type = MemRefType::get({ShapedType::kDynamic}, builder.getI8Type());
      bases.push_back(memref::AllocOp::create(builder, loc, type, bytes,
                                              builder.getI64IntegerAttr(64)));
      strides.push_back(stride);
    }
    return success();
  }

  LogicalResult outline(func::FuncOp parent, scf::ParallelOp op, Value workers,
                        Value services, SymbolTable &symbols, unsigned number) {
    if (op.getNumResults())
      return op.emitOpError("has results, which is not supported");
    Location loc = op.getLoc();
    SmallVector<Value> bases, strides;
    SmallVector<memref::AllocOp> allocs;
    if (failed(hoistBuffers(op, workers, bases, strides, allocs)))
      return failure();

    OpBuilder builder(op);
    // The loops become one, numbered row-major.
    SmallVector<Value> trips;
    Value count;
    for (auto [lower, upper, step] : llvm::zip_equal(
             op.getLowerBound(), op.getUpperBound(), op.getStep())) {
      Value trip = upper;
      if (!matchPattern(lower, m_Zero()))
        trip = arith::SubIOp::create(builder, loc, upper, lower);
      if (!matchPattern(step, m_One()))
        trip = arith::CeilDivSIOp::create(builder, loc, trip, step);
      if (op.getNumLoops() > 1) {
        // Two loops below zero would make a positive count.
        Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
        trip = arith::MaxSIOp::create(builder, loc, trip, zero);
      }
      trips.push_back(trip);
      count = count ? arith::MulIOp::create(builder, loc, count, trip) : trip;
    }

    llvm::SetVector<Value> used;
    getUsedValuesDefinedAbove(op.getRegion(), used);
    used.insert_range(ArrayRef(trips).drop_front());
    used.insert_range(op.getLowerBound());
    used.insert_range(op.getStep());
    used.insert_range(bases);
    used.insert_range(strides);
    SmallVector<Value> captures, constants;
    for (Value value : used)
      (matchPattern(value, m_Constant()) ? constants : captures)
          .push_back(value);

    SmallVector<Type> types(2, builder.getIndexType());
    llvm::append_range(types, ValueRange(captures).getTypes());
    auto task = func::FuncOp::create(
        loc, (parent.getName() + "_task_" + Twine(number)).str(),
        builder.getFunctionType(types, {}));
    task.setPrivate();
    symbols.insert(task);

    Block *entry = task.addEntryBlock();
    OpBuilder inner = OpBuilder::atBlockBegin(entry);
    IRMapping mapping;
    for (auto [capture, argument] :
         llvm::zip_equal(captures, entry->getArguments().drop_front(2)))
      mapping.map(capture, argument);
    for (Value value : constants)
      inner.clone(*value.getDefiningOp(), mapping);

    Value rest = entry->getArgument(0), worker = entry->getArgument(1);
    for (unsigned dim = op.getNumLoops(); dim-- > 0;) {
      Value position = rest;
      if (dim > 0) {
        Value trip = mapping.lookup(trips[dim]);
        position = arith::RemUIOp::create(inner, loc, rest, trip);
        rest = arith::DivUIOp::create(inner, loc, rest, trip);
      }
      Value step = mapping.lookup(op.getStep()[dim]);
      Value lower = mapping.lookup(op.getLowerBound()[dim]);
      Value scaled = inner.createOrFold<arith::MulIOp>(loc, position, step);
      mapping.map(op.getInductionVars()[dim],
                  inner.createOrFold<arith::AddIOp>(loc, scaled, lower));
    }

    // Buffers become views; their sizes are cloned with the body.
    for (auto [alloc, base, stride] : llvm::zip_equal(allocs, bases, strides)) {
      OpBuilder at(alloc);
      auto placeholder = UnrealizedConversionCastOp::create(
          at, alloc.getLoc(), TypeRange{alloc.getType()},
          alloc.getDynamicSizes());
      alloc.replaceAllUsesWith(placeholder.getResult(0));
      alloc.erase();
      pending[placeholder] = {base, stride};
    }
    for (Operation &body : op.getBody()->without_terminator())
      inner.clone(body, mapping);
    SmallVector<std::pair<Operation *, std::pair<Value, Value>>> views;
    op.walk([&](UnrealizedConversionCastOp cast) {
      auto found = pending.find(cast);
      if (found != pending.end())
        views.push_back(
            {mapping.lookup(cast.getResult(0)).getDefiningOp(), found->second});
    });
    pending.clear();
    for (auto [cast, buffer] : views) {
      OpBuilder at(cast);
      Value offset = arith::MulIOp::create(at, cast->getLoc(), worker,
                                           mapping.lookup(buffer.second));
      Value view = memref::ViewOp::create(
          at, cast->getLoc(), cast->getResult(0).getType(),
          mapping.lookup(buffer.first), offset, cast->getOperands());
      cast->getResult(0).replaceAllUsesWith(view);
      cast->erase();
    }
    func::ReturnOp::create(inner, loc);

    ParallelForOp::create(builder, loc, task.getName(), count, services,
                          captures);
    op.erase();
    return success();
  }

  LogicalResult convert(func::FuncOp function, SymbolTable &symbols) {
    SmallVector<scf::ParallelOp> nested, loops;
    function.walk([&](scf::ParallelOp op) {
      (op->getParentOfType<scf::ParallelOp>() ? nested : loops).push_back(op);
    });
    for (scf::ParallelOp op : nested) {
      if (op.getNumResults())
        return op.emitOpError("has results, which is not supported");
      runInOrder(op);
    }
    Builder builder(&getContext());
    auto append = [&](Type type, StringRef name) {
      auto attrs = builder.getDictionaryAttr(
          builder.getNamedAttr(name, builder.getUnitAttr()));
      (void)function.insertArgument(function.getNumArguments(), type, attrs,
                                    function.getLoc());
      return function.getArgument(function.getNumArguments() - 1);
    };
    Value workers = append(builder.getIndexType(), kWorkersAttr);
    Value services =
        append(LLVM::LLVMPointerType::get(&getContext()), kServicesAttr);
    function.walk([&](TapOp op) { op.getServicesMutable().assign(services); });
    function.walk([&](WaitOp op) { op.getServicesMutable().assign(services); });
    function.walk([&](NumWorkersOp op) {
      op.replaceAllUsesWith(workers);
      op.erase();
    });
    for (auto [number, op] : llvm::enumerate(loops))
      if (failed(outline(function, op, workers, services, symbols, number)))
        return failure();
    return success();
  }

  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    SmallVector<func::FuncOp> functions;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (function.isPublic() && !function.isExternal())
        functions.push_back(function);
    for (func::FuncOp function : functions)
      if (failed(convert(function, symbols)))
        return signalPassFailure();
  }

  llvm::DenseMap<Operation *, std::pair<Value, Value>> pending;
};
} // namespace
