// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the public functions of a module look like to a host.

#ifndef MOEC_CODEGEN_CPU_SIGNATURE_H
#define MOEC_CODEGEN_CPU_SIGNATURE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include <optional>
#include <string>
#include <vector>

namespace moec::cpu {

/// A fixed size, or the name of a dynamic one. Equal names are equal sizes; a
/// result's size may be the product of several, "B*S".
struct Dimension {
  int64_t size = 0;
  std::string symbol; ///< when not empty, `size` is meaningless
};

struct TensorSignature {
  std::string name;
  int32_t dtype = 0; ///< a moec_dtype
  std::vector<Dimension> dims;
};

struct FunctionSignature {
  std::string name; ///< "layers.0.moe"
  std::vector<TensorSignature> arguments;
  std::vector<TensorSignature> results;
  /// Symbols of the globals, in the order of moec_frame::parameters.
  std::vector<std::string> parameters;
  /// Those of the session, in the order of moec_frame::states; named like their
  /// globals.
  std::vector<TensorSignature> states;
  /// Name of the dimension that it adds to what states count, or empty.
  std::string appends;
  /// Names of the values that it hands to the host's tap.
  std::vector<std::string> taps;
  /// C symbols of the code: those of the function itself, or of one that
  /// differs in names only.
  std::string entry, workspace;
};

/// The moec_dtype of an element type.
std::optional<int32_t> getDtype(mlir::Type type);

/// Reads the signature from a function on tensors (results not yet arguments)
/// or on buffers (marked moe.result), after cpu-globals-to-arguments. A dynamic
/// dimension of an argument without a name in moe.dims gets one of its own; one
/// of a result without a name, or with a factor that no argument has, is an
/// error.
mlir::FailureOr<FunctionSignature> getSignature(mlir::func::FuncOp function);

/// Every character that is not alphanumeric becomes '_'.
std::string cName(llvm::StringRef name);

/// A named dynamic size and where a caller first gives it.
struct SizeSymbol {
  std::string name;
  unsigned argument; ///< position among the function's block arguments
  unsigned dimension;
};

/// The size that a symbol stands for: that of its name, or the product of the
/// sizes of its factors. Null if one is not in `sizes`.
mlir::Value getSize(mlir::OpBuilder &builder, mlir::Location loc,
                    llvm::StringRef symbol,
                    const llvm::StringMap<mlir::Value> &sizes);

/// The symbols of a signature, in the order in which arguments mention them.
std::vector<SizeSymbol> getSizeSymbols(mlir::func::FuncOp function,
                                       const FunctionSignature &signature);

} // namespace moec::cpu

#endif // MOEC_CODEGEN_CPU_SIGNATURE_H
