// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/moe-run/Tensor.h"

#include "tools/moe-run/Npy.h"
#include "tools/moe-run/Safetensors.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace moec {

DLTensor Tensor::borrow() {
  DLTensor result = {};
  result.data = bytes.empty() ? nullptr : bytes.data();
  result.device = {kDLCPU, 0};
  result.ndim = static_cast<int32_t>(shape.size());
  result.dtype = moec_dtype_to_dlpack(dtype);
  result.shape = shape.data();
  return result;
}

bool countBytes(int32_t dtype, const std::vector<int64_t> &shape,
                uint64_t &bytes) {
  bytes = moec_dtype_size(dtype);
  for (int64_t dim : shape)
    if (dim < 0 || __builtin_mul_overflow(bytes, uint64_t(dim), &bytes))
      return false;
  return bytes <= uint64_t(std::numeric_limits<int64_t>::max());
}

std::string describeShape(const std::vector<int64_t> &shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i)
    text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

static double halfToDouble(uint16_t bits) {
  int exponent = bits >> 10 & 31;
  double fraction = bits & 1023;
  double value = exponent == 31 ? (fraction ? NAN : INFINITY)
                 : exponent     ? std::ldexp(1024 + fraction, exponent - 25)
                                : std::ldexp(fraction, -24);
  return bits >> 15 ? -value : value;
}

template <typename T> static T load(const char *bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(value));
  return value;
}

static bool isFloat(int32_t dtype) {
  return dtype == MOEC_DTYPE_F64 || dtype == MOEC_DTYPE_F32 ||
         dtype == MOEC_DTYPE_F16 || dtype == MOEC_DTYPE_BF16;
}

static double loadFloat(int32_t dtype, const char *bytes) {
  switch (dtype) {
  case MOEC_DTYPE_F64:
    return load<double>(bytes);
  case MOEC_DTYPE_F32:
    return load<float>(bytes);
  case MOEC_DTYPE_F16:
    return halfToDouble(load<uint16_t>(bytes));
  default:
    return std::bit_cast<float>(uint32_t(load<uint16_t>(bytes)) << 16);
  }
}

static int64_t loadInteger(int32_t dtype, const char *bytes) {
  switch (dtype) {
  case MOEC_DTYPE_I64:
    return load<int64_t>(bytes);
  case MOEC_DTYPE_I32:
    return load<int32_t>(bytes);
  case MOEC_DTYPE_I8:
    return load<int8_t>(bytes);
  default:
    return load<uint8_t>(bytes);
  }
}

bool convertTensor(Tensor &tensor, int32_t dtype) {
  if (tensor.dtype == dtype)
    return true;
  size_t from = moec_dtype_size(tensor.dtype);
  size_t to = moec_dtype_size(dtype);
  size_t count = tensor.bytes.size() / from;
  std::vector<char> converted(count * to);
  for (size_t i = 0; i < count; ++i) {
    const char *source = tensor.bytes.data() + i * from;
    char *target = converted.data() + i * to;
    if (isFloat(tensor.dtype) && dtype == MOEC_DTYPE_F32) {
      float value = static_cast<float>(loadFloat(tensor.dtype, source));
      std::memcpy(target, &value, sizeof(value));
    } else if (isFloat(tensor.dtype) && dtype == MOEC_DTYPE_F64) {
      double value = loadFloat(tensor.dtype, source);
      std::memcpy(target, &value, sizeof(value));
    } else if (!isFloat(tensor.dtype) && dtype == MOEC_DTYPE_I32) {
      int64_t value = loadInteger(tensor.dtype, source);
      auto narrow = static_cast<int32_t>(value);
      if (narrow != value)
        return false;
      std::memcpy(target, &narrow, sizeof(narrow));
    } else if (!isFloat(tensor.dtype) && dtype == MOEC_DTYPE_I64) {
      int64_t value = loadInteger(tensor.dtype, source);
      std::memcpy(target, &value, sizeof(value));
    } else {
      return false;
    }
  }
  if (count == 0 && isFloat(tensor.dtype) != isFloat(dtype))
    return false;
  tensor.dtype = dtype;
  tensor.bytes = std::move(converted);
  return true;
}

Failure readTensor(const std::string &place, Tensor &tensor) {
  if (place.ends_with(".npy"))
    return readNpy(place, tensor);
  // Tensor names have no colon; file names may.
  size_t colon = place.rfind(':');
  std::string path = place.substr(0, colon);
  if (colon == std::string::npos || !path.ends_with(".safetensors"))
    return {ExitUsage,
            "'" + place + "': expected FILE.safetensors:TENSOR or FILE.npy"};
  return readSafetensors(path, place.substr(colon + 1), tensor);
}

Failure writeTensors(const std::string &path,
                     const std::vector<NamedTensor> &tensors) {
  if (path.ends_with(".safetensors"))
    return writeSafetensors(path, tensors);
  if (!path.ends_with(".npy"))
    return {ExitUsage,
            path + ": expected a name that ends with .safetensors or .npy"};
  if (tensors.size() != 1)
    return {ExitUsage, path + ": a .npy file holds one tensor, not " +
                           std::to_string(tensors.size()) +
                           ": name one with --outputs="};
  return writeNpy(path, tensors.front().second);
}

} // namespace moec
