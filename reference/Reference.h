// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The plain interpreter of the input contract (dialects/moe/InputContract.h):
// what a module means. It computes in double and rounds each operation's result
// to its element type; inside the body of a linalg operation nothing is rounded
// but by truncf. Written to be obvious, never to be fast.

#ifndef MOEC_REFERENCE_REFERENCE_H
#define MOEC_REFERENCE_REFERENCE_H

#include "mlir/IR/BuiltinOps.h"
#include "reference/Value.h"
#include "llvm/ADT/StringMap.h"
#include <functional>

namespace moec::reference {

/// Where the interpreter gets parameters and hands taps.
struct Host {
  /// Gives the row-major bytes of the ml_program.global `symbol`, whose value
  /// is a `moe` attribute, in the layout of its type; asked once for each
  /// symbol. Failure stops the run.
  std::function<llvm::LogicalResult(llvm::StringRef symbol,
                                    mlir::RankedTensorType type,
                                    std::shared_ptr<const void> &bytes)>
      getParameter;
  /// Receives each `moe.tap`; may be empty.
  std::function<void(llvm::StringRef name, mlir::RankedTensorType type,
                     const Tensor &value)>
      tap;
  /// Values of states, by symbol: a run takes over those that are there, begins
  /// others with zeros, and leaves what it stored. Null: a session of one run.
  llvm::StringMap<std::shared_ptr<Tensor>> *state = nullptr;
};

/// Runs a function of the module. Scalar arguments and results are tensors of
/// rank 0. Errors are diagnostics at the operation in question.
llvm::LogicalResult runReference(mlir::ModuleOp module,
                                 llvm::StringRef function,
                                 llvm::ArrayRef<Tensor> arguments,
                                 const Host &host,
                                 llvm::SmallVectorImpl<Tensor> &results);

/// Whether the interpreter can run operations of this name.
bool interprets(llvm::StringRef operationName);

} // namespace moec::reference

#endif // MOEC_REFERENCE_REFERENCE_H
