// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/differential/ReduceGraph.h"
#include "dialects/moe/Moe.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace moec::test {

static SmallVector<Operation *> listOperations(ModuleOp module) {
  SmallVector<Operation *> operations;
  for (auto function : module.getOps<func::FuncOp>())
    function->walk([&](Operation *op) { operations.push_back(op); });
  return operations;
}

/// Erases operations, taps and globals that nothing reads.
static void eraseUnused(ModuleOp module) {
  for (bool changed = true; changed;) {
    changed = false;
    SmallVector<Operation *> operations = listOperations(module);
    for (Operation *op : llvm::reverse(operations))
      if (op->use_empty() && !isa<func::FuncOp>(op) &&
          !op->hasTrait<OpTrait::IsTerminator>() && !isa<moe::TapOp>(op)) {
        op->erase();
        changed = true;
        break;
      }
  }
  for (auto global :
       llvm::make_early_inc_range(module.getOps<ml_program::GlobalOp>()))
    if (SymbolTable::symbolKnownUseEmpty(global, module))
      global.erase();
}

/// Values of the type that exist before `op`, in its block and around it.
static SmallVector<Value> findSubstitutes(Operation *op, Type type) {
  SmallVector<Value> values;
  for (Operation *at = op; at && !isa<ModuleOp>(at); at = at->getParentOp()) {
    Block *block = at->getBlock();
    if (isa<ModuleOp>(block->getParentOp()))
      break;
    for (Value argument : block->getArguments())
      if (argument.getType() == type)
        values.push_back(argument);
    for (Operation *before = at->getPrevNode(); before;
         before = before->getPrevNode())
      for (Value result : before->getResults())
        if (result.getType() == type && values.size() < 4)
          values.push_back(result);
  }
  return values;
}

/// A simpler module that still fails, by a change to operation number `at`;
/// null if there is none.
static OwningOpRef<ModuleOp> simplify(ModuleOp module, size_t at,
                                      function_ref<bool(ModuleOp)> fails,
                                      int &budget) {
  Operation *original = listOperations(module)[at];
  if (isa<moe::TapOp>(original)) {
    OwningOpRef<ModuleOp> trial = module.clone();
    listOperations(*trial)[at]->erase();
    --budget;
    return fails(*trial) ? std::move(trial) : nullptr;
  }
  for (OpResult result : original->getResults()) {
    if (result.use_empty())
      continue;
    size_t choices = findSubstitutes(original, result.getType()).size();
    for (size_t choice = 0; choice < choices && budget > 0; ++choice) {
      OwningOpRef<ModuleOp> trial = module.clone();
      Operation *op = listOperations(*trial)[at];
      op->getResult(result.getResultNumber())
          .replaceAllUsesWith(findSubstitutes(op, result.getType())[choice]);
      eraseUnused(*trial);
      if (failed(verify(*trial)))
        continue;
      --budget;
      if (fails(*trial))
        return trial;
    }
  }
  return nullptr;
}

OwningOpRef<ModuleOp>
reduceGraph(ModuleOp module, function_ref<bool(ModuleOp)> fails, int budget) {
  OwningOpRef<ModuleOp> best = module.clone();
  // From the end: it takes the most with it.
  for (size_t at = listOperations(*best).size(); at > 0 && budget > 0;) {
    if (auto simpler = simplify(*best, --at, fails, budget)) {
      best = std::move(simpler);
      at = listOperations(*best).size();
    }
  }
  return best;
}

} // namespace moec::test
