// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/ArenaLayout.h"
#include "codegen/cpu/Cpu.h"
#include "codegen/cpu/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

namespace moec::cpu {
#define GEN_PASS_DEF_CPUALLOCATEARENAPASS
#include "codegen/cpu/Passes.h.inc"
} // namespace moec::cpu

using namespace mlir;
using namespace moec::cpu;

namespace {
struct AllocateArena
    : moec::cpu::impl::CpuAllocateArenaPassBase<AllocateArena> {
  /// NAME_workspace(sizes.., workers) -> bytes
  LogicalResult emitQuery(func::FuncOp function,
                          const FunctionSignature &signature,
                          ArrayRef<SizeSymbol> symbols, RegionPlan &plan,
                          SymbolTable &table) {
    Location loc = function.getLoc();
    OpBuilder builder(&getContext());
    Type index = builder.getIndexType();
    SmallVector<Type> types(symbols.size() + 1, index);
    auto query =
        func::FuncOp::create(loc, (function.getName() + "_workspace").str(),
                             builder.getFunctionType(types, index));
    query.setPrivate();
    table.insert(query);
    function->setAttr(kWorkspaceAttr,
                      FlatSymbolRefAttr::get(query.getSymNameAttr()));
    Block *entry = query.addEntryBlock();
    builder.setInsertionPointToStart(entry);
    LayoutEmitter layout(function, signature, builder);
    for (auto [symbol, value] : llvm::zip(symbols, entry->getArguments()))
      layout.symbols[symbol.name] = value;
    layout.workers = entry->getArguments().back();
    Value bytes = layout.emitBytes(plan);
    if (!bytes)
      return failure();
    func::ReturnOp::create(builder, loc, bytes);
    return success();
  }

  LogicalResult convert(func::FuncOp function, SymbolTable &table) {
    FailureOr<FunctionSignature> signature = getSignature(function);
    if (failed(signature))
      return failure();
    std::vector<SizeSymbol> symbols = getSizeSymbols(function, *signature);
    RegionPlan plan =
        planBuffers(function.getBody(), BufferViewFlowAnalysis(function));
    if (failed(emitQuery(function, *signature, symbols, plan, table)))
      return failure();

    Location loc = function.getLoc();
    OpBuilder builder(&getContext());
    auto attrs = builder.getDictionaryAttr(
        builder.getNamedAttr(kWorkspaceAttr, builder.getUnitAttr()));
    if (failed(function.insertArgument(
            function.getNumArguments(),
            MemRefType::get({ShapedType::kDynamic}, builder.getI8Type()), attrs,
            loc)))
      return failure();
    Value workspace = function.getArguments().back();
    builder.setInsertionPointToStart(&function.front());
    LayoutEmitter layout(function, *signature, builder);
    for (const SizeSymbol &symbol : symbols)
      layout.symbols[symbol.name] = memref::DimOp::create(
          builder, loc, function.getArgument(symbol.argument),
          symbol.dimension);
    for (unsigned index = 0; index < function.getNumArguments(); ++index)
      if (function.getArgAttr(index, kWorkersAttr))
        layout.workers = function.getArgument(index);
    if (!layout.emitBytes(plan))
      return failure();
    Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
    layout.emitOffsets(plan, zero);
    for (auto &[op, place] : layout.places) {
      auto alloc = cast<memref::AllocOp>(op);
      OpBuilder here(alloc);
      Value view = memref::ViewOp::create(here, alloc.getLoc(), alloc.getType(),
                                          workspace, place.offset, place.sizes);
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
