// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/Cpu.h"
#include "codegen/cpu/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringMap.h"

namespace moec::cpu {
#define GEN_PASS_DEF_CPUSHARETASKSPASS
#include "codegen/cpu/Passes.h.inc"
} // namespace moec::cpu

using namespace mlir;
using namespace moec::cpu;

/// The text of a function without its name.
static std::string printNameless(func::FuncOp function) {
  StringAttr name = function.getSymNameAttr();
  function->setAttr(SymbolTable::getSymbolAttrName(),
                    StringAttr::get(function.getContext(), "task"));
  std::string text;
  llvm::raw_string_ostream stream(text);
  function.print(stream, OpPrintingFlags().useLocalScope());
  function->setAttr(SymbolTable::getSymbolAttrName(), name);
  return text;
}

namespace {
struct ShareTasks : moec::cpu::impl::CpuShareTasksPassBase<ShareTasks> {
  void runOnOperation() override {
    llvm::StringMap<FlatSymbolRefAttr> seen;
    llvm::DenseMap<StringAttr, FlatSymbolRefAttr> replacements;
    SymbolTable symbols(getOperation());
    SmallVector<ParallelForOp> loops;
    getOperation().walk([&](ParallelForOp op) { loops.push_back(op); });
    for (ParallelForOp loop : loops) {
      StringAttr name = loop.getTaskAttr().getAttr();
      auto [known, isNew] = replacements.try_emplace(name, loop.getTaskAttr());
      if (isNew) {
        auto task = symbols.lookup<func::FuncOp>(name);
        auto [first, isFirst] =
            seen.try_emplace(printNameless(task), loop.getTaskAttr());
        known->second = first->second;
        if (!isFirst)
          symbols.erase(task);
      }
      loop.setTaskAttr(known->second);
    }
  }
};
} // namespace
