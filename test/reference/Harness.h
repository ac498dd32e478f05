// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs a function of a module given as text.

#ifndef MOEC_TEST_REFERENCE_HARNESS_H
#define MOEC_TEST_REFERENCE_HARNESS_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/OwningOpRef.h"
#include "reference/Reference.h"
#include <string>
#include <vector>

namespace moec::reference {

class Program {
public:
  explicit Program(llvm::StringRef text);

  mlir::MLIRContext &getContext() { return context; }
  mlir::ModuleOp getModule() { return module.get(); }
  /// Errors of parsing and running, a line each.
  const std::string &getErrors() const { return errors; }

  /// Runs @main; nothing after an error.
  std::vector<Tensor> run(llvm::ArrayRef<Tensor> arguments,
                          const Host &host = {});

private:
  mlir::MLIRContext context;
  std::string errors;
  mlir::ScopedDiagnosticHandler handler;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

Tensor reals(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<double> values);
Tensor integers(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> values);
std::vector<double> realsOf(const Tensor &tensor);
std::vector<int64_t> integersOf(const Tensor &tensor);

} // namespace moec::reference

#endif // MOEC_TEST_REFERENCE_HARNESS_H
