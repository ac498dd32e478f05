// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The operators that are understood, one function each, grouped by file.

#ifndef MOEC_IMPORTERS_ONNX_OPERATORS_H
#define MOEC_IMPORTERS_ONNX_OPERATORS_H

#include "importers/onnx/Node.h"

namespace moec::onnx {

struct Operator {
  const char *domain; ///< "" is ONNX's own
  const char *type;
  /// Defines the node's outputs. The error names the node.
  llvm::Error (*emit)(const Node &node);
};

llvm::ArrayRef<Operator> getElementwiseOperators();
llvm::ArrayRef<Operator> getShapeOperators();
llvm::ArrayRef<Operator> getIndexOperators();
llvm::ArrayRef<Operator> getMatrixOperators();
llvm::ArrayRef<Operator> getNormalizationOperators();
llvm::ArrayRef<Operator> getExpertOperators();

} // namespace moec::onnx

#endif // MOEC_IMPORTERS_ONNX_OPERATORS_H
