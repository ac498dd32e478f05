// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/Cpu.h"
#include "codegen/cpu/Passes.h"
#include "codegen/cpu/Signature.h"
#include "codegen/cpu/Slice.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/StringMap.h"

namespace moec::cpu {
#define GEN_PASS_DEF_CPUALLOCATEARENAPASS
#include "codegen/cpu/Passes.h.inc"
} // namespace moec::cpu

using namespace mlir;
using namespace moec::cpu;

namespace {
/// Emits the offsets of all allocations of a function, once in the function and
/// once in the one that computes the size of its workspace.
class Layout {
public:
  Layout(func::FuncOp function, const FunctionSignature &signature,
         OpBuilder &builder)
      : function(function), signature(signature), builder(builder) {}

  /// Values at the builder's insertion point of the named sizes.
  llvm::StringMap<Value> symbols;
  Value workers;
  /// Where each allocation starts and its dynamic sizes.
  llvm::MapVector<Operation *, std::pair<Value, SmallVector<Value>>> places;

  /// Places what `region` allocates from `base` on; returns where it ends, or
  /// null after an error.
  Value place(Region &region, Value base) {
    for (Operation &op : region.getOps()) {
      if (auto alloc = dyn_cast<memref::AllocOp>(op)) {
        SmallVector<Value> sizes;
        for (Value size : alloc.getDynamicSizes()) {
          Value culprit;
          Value known = recompute(
              size, builder, mapping,
              [&](Value value) { return getLeaf(value); }, culprit);
          if (!known) {
            InFlightDiagnostic diag = alloc.emitOpError(
                "has a size that does not follow from the sizes of arguments");
            diag.attachNote(culprit.getLoc()) << "because of this value";
            return {};
          }
          sizes.push_back(known);
        }
        Value bytes =
            bufferBytes(builder, alloc.getLoc(), alloc.getType(), sizes);
        places[alloc] = {base, sizes};
        base = builder.createOrFold<arith::AddIOp>(alloc.getLoc(), base, bytes);
        continue;
      }
      bool isChoice = isa<scf::IfOp, scf::IndexSwitchOp>(op);
      Value end = base;
      for (Region &inner : op.getRegions()) {
        Value innerEnd = place(inner, isChoice ? base : end);
        if (!innerEnd)
          return {};
        if (innerEnd == end || innerEnd == base)
          continue;
        end = isChoice && end != base ? builder.createOrFold<arith::MaxUIOp>(
                                            op.getLoc(), end, innerEnd)
                                      : innerEnd;
      }
      base = end;
    }
    return base;
  }

private:
  /// The value of a size that the caller tells, or null.
  Value getLeaf(Value value) {
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      if (argument.getOwner() == &function.front() &&
          function.getArgAttr(argument.getArgNumber(), kWorkersAttr))
        return workers;
      return {};
    }
    auto dim = value.getDefiningOp<memref::DimOp>();
    if (!dim)
      return {};
    auto argument = dyn_cast<BlockArgument>(dim.getSource());
    std::optional<int64_t> index = dim.getConstantIndex();
    if (!argument || argument.getOwner() != &function.front() || !index)
      return {};
    // The position of the tensor among arguments or results.
    unsigned position = 0;
    bool isResult = false;
    if (!locate(argument.getArgNumber(), position, isResult))
      return {};
    const TensorSignature &tensor =
        (isResult ? signature.results : signature.arguments)[position];
    const Dimension &dimension = tensor.dims[*index];
    if (dimension.symbol.empty())
      return arith::ConstantIndexOp::create(builder, value.getLoc(),
                                            dimension.size);
    return symbols.lookup(dimension.symbol);
  }

  bool locate(unsigned number, unsigned &position, bool &isResult) {
    unsigned arguments = 0, results = 0;
    for (unsigned index = 0; index <= number; ++index) {
      if (!isa<MemRefType>(function.getArgumentTypes()[index]) ||
          function.getArgAttr(index, kParamAttr)) {
        if (index == number)
          return false;
        continue;
      }
      isResult = static_cast<bool>(function.getArgAttr(index, kResultAttr));
      position = isResult ? results++ : arguments++;
    }
    return true;
  }

  func::FuncOp function;
  const FunctionSignature &signature;
  OpBuilder &builder;
  IRMapping mapping;
};

struct AllocateArena
    : moec::cpu::impl::CpuAllocateArenaPassBase<AllocateArena> {
  LogicalResult convert(func::FuncOp function, SymbolTable &table) {
    FailureOr<FunctionSignature> signature = getSignature(function);
    if (failed(signature))
      return failure();
    std::vector<SizeSymbol> symbols = getSizeSymbols(function, *signature);
    Location loc = function.getLoc();

    // NAME_workspace(sizes.., workers) -> bytes
    OpBuilder builder(&getContext());
    Type index = builder.getIndexType();
    SmallVector<Type> types(symbols.size() + 1, index);
    auto query =
        func::FuncOp::create(loc, (function.getName() + "_workspace").str(),
                             builder.getFunctionType(types, index));
    query.setPrivate();
    table.insert(query);
    Block *entry = query.addEntryBlock();
    builder.setInsertionPointToStart(entry);
    Layout needs(function, *signature, builder);
    for (auto [symbol, value] : llvm::zip(symbols, entry->getArguments()))
      needs.symbols[symbol.name] = value;
    needs.workers = entry->getArguments().back();
    Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
    Value bytes = needs.place(function.getBody(), zero);
    if (!bytes)
      return failure();
    func::ReturnOp::create(builder, loc, bytes);

    // The same layout in the function itself.
    if (failed(function.insertArgument(
            function.getNumArguments(),
            MemRefType::get({ShapedType::kDynamic}, builder.getI8Type()),
            builder.getDictionaryAttr(
                builder.getNamedAttr(kWorkspaceAttr, builder.getUnitAttr())),
            loc)))
      return failure();
    Value workspace = function.getArguments().back();
    builder.setInsertionPointToStart(&function.front());
    Layout layout(function, *signature, builder);
    for (const SizeSymbol &symbol : symbols)
      layout.symbols[symbol.name] = memref::DimOp::create(
          builder, loc, function.getArgument(symbol.argument),
          symbol.dimension);
    for (unsigned i = 0; i < function.getNumArguments(); ++i)
      if (function.getArgAttr(i, kWorkersAttr))
        layout.workers = function.getArgument(i);
    zero = arith::ConstantIndexOp::create(builder, loc, 0);
    if (!layout.place(function.getBody(), zero))
      return failure();
    for (auto &[op, at] : layout.places) {
      auto alloc = cast<memref::AllocOp>(op);
      OpBuilder here(alloc);
      Value view = memref::ViewOp::create(here, alloc.getLoc(), alloc.getType(),
                                          workspace, at.first, at.second);
      alloc.replaceAllUsesWith(view);
      alloc.erase();
    }
    return success();
  }

  void runOnOperation() override {
    SymbolTable table(getOperation());
    SmallVector<func::FuncOp> functions;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (function.isPublic() && !function.isExternal())
        functions.push_back(function);
    for (func::FuncOp function : functions)
      if (failed(convert(function, table)))
        return signalPassFailure();
  }
};
} // namespace
