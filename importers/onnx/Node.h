// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One node as its operator sees it.

#ifndef MOEC_IMPORTERS_ONNX_NODE_H
#define MOEC_IMPORTERS_ONNX_NODE_H

#include "importers/onnx/GraphBuilder.h"

namespace moec::onnx {

class Node {
public:
  Node(const OnnxNode &node, GraphBuilder &graph) : node(node), graph(graph) {}

  GraphBuilder &getGraph() const { return graph; }
  llvm::StringRef getType() const { return node.type; }
  bool hasInput(size_t index) const {
    return index < node.inputs.size() && !node.inputs[index].empty();
  }
  llvm::StringRef getInputName(size_t index) const {
    return node.inputs[index];
  }
  /// Error: the input is left out or nothing defines it.
  llvm::Expected<Tensor> getInput(size_t index) const;
  /// A constant input of integers.
  llvm::Expected<std::vector<int64_t>> getIntegers(size_t index) const;

  int64_t getInteger(llvm::StringRef name, int64_t otherwise) const;
  double getReal(llvm::StringRef name, double otherwise) const;
  std::string getText(llvm::StringRef name, llvm::StringRef otherwise) const;
  std::optional<llvm::SmallVector<int64_t>>
  getIntegerList(llvm::StringRef name) const;

  /// An axis in [0, rank), counted from the end if it is negative.
  llvm::Expected<int64_t> getAxis(int64_t axis, int64_t rank) const;

  void setOutput(size_t index, Tensor value) const;
  /// "FILE: node 'NAME' (TYPE): TEXT"
  llvm::Error fail(const llvm::Twine &text) const;
  /// The value, or its error with the node named.
  llvm::Expected<Tensor> explain(llvm::Expected<Tensor> value) const;

private:
  const OnnxNode &node;
  GraphBuilder &graph;
};

} // namespace moec::onnx

#endif // MOEC_IMPORTERS_ONNX_NODE_H
