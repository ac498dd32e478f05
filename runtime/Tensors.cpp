// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Tensors.h"

#include <cinttypes>
#include <cstring>

namespace moec::runtime {

static bool isRowMajor(const DLTensor &tensor) {
  if (!tensor.strides)
    return true;
  int64_t expected = 1;
  for (int32_t i = tensor.ndim - 1; i >= 0; --i) {
    if (tensor.shape[i] != 1 && tensor.strides[i] != expected)
      return false;
    expected *= tensor.shape[i];
  }
  return true;
}

moec_status checkDense(const TensorPlace &place, const DLTensor *tensor,
                       int32_t dtype, bool needData, uint64_t &bytes,
                       moec_error *error) {
  if (!tensor)
    return fail(error, MOEC_BAD_ARGUMENT, "%s: %s '%s' is null", place.where,
                place.kind, place.name);
  if (tensor->ndim < 0 || (tensor->ndim != 0 && !tensor->shape))
    return fail(error, MOEC_BAD_ARGUMENT, "%s: %s '%s' has no shape",
                place.where, place.kind, place.name);
  DLDataType wanted = moec_dtype_to_dlpack(dtype);
  if (tensor->dtype.code != wanted.code || tensor->dtype.bits != wanted.bits ||
      tensor->dtype.lanes != 1)
    return fail(
        error, MOEC_BAD_ARGUMENT,
        "%s: %s '%s' has DLPack type (code %u, bits %u, lanes %u), expected "
        "%s (code %u, bits %u, lanes 1)",
        place.where, place.kind, place.name, tensor->dtype.code,
        tensor->dtype.bits, tensor->dtype.lanes, moec_dtype_name(dtype),
        wanted.code, wanted.bits);
  bytes = wanted.bits / 8;
  for (int32_t i = 0; i < tensor->ndim; ++i)
    if (tensor->shape[i] < 0 ||
        __builtin_mul_overflow(bytes, uint64_t(tensor->shape[i]), &bytes) ||
        bytes > INT64_MAX)
      return fail(
          error, MOEC_BAD_ARGUMENT,
          "%s: %s '%s' has an impossible shape: dimension %d is %" PRId64,
          place.where, place.kind, place.name, i, tensor->shape[i]);
  if (!needData)
    return MOEC_OK;
  if (tensor->device.device_type != kDLCPU)
    return fail(error, MOEC_BAD_ARGUMENT,
                "%s: %s '%s' is on device type %d, expected host memory (1)",
                place.where, place.kind, place.name,
                int(tensor->device.device_type));
  // NumPy gives an empty tensor strides of 0.
  if (bytes != 0 && !isRowMajor(*tensor))
    return fail(error, MOEC_BAD_ARGUMENT,
                "%s: %s '%s' is not dense and row-major", place.where,
                place.kind, place.name);
  if (bytes != 0 && !tensor->data)
    return fail(error, MOEC_BAD_ARGUMENT, "%s: %s '%s' has no data",
                place.where, place.kind, place.name);
  uintptr_t address =
      reinterpret_cast<uintptr_t>(tensor->data) + tensor->byte_offset;
  if (bytes != 0 && address % (wanted.bits / 8) != 0)
    return fail(error, MOEC_BAD_ARGUMENT,
                "%s: %s '%s' is not aligned to its elements of %d bytes",
                place.where, place.kind, place.name, wanted.bits / 8);
  return MOEC_OK;
}

moec_status bindTensor(const moec_function &function, const char *kind,
                       const TensorType &type, const DLTensor *tensor,
                       bool needData, SymbolSizes &symbols, moec_tensor &bound,
                       moec_error *error) {
  uint64_t bytes;
  if (moec_status status = checkDense({function.name, kind, type.name}, tensor,
                                      type.dtype, needData, bytes, error))
    return status;
  if (tensor->ndim != type.rank)
    return fail(error, MOEC_BAD_ARGUMENT,
                "%s: %s '%s' has %d dimensions, expected %d", function.name,
                kind, type.name, tensor->ndim, type.rank);
  for (int32_t i = 0; i < type.rank; ++i) {
    int64_t size = tensor->shape[i];
    const moec_dimension &dim = type.dimensions[i];
    if (!dim.symbol) {
      if (size != dim.size)
        return fail(error, MOEC_BAD_ARGUMENT,
                    "%s: %s '%s' has %" PRId64
                    " in dimension %d, expected %" PRId64,
                    function.name, kind, type.name, size, i, dim.size);
      continue;
    }
    int64_t &known = symbols.sizes[type.symbols[i]];
    if (known < 0)
      known = size;
    if (size != known)
      return fail(error, MOEC_BAD_ARGUMENT,
                  "%s: %s '%s' has %" PRId64
                  " in dimension %d, expected %s = %" PRId64,
                  function.name, kind, type.name, size, i, dim.symbol, known);
  }
  bound.data = tensor->data
                   ? static_cast<char *>(tensor->data) + tensor->byte_offset
                   : nullptr;
  bound.shape = tensor->shape;
  bound.rank = tensor->ndim;
  bound.dtype = type.dtype;
  return MOEC_OK;
}

/// The number of a symbol that is the first `length` bytes of `name`, or
/// numSymbols.
static uint32_t findSymbol(const moec_function &function, const char *name,
                           size_t length) {
  uint32_t i = 0;
  while (i < function.numSymbols &&
         (strncmp(function.symbols[i], name, length) != 0 ||
          function.symbols[i][length]))
    ++i;
  return i;
}

/// Sets the sizes of results that are products ("B*S") of sizes of arguments.
static moec_status bindProducts(const moec_function &function,
                                SymbolSizes &symbols, moec_error *error) {
  for (uint32_t i = 0; i < function.numSymbols; ++i) {
    if (symbols.sizes[i] >= 0)
      continue;
    int64_t product = 1;
    for (const char *factor = function.symbols[i]; *factor;) {
      size_t length = strcspn(factor, "*");
      uint32_t number = findSymbol(function, factor, length);
      if (number == function.numSymbols || symbols.sizes[number] < 0 ||
          __builtin_mul_overflow(product, symbols.sizes[number], &product))
        return fail(error, MOEC_BAD_ARGUMENT, "%s: the size %s is too large",
                    function.name, function.symbols[i]);
      factor += length + (factor[length] == '*');
    }
    symbols.sizes[i] = product;
  }
  return MOEC_OK;
}

moec_status bindArguments(const moec_function &function,
                          const DLTensor *const *arguments,
                          uint32_t numArguments, bool needData,
                          SymbolSizes &symbols, moec_tensor *bound,
                          moec_error *error) {
  if (numArguments != function.numArguments)
    return fail(error, MOEC_BAD_ARGUMENT,
                "%s: %u arguments are given, expected %u", function.name,
                numArguments, function.numArguments);
  if (numArguments != 0 && !arguments)
    return fail(error, MOEC_BAD_ARGUMENT, "%s: the table of arguments is null",
                function.name);
  for (uint32_t i = 0; i < numArguments; ++i)
    if (moec_status status =
            bindTensor(function, "argument", function.arguments[i],
                       arguments[i], needData, symbols, bound[i], error))
      return status;
  return bindProducts(function, symbols, error);
}

} // namespace moec::runtime
