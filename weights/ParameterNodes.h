// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The expression tree behind a ParameterReader: private to this folder.

#ifndef MOEC_WEIGHTS_PARAMETERNODES_H
#define MOEC_WEIGHTS_PARAMETERNODES_H

#include "weights/ParameterReader.h"
#include "llvm/ADT/SmallVector.h"

namespace moec {

using Shape = llvm::SmallVector<int64_t, 4>;

class ParameterReader::Node {
public:
  Node(Shape shape, int64_t elementSize)
      : shape(std::move(shape)), elementSize(elementSize) {}
  virtual ~Node() = default;

  /// Writes a block; rows of `out` are `stride` bytes apart.
  virtual llvm::Error read(const RowBlock &block, char *out,
                           int64_t stride) const = 0;

  int64_t getNumColumns() const { return shape.empty() ? 1 : shape.back(); }

  const Shape shape;
  const int64_t elementSize;
};

using ParameterNodePtr = std::unique_ptr<ParameterReader::Node>;

/// Makes the tree of `value`. Dimensions of `expected` that are
/// ShapedType::kDynamic are filled from the files.
llvm::Expected<ParameterNodePtr>
buildParameterNode(mlir::Attribute value, Shape expected, mlir::Type element,
                   SourceFiles &files, Component component = Component::Values);

} // namespace moec

#endif // MOEC_WEIGHTS_PARAMETERNODES_H
