// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "reference/Value.h"
#include "llvm/ADT/APFloat.h"
#include <bit>
#include <cstring>
#include <limits>

using namespace mlir;

namespace moec::reference {

int64_t Tensor::rowSize() const {
  return numElements(llvm::ArrayRef(shape).drop_front());
}

int64_t numElements(ArrayRef<int64_t> shape) {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  return count;
}

SmallVector<int64_t> stridesOf(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size(), 1);
  for (int64_t dim = static_cast<int64_t>(shape.size()) - 2; dim >= 0; --dim)
    strides[dim] = strides[dim + 1] * shape[dim + 1];
  return strides;
}

static unsigned widthOf(Type type) {
  return type.isIndex() ? 64 : type.getIntOrFloatBitWidth();
}

static Scalar wrap(unsigned width, uint64_t bits) {
  if (width == 1)
    return makeInteger(bits & 1);
  if (width >= 64)
    return makeInteger(static_cast<int64_t>(bits));
  unsigned shift = 64 - width;
  return makeInteger(static_cast<int64_t>(bits << shift) >> shift);
}

static APFloat convert(Type type, double value) {
  APFloat number(value);
  bool losesInfo;
  number.convert(cast<FloatType>(type).getFloatSemantics(),
                 APFloat::rmNearestTiesToEven, &losesInfo);
  return number;
}

Scalar roundTo(Type type, Scalar value) {
  if (type.isF64())
    return value;
  if (type.isF32())
    return makeReal(static_cast<float>(value.real));
  if (isa<FloatType>(type))
    return makeReal(convert(type, value.real).convertToDouble());
  return wrap(widthOf(type), static_cast<uint64_t>(value.integer));
}

void roundAll(Type elementType, Tensor &tensor) {
  if (elementType.isF64())
    return;
  for (Scalar &element : tensor.data)
    element = roundTo(elementType, element);
}

Tensor makeUndefined(Type elementType, ArrayRef<int64_t> shape) {
  Scalar content = isa<FloatType>(elementType)
                       ? makeReal(std::numeric_limits<double>::quiet_NaN())
                       : makeInteger(0);
  Tensor tensor{SmallVector<int64_t>(shape), {}};
  tensor.data.assign(numElements(shape), content);
  return tensor;
}

static Scalar fromAPInt(const APInt &value) {
  return wrap(value.getBitWidth(), value.getRawData()[0]);
}

RuntimeValue fromAttribute(TypedAttr attribute) {
  if (auto number = dyn_cast<FloatAttr>(attribute))
    return {makeReal(number.getValueAsDouble()), nullptr, nullptr};
  if (auto number = dyn_cast<IntegerAttr>(attribute))
    return {fromAPInt(number.getValue()), nullptr, nullptr};
  auto dense = dyn_cast<DenseElementsAttr>(attribute);
  if (!dense)
    return {};
  auto tensor = std::make_shared<Tensor>();
  tensor->shape = SmallVector<int64_t>(dense.getType().getShape());
  tensor->data.reserve(dense.getNumElements());
  if (isa<FloatType>(dense.getElementType())) {
    for (const APFloat &value : dense.getValues<APFloat>())
      tensor->data.push_back(makeReal(value.convertToDouble()));
  } else if (dense.getElementType().isIntOrIndex()) {
    for (const APInt &value : dense.getValues<APInt>())
      tensor->data.push_back(fromAPInt(value));
  } else {
    return {};
  }
  return {makeInteger(0), std::move(tensor), nullptr};
}

int64_t elementBytes(Type elementType) {
  return (widthOf(elementType) + 7) / 8;
}

Tensor fromBytes(Type elementType, ArrayRef<int64_t> shape, const void *bytes) {
  Tensor tensor{SmallVector<int64_t>(shape), {}};
  tensor.data.resize(numElements(shape));
  int64_t size = elementBytes(elementType);
  const char *next = static_cast<const char *>(bytes);
  for (Scalar &element : tensor.data) {
    uint64_t bits = 0;
    std::memcpy(&bits, next, size);
    next += size;
    if (elementType.isF32())
      element.real = std::bit_cast<float>(static_cast<uint32_t>(bits));
    else if (elementType.isBF16())
      element.real = std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
    else if (auto type = dyn_cast<FloatType>(elementType))
      element.real =
          APFloat(type.getFloatSemantics(), APInt(type.getWidth(), bits))
              .convertToDouble();
    else
      element = wrap(widthOf(elementType), bits);
  }
  return tensor;
}

void toBytes(Type elementType, const Tensor &tensor, void *bytes) {
  int64_t size = elementBytes(elementType);
  char *next = static_cast<char *>(bytes);
  for (Scalar element : tensor.data) {
    uint64_t bits;
    if (elementType.isF32())
      bits = std::bit_cast<uint32_t>(static_cast<float>(element.real));
    else if (isa<FloatType>(elementType))
      bits = convert(elementType, element.real).bitcastToAPInt().getZExtValue();
    else
      bits = static_cast<uint64_t>(element.integer);
    std::memcpy(next, &bits, size);
    next += size;
  }
}

} // namespace moec::reference
