// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cuda/WrapSequential.h"
#include "codegen/cpu/Cpu.h"
#include "codegen/cpu/Slice.h"
#include "codegen/cuda/Cuda.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace moec::cuda;

/// Whether `op` reads or writes a buffer outside of parallel loops.
static bool touchesBuffers(Operation *op) {
  WalkResult walk = op->walk<WalkOrder::PreOrder>([](Operation *inner) {
    if (isa<scf::ParallelOp>(inner))
      return WalkResult::skip();
    return isa<memref::LoadOp, memref::StoreOp, memref::AtomicRMWOp>(inner)
               ? WalkResult::interrupt()
               : WalkResult::advance();
  });
  return walk.wasInterrupted();
}

static bool uses(Operation *op, const DenseSet<Value> &values) {
  return op
      ->walk([&](Operation *inner) {
        return llvm::any_of(
                   inner->getOperands(),
                   [&](Value operand) { return values.contains(operand); })
                   ? WalkResult::interrupt()
                   : WalkResult::advance();
      })
      .wasInterrupted();
}

/// The last operation of the block that needs, directly or not, what `first`
/// and all between read.
static Operation *findLast(Operation *first) {
  Operation *last = first;
  while (true) {
    DenseSet<Value> known;
    Operation *reached = first;
    bool isInside = true;
    for (Operation *op = first; op; op = op->getNextNode()) {
      bool needs = uses(op, known);
      if (needs)
        reached = op;
      if (needs || (isInside && touchesBuffers(op)))
        known.insert_range(op->getResults());
      isInside &= op != last;
    }
    if (reached == last || reached->isBeforeInBlock(last))
      return last;
    last = reached;
  }
}

/// What follows `last` and would become a kernel of one thread, too.
static Operation *joinFollowing(Operation *last) {
  for (Operation *op = last->getNextNode(); op; op = op->getNextNode()) {
    if (touchesBuffers(op))
      last = findLast(op);
    else if (op->getNumRegions() > 0 || !isMemoryEffectFree(op))
      break;
  }
  return last;
}

/// Moves the loop's allocations before it, where their sizes are known. There
/// is one iteration, so one buffer serves.
static void hoistAllocations(scf::ParallelOp loop) {
  SmallVector<memref::AllocOp> allocs;
  loop.getBody()->walk([&](memref::AllocOp op) {
    if (op->getParentOfType<scf::ParallelOp>() == loop)
      allocs.push_back(op);
  });
  for (memref::AllocOp alloc : allocs) {
    OpBuilder builder(loop);
    IRMapping mapping;
    Value culprit;
    SmallVector<Value> sizes;
    for (Value size : alloc.getDynamicSizes()) {
      auto leaf = [&](Value value) -> Value {
        return loop.getRegion().isAncestor(value.getParentRegion()) ? Value()
                                                                    : value;
      };
      sizes.push_back(
          moec::cpu::recompute(size, builder, mapping, leaf, culprit));
    }
    if (llvm::is_contained(sizes, Value()))
      continue;
    alloc->moveBefore(loop);
    alloc.getDynamicSizesMutable().assign(sizes);
  }
}

/// Moves [first, last] into a loop; what is there needed by nobody's reads
/// stays before it.
static LogicalResult wrap(Operation *first, Operation *last) {
  if (last->hasTrait<OpTrait::IsTerminator>())
    return first->emitOpError("reads a buffer for a decision of host code, "
                              "which has no CUDA code");
  OpBuilder builder(first);
  Location loc = first->getLoc();
  SmallVector<Operation *> inside;
  DenseSet<Value> known;
  for (Operation *op = first, *next; op; op = next) {
    next = op == last ? nullptr : op->getNextNode();
    if (isa<moec::cpu::TapOp>(op))
      return op->emitOpError("of a value computed by a single kernel has no "
                             "CUDA code");
    if (isa<scf::ParallelOp>(op) || touchesBuffers(op) || uses(op, known)) {
      inside.push_back(op);
      known.insert_range(op->getResults());
    } else if (op->getNumRegions() > 0) {
      inside.push_back(op);
    } else {
      op->moveBefore(inside.front());
    }
  }
  builder.setInsertionPoint(inside.front());
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  auto loop = scf::ParallelOp::create(builder, loc, ValueRange{zero},
                                      ValueRange{one}, ValueRange{one});
  loop->setAttr(kNameAttr, builder.getStringAttr("sequential"));
  Operation *end = loop.getBody()->getTerminator();
  for (Operation *op : inside)
    op->moveBefore(end);
  hoistAllocations(loop);
  return success();
}

static LogicalResult wrapBlock(Block &block) {
  for (Operation *op = &block.front(); op; op = op->getNextNode()) {
    if (isa<scf::ParallelOp>(op))
      continue;
    if (touchesBuffers(op)) {
      Operation *last = joinFollowing(findLast(op));
      Operation *next = last->getNextNode();
      if (failed(wrap(op, last)))
        return failure();
      if (!next)
        return success();
      op = next->getPrevNode();
      continue;
    }
    for (Region &region : op->getRegions())
      for (Block &inner : region)
        if (failed(wrapBlock(inner)))
          return failure();
  }
  return success();
}

LogicalResult moec::cuda::wrapSequential(func::FuncOp function) {
  return wrapBlock(function.front());
}
