// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Modules of functions of one float matrix with T rows, compiled and
// interpreted in this process.

#ifndef MOEC_TEST_DIFFERENTIAL_COMPILED_H
#define MOEC_TEST_DIFFERENTIAL_COMPILED_H

#include "codegen/cpu/Pipeline.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/IR/OwningOpRef.h"
#include "reference/Reference.h"
#include "test/codegen/cpu/Harness.h"
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace moec::test {

/// All dialects, the test policy and what code generation needs.
mlir::DialectRegistry makeRegistry();

/// The value of a global in the module's encoding.
std::vector<char> readGlobal(mlir::ModuleOp module, llvm::StringRef name);

/// `tokens` rows of normal numbers, drawn with `seed`.
std::vector<float> drawInput(int64_t tokens, int64_t columns, unsigned seed);

/// The function's results by the reference interpreter; none if it failed.
/// `tap` receives the taps.
std::vector<reference::Tensor>
interpret(mlir::ModuleOp module, llvm::StringRef function,
          const std::vector<float> &input, int64_t columns,
          std::function<void(llvm::StringRef, mlir::RankedTensorType,
                             const reference::Tensor &)>
              tap = nullptr);

/// What differs between results; empty: floats are within 1e-4 of the largest,
/// integers equal.
std::string compareResults(mlir::func::FuncOp function,
                           const std::vector<reference::Tensor> &got,
                           const std::vector<reference::Tensor> &wanted);

/// Machine code of all functions of a module, and the parameters' values.
class Compiled {
public:
  /// Leaves out the passes named in `disabled`. Errors are diagnostics. With
  /// `seen`, functions whose grouped form is in it are not compiled; the other
  /// forms are added.
  static std::unique_ptr<Compiled>
  compile(mlir::ModuleOp source, const std::string &level,
          std::vector<std::string> disabled,
          std::set<std::string> *seen = nullptr);

  /// Runs function number `index` on `workers` threads; results as bytes.
  std::vector<std::vector<char>> run(size_t index, std::vector<float> input,
                                     uint32_t workers);
  /// The results as tensors.
  std::vector<reference::Tensor>
  read(size_t index, int64_t tokens,
       const std::vector<std::vector<char>> &results);

  /// The module after the passes on the grouped dialect.
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::vector<cpu::FunctionSignature> functions;

private:
  std::unique_ptr<cpu::test::Library> library;
  /// Of each function, as compiled code reads them: 64-byte aligned.
  std::vector<std::vector<std::vector<char>>> parameters;
};

} // namespace moec::test

#endif // MOEC_TEST_DIFFERENTIAL_COMPILED_H
