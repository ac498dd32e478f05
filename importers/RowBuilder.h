// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Emits what layers are made of: operations on rows [n, width] in f32, and
// parameters.

#ifndef MOEC_IMPORTERS_ROWBUILDER_H
#define MOEC_IMPORTERS_ROWBUILDER_H

#include "importers/LayerSpec.h"
#include "importers/Scalar.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/StringMap.h"

namespace moec {

class RowBuilder {
public:
  using Value = mlir::Value;
  using Body = llvm::function_ref<Value(Scalar, mlir::ValueRange)>;

  /// Emits at the start of `function`'s first block, and parameters before it.
  RowBuilder(mlir::func::FuncOp function, llvm::StringRef prefix);

  mlir::ImplicitLocOpBuilder builder;

  mlir::RankedTensorType rowsOf(int64_t width, mlir::Type element) {
    return mlir::RankedTensorType::get({mlir::ShapedType::kDynamic, width},
                                       element);
  }
  mlir::RankedTensorType rowsOf(int64_t width) {
    return rowsOf(width, builder.getF32Type());
  }

  /// The value of the parameter PREFIX.name, which is declared when it is asked
  /// for first.
  Value parameter(llvm::StringRef name, const ParameterSpec &spec,
                  llvm::ArrayRef<int64_t> shape);

  /// From now on rows are as many as `rows` has; returns the number before.
  Value countRowsOf(Value rows);
  Value getNumRows() const { return numRows; }
  void setNumRows(Value count) { numRows = count; }

  Value index(int64_t value);
  /// Uninitialised rows.
  Value empty(int64_t width);
  Value zeros(int64_t width);

  /// rows . weight^T, for a weight [out, in] of any float type; plus a bias
  /// [out].
  Value linear(Value rows, Value weight, Value bias = nullptr);

  /// Elementwise on equally many rows. The first input gives the width. An
  /// input of one column, or of rank 1 with dynamic size, is the same for all
  /// columns; one of rank 1 with static size the same for all rows. Floats of
  /// 16 bits arrive as f32.
  Value elementwise(llvm::ArrayRef<Value> inputs, Body body,
                    mlir::Type element = nullptr);

  /// The sum of each row [n] of `term` of the elements.
  Value sumRows(Value rows, llvm::function_ref<Value(Scalar, Value)> term);
  Value softmax(Value rows);
  /// Columns [begin, begin + width).
  Value columns(Value rows, int64_t begin, int64_t width);
  Value norm(Value rows, const RmsNormSpec &spec, Value scale);
  Value scale(Value rows, double factor);

  /// gate, its bias, up, its bias, down, its bias: those that there are.
  struct FeedForward {
    Value gate, gateBias, up, upBias, down, downBias;
  };
  FeedForward declare(llvm::StringRef name, const FeedForwardSpec &spec,
                      int64_t width, llvm::ArrayRef<int64_t> stack = {});
  /// The network on rows; `factor` [n, 1] multiplies before the last
  /// projection.
  Value feedForward(Value rows, const FeedForward &weights,
                    const FeedForwardBody &body, Value factor = nullptr);

private:
  mlir::func::FuncOp function;
  std::string prefix;
  llvm::StringMap<Value> parameters;
  Value numRows;
};

} // namespace moec

#endif // MOEC_IMPORTERS_ROWBUILDER_H
