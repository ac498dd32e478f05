// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/differential/ReduceGraph.h"
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
    for (Operation *op : llvm::reverse(listOperations(module)))
      if (op->use_empty() && !isa<func::FuncOp>(op) &&
          !op->hasTrait<OpTrait::IsTerminator>() &&
          op->getName().getStringRef() != "moe.tap") {
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

OwningOpRef<ModuleOp>
reduceGraph(ModuleOp module, function_ref<bool(ModuleOp)> fails, int budget) {
  OwningOpRef<ModuleOp> best = module.clone();
  for (bool changed = true; changed && budget > 0;) {
    changed = false;
    // From the end: it takes the most with it.
    for (size_t back = 1; back <= listOperations(*best).size(); ++back) {
      SmallVector<Operation *> operations = listOperations(*best);
      size_t at = operations.size() - back;
      if (operations[at]->getName().getStringRef() == "moe.tap") {
        OwningOpRef<ModuleOp> trial = best->clone();
        listOperations(*trial)[at]->erase();
        if (budget-- > 0 && fails(*trial)) {
          best = std::move(trial);
          changed = true;
        }
        continue;
      }
      for (unsigned r = 0; r < operations[at]->getNumResults(); ++r)
        for (unsigned choice = 0; budget > 0; ++choice) {
          OwningOpRef<ModuleOp> trial = best->clone();
          Operation *op = listOperations(*trial)[at];
          auto values = findSubstitutes(op, op->getResult(r).getType());
          if (choice >= values.size() || op->getResult(r).use_empty())
            break;
          op->getResult(r).replaceAllUsesWith(values[choice]);
          eraseUnused(*trial);
          if (failed(verify(*trial)))
            continue;
          --budget;
          if (!fails(*trial))
            continue;
          best = std::move(trial);
          changed = true;
          break;
        }
      if (changed)
        break;
    }
  }
  return best;
}

} // namespace moec::test
