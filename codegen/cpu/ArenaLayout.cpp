// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/ArenaLayout.h"
#include "codegen/cpu/Cpu.h"
#include "codegen/cpu/Slice.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include <limits>

using namespace mlir;
using namespace moec::cpu;

static constexpr unsigned kForever = std::numeric_limits<unsigned>::max();

/// Position in `block` after which nothing reads or writes `buffer`.
static unsigned
findLastUse(Value buffer, Block &block,
            const llvm::DenseMap<Operation *, unsigned> &positions,
            const BufferViewFlowAnalysis &aliases) {
  unsigned last = 0;
  for (Value alias : aliases.resolve(buffer)) {
    // Carried to the next iteration of a loop.
    if (auto argument = dyn_cast<BlockArgument>(alias);
        argument && argument.getOwner() == &block)
      return kForever;
    for (Operation *user : alias.getUsers()) {
      // An address may be used where no analysis sees it.
      if (isa<memref::ExtractAlignedPointerAsIndexOp,
              UnrealizedConversionCastOp>(user))
        return kForever;
      Operation *ancestor = block.findAncestorOpInBlock(*user);
      if (!ancestor)
        return kForever;
      last = std::max(last, positions.lookup(ancestor));
    }
  }
  return last;
}

RegionPlan moec::cpu::planBuffers(Region &region,
                                  const BufferViewFlowAnalysis &aliases) {
  RegionPlan plan;
  unsigned base = 0;
  for (Block &block : region) {
    llvm::DenseMap<Operation *, unsigned> positions;
    for (Operation &op : block)
      positions[&op] = base++;
    for (Operation &op : block) {
      unsigned first = positions[&op], last = first;
      RegionPlan::Node node{&op, first, last, 0, {}, {}};
      auto live = [&](memref::AllocOp alloc) {
        // Between blocks of a graph nothing is known.
        last = region.hasOneBlock()
                   ? std::max(last, findLastUse(alloc.getMemref(), block,
                                                positions, aliases))
                   : kForever;
      };
      if (auto alloc = dyn_cast<memref::AllocOp>(op)) {
        live(alloc);
      } else {
        bool allocates = false;
        for (Region &inner : op.getRegions()) {
          node.regions.push_back(planBuffers(inner, aliases));
          allocates |= !node.regions.back().nodes.empty();
        }
        if (!allocates)
          continue;
        op.walk(live);
      }
      node.last = last;
      plan.nodes.push_back(std::move(node));
    }
  }

  std::vector<unsigned> busyUntil;
  for (RegionPlan::Node &node : plan.nodes) {
    auto free = llvm::find_if(
        busyUntil, [&](unsigned until) { return until < node.first; });
    if (free == busyUntil.end())
      free = busyUntil.insert(free, 0);
    *free = node.last;
    node.slot = free - busyUntil.begin();
  }
  plan.numSlots = busyUntil.size();
  return plan;
}

Value LayoutEmitter::emitAllocation(memref::AllocOp alloc) {
  Place &place = places[alloc];
  for (Value size : alloc.getDynamicSizes()) {
    Value culprit;
    Value known = recompute(
        size, builder, mapping, [&](Value value) { return getLeaf(value); },
        culprit);
    if (!known) {
      InFlightDiagnostic diag = alloc.emitOpError(
          "has a size that does not follow from the sizes of arguments");
      diag.attachNote(culprit.getLoc()) << "because of this value";
      return {};
    }
    place.sizes.push_back(known);
  }
  return bufferBytes(builder, alloc.getLoc(), alloc.getType(), place.sizes);
}

Value LayoutEmitter::emitBytes(RegionPlan &plan) {
  plan.slotBytes.assign(plan.numSlots, Value());
  for (RegionPlan::Node &node : plan.nodes) {
    Location loc = node.op->getLoc();
    auto larger = [&](Value lhs, Value rhs) -> Value {
      if (!lhs || lhs == rhs)
        return rhs;
      return builder.createOrFold<arith::MaxUIOp>(loc, lhs, rhs);
    };
    node.bytes = {};
    if (auto alloc = dyn_cast<memref::AllocOp>(node.op)) {
      node.bytes = emitAllocation(alloc);
      if (!node.bytes)
        return {};
    }
    bool isChoice = isa<scf::IfOp, scf::IndexSwitchOp>(node.op);
    for (RegionPlan &region : node.regions) {
      Value bytes = emitBytes(region);
      if (!bytes)
        return {};
      node.bytes =
          !node.bytes ? bytes
          : isChoice
              ? larger(node.bytes, bytes)
              : builder.createOrFold<arith::AddIOp>(loc, node.bytes, bytes);
    }
    Value &slot = plan.slotBytes[node.slot];
    slot = larger(slot, node.bytes);
  }
  Location loc = function.getLoc();
  Value total = arith::ConstantIndexOp::create(builder, loc, 0);
  for (Value bytes : plan.slotBytes)
    total = builder.createOrFold<arith::AddIOp>(loc, total, bytes);
  return total;
}

void LayoutEmitter::emitOffsets(const RegionPlan &plan, Value base) {
  Location loc = function.getLoc();
  std::vector<Value> offsets;
  for (Value bytes : plan.slotBytes) {
    offsets.push_back(base);
    base = builder.createOrFold<arith::AddIOp>(loc, base, bytes);
  }
  for (const RegionPlan::Node &node : plan.nodes) {
    Value offset = offsets[node.slot];
    if (isa<memref::AllocOp>(node.op)) {
      places[node.op].offset = offset;
      continue;
    }
    bool isChoice = isa<scf::IfOp, scf::IndexSwitchOp>(node.op);
    for (const RegionPlan &region : node.regions) {
      emitOffsets(region, offset);
      if (isChoice)
        continue;
      for (Value bytes : region.slotBytes)
        offset = builder.createOrFold<arith::AddIOp>(loc, offset, bytes);
    }
  }
}

Value LayoutEmitter::getLeaf(Value value) {
  Block *entry = &function.front();
  if (auto argument = dyn_cast<BlockArgument>(value))
    return argument.getOwner() == entry &&
                   function.getArgAttr(argument.getArgNumber(), kWorkersAttr)
               ? workers
               : Value();
  auto dim = value.getDefiningOp<memref::DimOp>();
  std::optional<int64_t> index = dim ? dim.getConstantIndex() : std::nullopt;
  return index ? getDim(dim.getSource(), *index) : Value();
}

Value LayoutEmitter::getDim(Value buffer, int64_t index) {
  Location loc = buffer.getLoc();
  auto type = cast<MemRefType>(buffer.getType());
  if (!type.isDynamicDim(index))
    return arith::ConstantIndexOp::create(builder, loc, type.getDimSize(index));
  if (auto collapse = buffer.getDefiningOp<memref::CollapseShapeOp>()) {
    Value product;
    for (int64_t joined : collapse.getReassociationIndices()[index]) {
      Value size = getDim(collapse.getSrc(), joined);
      if (!size)
        return {};
      product = product
                    ? builder.createOrFold<arith::MulIOp>(loc, product, size)
                    : size;
    }
    return product;
  }
  auto argument = dyn_cast<BlockArgument>(buffer);
  if (!argument || argument.getOwner() != &function.front())
    return {};
  const TensorSignature *tensor = findTensor(argument.getArgNumber());
  if (!tensor)
    return {};
  const Dimension &dimension = tensor->dims[index];
  if (dimension.symbol.empty())
    return arith::ConstantIndexOp::create(builder, loc, dimension.size);
  return getSize(builder, loc, dimension.symbol, symbols);
}

const TensorSignature *LayoutEmitter::findTensor(unsigned argument) {
  unsigned arguments = 0, results = 0, states = 0;
  for (unsigned index = 0;; ++index) {
    bool isTensor = isa<MemRefType>(function.getArgumentTypes()[index]) &&
                    !function.getArgAttr(index, kParamAttr) &&
                    !function.getArgAttr(index, kWorkspaceAttr);
    bool isResult = static_cast<bool>(function.getArgAttr(index, kResultAttr));
    bool isState = static_cast<bool>(function.getArgAttr(index, kStateAttr));
    if (index == argument) {
      if (!isTensor)
        return nullptr;
      return isResult  ? &signature.results[results]
             : isState ? &signature.states[states]
                       : &signature.arguments[arguments];
    }
    if (isTensor)
      ++(isResult ? results : isState ? states : arguments);
  }
}
