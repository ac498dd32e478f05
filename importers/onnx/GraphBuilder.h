// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the operators of an ONNX graph are built of. All floating-point values
// are f32: tensors of other types are converted where they are read.

#ifndef MOEC_IMPORTERS_ONNX_GRAPHBUILDER_H
#define MOEC_IMPORTERS_ONNX_GRAPHBUILDER_H

#include "importers/LayerBuilder.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "weights/Onnx.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <map>

namespace moec::onnx {

using Sizes = llvm::SmallVector<mlir::OpFoldResult>;

/// A value of the graph. Sizes that are equal by the graph's own symbols are
/// equal here, too, so that broadcasting is decided when importing.
struct Tensor {
  mlir::Value value;
  Sizes sizes;

  int64_t rank() const { return static_cast<int64_t>(sizes.size()); }
  mlir::Type element() const {
    return mlir::cast<mlir::RankedTensorType>(value.getType()).getElementType();
  }
};

using Scalars = llvm::function_ref<mlir::Value(mlir::ImplicitLocOpBuilder &,
                                               mlir::ValueRange)>;

class GraphBuilder {
public:
  GraphBuilder(mlir::ModuleOp module, const OnnxFile &file,
               llvm::StringRef fileName)
      : builder(module.getLoc(), module.getContext()), module(module),
        file(file), fileName(fileName) {}

  mlir::ImplicitLocOpBuilder &getBuilder() { return builder; }
  const OnnxFile &getFile() const { return file; }

  /// Begins the function: one argument for each input that no initialiser sets.
  llvm::Error begin();
  /// Ends the function with the graph's outputs.
  llvm::Error finish();

  /// The value of this name: of a node, an input or an initialiser.
  llvm::Expected<Tensor> find(llvm::StringRef name);
  void define(llvm::StringRef name, Tensor value);

  /// The parameter that is an initialiser or made of one. `shape` is that of
  /// the value.
  Tensor load(llvm::StringRef name, const ParameterSpec &parameter,
              llvm::ArrayRef<int64_t> shape);
  /// The initialiser of this name as a parameter, or nothing.
  std::optional<ParameterSpec> getParameter(llvm::StringRef name) const;

  mlir::OpFoldResult index(int64_t size) { return builder.getIndexAttr(size); }
  mlir::OpFoldResult multiply(mlir::OpFoldResult a, mlir::OpFoldResult b);
  mlir::Value toValue(mlir::OpFoldResult size);

  mlir::Value number(double value);
  Tensor empty(const Sizes &sizes, mlir::Type element);
  Tensor zeros(const Sizes &sizes);
  /// Numpy's broadcasting; inputs may differ in element type. Error: sizes that
  /// do not fit.
  llvm::Expected<Tensor> elementwise(llvm::ArrayRef<Tensor> inputs,
                                     mlir::Type element, Scalars body);
  /// Sum of `body(x)` over the last dimension.
  Tensor reduceLast(const Tensor &input, Scalars body);
  Tensor toFloat32(const Tensor &input);
  /// Rows: all dimensions but the last one become one, and back.
  Tensor collapseRows(const Tensor &input);
  Tensor expandRows(const Tensor &rows, const Tensor &like);
  /// The same elements in other sizes, which have as many.
  Tensor reshape(const Tensor &input, const Sizes &sizes);
  /// [M, K] times [N, K] transposed.
  Tensor multiplyTransposed(const Tensor &rows, const Tensor &weight);

private:
  struct Symbol {
    std::string name;
    mlir::Value size;
  };

  llvm::Error fail(const llvm::Twine &text) const;
  llvm::Expected<mlir::Type> getElementType(int64_t onnxType,
                                            const llvm::Twine &where);
  mlir::DictionaryAttr describe(llvm::StringRef name, const Sizes &sizes,
                                const OnnxValue &value);
  std::string nameOf(mlir::OpFoldResult size) const;

  mlir::ImplicitLocOpBuilder builder;
  mlir::ModuleOp module;
  const OnnxFile &file;
  std::string fileName;
  mlir::func::FuncOp function;
  std::map<std::string, Tensor, std::less<>> values;
  /// Sizes by name, products among them ("b*s").
  std::vector<Symbol> symbols;
};

} // namespace moec::onnx

#endif // MOEC_IMPORTERS_ONNX_GRAPHBUILDER_H
