// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/KernelFunction.h"
#include "mlir/IR/BuiltinOps.h"

using namespace mlir;

void moec::cpu::callKernel(ImplicitLocOpBuilder &b, StringRef name,
                           ValueRange arguments,
                           llvm::function_ref<void(func::FuncOp)> body) {
  auto module =
      b.getInsertionBlock()->getParentOp()->getParentOfType<ModuleOp>();
  auto type = b.getFunctionType(arguments.getTypes(), {});
  // Kernels of one name differ in their types: element, row stride.
  func::FuncOp function;
  for (unsigned number = 0;; ++number) {
    std::string symbol = (name + "_" + llvm::Twine(number)).str();
    function = module.lookupSymbol<func::FuncOp>(symbol);
    if (function && function.getFunctionType() != type)
      continue;
    if (!function) {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToEnd(module.getBody());
      function = func::FuncOp::create(b, symbol, type);
      function.setPrivate();
      b.setInsertionPointToStart(function.addEntryBlock());
      body(function);
      func::ReturnOp::create(b);
    }
    break;
  }
  func::CallOp::create(b, function, arguments);
}
