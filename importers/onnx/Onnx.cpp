// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "importers/onnx/Onnx.h"
#include "importers/onnx/Operators.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Path.h"
#include <set>

using namespace moec;
using namespace moec::onnx;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

/// "" for ONNX's own.
static std::string getDomain(const OnnxNode &node) {
  return node.domain == "ai.onnx" ? std::string() : node.domain;
}

static const Operator *findOperator(const OnnxNode &node) {
  std::string domain = getDomain(node);
  for (llvm::ArrayRef<Operator> group :
       {getElementwiseOperators(), getShapeOperators(), getIndexOperators(),
        getMatrixOperators(), getNormalizationOperators(),
        getExpertOperators()})
    for (const Operator &candidate : group)
      if (candidate.domain == domain && candidate.type == node.type)
        return &candidate;
  return nullptr;
}

static Error importGraph(GraphBuilder &graph) {
  if (Error error = graph.begin())
    return error;
  std::set<StringRef> defined;
  const OnnxGraph &onnxGraph = graph.getFile().getGraph();
  for (const OnnxNode &onnxNode : onnxGraph.nodes) {
    Node node(onnxNode, graph);
    const Operator *found = findOperator(onnxNode);
    if (!found)
      return node.fail("the operator" +
                       (onnxNode.domain.empty()
                            ? llvm::Twine()
                            : " of domain '" + onnxNode.domain + "'") +
                       " is not supported");
    if (!onnxGraph.opsets.count(getDomain(onnxNode)))
      return node.fail("the model's opset_import has no version of the "
                       "operators of domain '" +
                       getDomain(onnxNode) + "'");
    for (const std::string &output : onnxNode.outputs)
      if (!output.empty() && !defined.insert(output).second)
        return node.fail("'" + output + "' is defined twice");
    if (Error error = found->emit(node))
      return error;
  }
  return graph.finish();
}

Expected<mlir::OwningOpRef<mlir::ModuleOp>>
moec::onnx::importModel(StringRef path, const ImportOptions &,
                        mlir::MLIRContext &context) {
  Expected<OnnxFile> file = OnnxFile::open(path);
  if (!file)
    return file.takeError();
  mlir::OwningOpRef<mlir::ModuleOp> module =
      mlir::ModuleOp::create(mlir::UnknownLoc::get(&context));
  GraphBuilder graph(*module, *file, llvm::sys::path::filename(path));
  if (Error error = importGraph(graph))
    return error;
  return module;
}
