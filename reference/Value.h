// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a name of the interpreted program stands for.

#ifndef MOEC_REFERENCE_VALUE_H
#define MOEC_REFERENCE_VALUE_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/SmallVector.h"
#include <cstdint>
#include <memory>
#include <vector>

namespace moec::reference {

/// One number; its MLIR type says which member is alive: `real` for floats,
/// `integer` for index and integers (sign extended, but i1 is 0 or 1).
union Scalar {
  double real;
  int64_t integer;
};

inline Scalar makeReal(double value) { return Scalar{.real = value}; }
inline Scalar makeInteger(int64_t value) { return Scalar{.integer = value}; }

/// A tensor, or the memory of a memref, in row-major order.
struct Tensor {
  llvm::SmallVector<int64_t> shape;
  std::vector<Scalar> data;

  int64_t rank() const { return shape.size(); }
  /// Elements in one entry of dimension 0.
  int64_t rowSize() const;
};

/// Number of elements of a shape.
int64_t numElements(llvm::ArrayRef<int64_t> shape);

/// Row-major strides of a shape, in elements.
llvm::SmallVector<int64_t> stridesOf(llvm::ArrayRef<int64_t> shape);

/// A routing plan: row `r` is the assignment of `tokens[r]` in slot `slots[r]`;
/// expert `e` has the rows `offsets[e]` up to `offsets[e + 1]`.
struct Plan {
  std::vector<int64_t> offsets;
  std::vector<int64_t> tokens;
  std::vector<int64_t> slots;

  int64_t rows() const { return tokens.size(); }
};

/// The value of a parameter as the host gave it: row-major elements in the
/// memory layout of the type. Decoded where it is read, since a layer reads few
/// slices of a large stack.
struct Parameter {
  mlir::RankedTensorType type;
  std::shared_ptr<const void> bytes;
};

/// A value of the program: a scalar, a tensor (never changed once made), the
/// shared memory of a memref, a plan, or a parameter not yet decoded.
struct RuntimeValue {
  Scalar scalar = makeInteger(0);
  std::shared_ptr<Tensor> tensor;
  std::shared_ptr<const Plan> plan;
  std::shared_ptr<const Parameter> parameter = nullptr;
};

/// The number rounded to the type: floats to nearest even, integers wrapped.
Scalar roundTo(mlir::Type type, Scalar value);

/// Rounds every element to the element type.
void roundAll(mlir::Type elementType, Tensor &tensor);

/// Undefined contents: NaN in float tensors, so that reading them shows.
Tensor makeUndefined(mlir::Type elementType, llvm::ArrayRef<int64_t> shape);

/// The value of a constant: an integer, float or dense elements attribute.
RuntimeValue fromAttribute(mlir::TypedAttr attribute);

/// Bytes of one element in memory; i1 takes one byte.
int64_t elementBytes(mlir::Type elementType);

/// Reads and writes row-major elements in the memory layout of the type.
Tensor fromBytes(mlir::Type elementType, llvm::ArrayRef<int64_t> shape,
                 const void *bytes);
void toBytes(mlir::Type elementType, const Tensor &tensor, void *bytes);

} // namespace moec::reference

#endif // MOEC_REFERENCE_VALUE_H
