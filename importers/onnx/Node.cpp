// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "importers/onnx/Node.h"
#include "llvm/ADT/Twine.h"

using namespace moec;
using namespace moec::onnx;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

llvm::Error Node::fail(const Twine &text) const {
  std::string name = node.name;
  if (name.empty() && !node.outputs.empty())
    name = node.outputs.front();
  return llvm::createStringError(Twine(graph.getFile().getTensors().getPath()) +
                                 ": node '" + name + "' (" + node.type +
                                 "): " + text);
}

Expected<Tensor> Node::explain(Expected<Tensor> value) const {
  if (value)
    return value;
  return fail(llvm::toString(value.takeError()));
}

Expected<Tensor> Node::getInput(size_t index) const {
  if (!hasInput(index))
    return fail("input " + Twine(index) + " is missing");
  return graph.find(node.inputs[index]);
}

Expected<std::vector<int64_t>> Node::getIntegers(size_t index) const {
  if (!hasInput(index))
    return fail("input " + Twine(index) + " is missing");
  auto values = graph.getFile().readIntegers(node.inputs[index]);
  if (!values)
    return fail("expected input '" + node.inputs[index] +
                "' to be a constant of a few integers");
  return std::move(*values);
}

int64_t Node::getInteger(StringRef name, int64_t otherwise) const {
  auto found = node.attributes.find(name.str());
  return found == node.attributes.end() ? otherwise : found->second.integer;
}

double Node::getReal(StringRef name, double otherwise) const {
  auto found = node.attributes.find(name.str());
  return found == node.attributes.end() ? otherwise : found->second.real;
}

std::string Node::getText(StringRef name, StringRef otherwise) const {
  auto found = node.attributes.find(name.str());
  return found == node.attributes.end() ? otherwise.str() : found->second.text;
}

std::optional<llvm::SmallVector<int64_t>>
Node::getIntegerList(StringRef name) const {
  auto found = node.attributes.find(name.str());
  if (found == node.attributes.end())
    return std::nullopt;
  return found->second.integers;
}

Expected<int64_t> Node::getAxis(int64_t axis, int64_t rank) const {
  if (axis < -rank || axis >= rank)
    return fail("axis " + Twine(axis) + " is not one of " + Twine(rank) +
                " dimensions");
  return axis < 0 ? axis + rank : axis;
}

void Node::setOutput(size_t index, Tensor value) const {
  if (index < node.outputs.size() && !node.outputs[index].empty())
    graph.define(node.outputs[index], std::move(value));
}
