// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The graph of an ONNX model and the places of its tensors; field numbers are
// those of onnx.proto. Nothing in the file is trusted, weights are not read.

#ifndef MOEC_WEIGHTS_ONNX_H
#define MOEC_WEIGHTS_ONNX_H

#include "weights/Protobuf.h"
#include "weights/TensorFile.h"
#include <map>
#include <vector>

namespace moec {

/// An attribute of a node: the fields that its type uses.
struct OnnxAttribute {
  float real = 0;
  int64_t integer = 0;
  std::string text;
  llvm::SmallVector<int64_t> integers;
  /// A tensor is kept in the file's tensors under this name.
  std::string tensor;
};

struct OnnxNode {
  std::string type, domain, name;
  std::vector<std::string> inputs, outputs; ///< "" where one is left out
  std::map<std::string, OnnxAttribute> attributes;
};

/// An input or output of the graph.
struct OnnxValue {
  std::string name;
  int64_t elementType = 0; ///< of TensorProto.DataType
  bool hasShape = false;
  /// A size, or the name of one that is not fixed ("" for none).
  std::vector<std::pair<int64_t, std::string>> dims;
};

struct OnnxGraph {
  std::vector<OnnxNode> nodes;
  std::vector<OnnxValue> inputs, outputs;
  /// Versions of the operator sets that the model imports, by domain; "" is
  /// ONNX's own.
  std::map<std::string, int64_t> opsets;
};

class OnnxFile {
public:
  /// Opens `path`. Errors name the file, and the node or tensor where there is
  /// one: messages that end early, sizes that do not fit, data beyond its file,
  /// external files outside the model's directory, repeated names.
  static llvm::Expected<OnnxFile> open(llvm::StringRef path);

  const OnnxGraph &getGraph() const { return graph; }
  /// Initialisers, and tensors of attributes, with safetensors' dtype names.
  const TensorFile &getTensors() const { return *tensors; }
  std::unique_ptr<TensorFile> takeTensors() { return std::move(tensors); }
  /// The elements of a small integer tensor, or nothing if there is none of
  /// this name.
  std::optional<std::vector<int64_t>> readIntegers(llvm::StringRef name) const;

private:
  explicit OnnxFile(std::unique_ptr<TensorFile> tensors)
      : tensors(std::move(tensors)) {}

  std::unique_ptr<TensorFile> tensors;
  OnnxGraph graph;
  /// Tensors whose elements are numbers of the message and not bytes.
  std::map<std::string, std::vector<int64_t>, std::less<>> integers;

  friend class OnnxParser;
};

} // namespace moec

#endif // MOEC_WEIGHTS_ONNX_H
