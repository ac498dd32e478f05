// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Quantised tensors of a checkpoint: what all formats share. Private to this
// folder.

#ifndef MOEC_WEIGHTS_QUANTIZEDNODE_H
#define MOEC_WEIGHTS_QUANTIZEDNODE_H

#include "dialects/moe/Moe.h"
#include "weights/ParameterNodes.h"
#include "weights/encodings/Blocks.h"

namespace moec {

/// Reads a quantised matrix `[.., columns, depth]` in the common form.
class QuantizedTensor {
public:
  QuantizedTensor(Shape shape, BlockForm form)
      : shape(std::move(shape)), form(form) {}
  virtual ~QuantizedTensor() = default;

  /// Some rows; the block's columns begin and end at the form's blocks (or at
  /// the end of the row). The codes, and the scales and offsets, of a row stand
  /// behind those of the row before.
  virtual llvm::Error read(const RowBlock &block, BlockRow out) const = 0;

  int64_t getDepth() const { return shape.back(); }
  /// Scales of `columns` elements.
  int64_t numScales(int64_t columns) const {
    return (columns + form.block - 1) / form.block;
  }

  const Shape shape;
  const BlockForm form;
};

/// Opens the tensors of `attr` and checks them against each other.
llvm::Expected<std::unique_ptr<QuantizedTensor>>
openQuantized(moe::QuantizedAttr attr, SourceFiles &files);

/// The node for one component of `attr`; `element` is the type of the values,
/// for Component::Values only.
llvm::Expected<ParameterNodePtr> buildQuantizedNode(moe::QuantizedAttr attr,
                                                    Component component,
                                                    mlir::Type element,
                                                    SourceFiles &files);

/// The node of an operand, with the shape that it has.
llvm::Expected<ParameterNodePtr>
openOperand(mlir::Attribute value, mlir::Type element, SourceFiles &files);

/// Whether, and how, floats of `type` become f32.
bool canWiden(mlir::Type type);
void widenFloats(mlir::Type type, const char *from, int64_t count, float *out);

/// The element type of the tensors that `value` is made of.
llvm::Expected<mlir::Type> getStoredType(mlir::Attribute value,
                                         SourceFiles &files);

} // namespace moec

#endif // MOEC_WEIGHTS_QUANTIZEDNODE_H
