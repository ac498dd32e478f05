// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The functions of --abi=tvm-ffi (https://tvm.apache.org/ffi, its stable C
// ABI). Compiled to LLVM bitcode when moec is built and linked into each such
// object; the one symbol that it asks of others is weak.

#include "codegen/object/tvm/Description.h"
#include "moec/dlpack.h"

using namespace moec::object;

namespace {
// From tvm/ffi/c_api.h.
enum TypeIndex : int32_t {
  kInt = 1,
  kOpaquePointer = 4,
  kTensorPointer = 7, ///< a DLTensor
  kTensor = 70        ///< an object; the DLTensor stands behind its header
};
constexpr int64_t kObjectHeaderBytes = 24;

struct Any {
  int32_t typeIndex;
  uint32_t zero;
  union {
    int64_t number;
    void *pointer;
  };
};

/// A line of text in a fixed place; what does not fit is cut.
class Message {
public:
  Message &operator<<(const char *words) {
    while (*words && length + 1 < sizeof(text))
      text[length++] = *words++;
    return *this;
  }
  Message &operator<<(int64_t number) {
    char digits[24];
    int at = sizeof(digits) - 1;
    digits[at] = 0;
    uint64_t rest = number < 0 ? 0 - uint64_t(number) : uint64_t(number);
    do
      digits[--at] = char('0' + rest % 10);
    while (rest /= 10);
    if (number < 0)
      digits[--at] = '-';
    return *this << &digits[at];
  }
  const char *end() {
    text[length] = 0;
    return text;
  }

private:
  char text[256];
  unsigned length = 0;
};

constexpr int kMostTensors = 64;

struct Bound {
  moec_tensor tensors[kMostTensors];
};
} // namespace

extern "C" void TVMFFIErrorSetRaisedFromCStr(const char *kind,
                                             const char *message)
    __attribute__((weak));

static int raise(const char *kind, Message &message) {
  if (TVMFFIErrorSetRaisedFromCStr)
    TVMFFIErrorSetRaisedFromCStr(kind, message.end());
  return -1;
}

static const DLTensor *getTensor(const Any &value) {
  if (value.typeIndex == kTensorPointer)
    return static_cast<const DLTensor *>(value.pointer);
  if (value.typeIndex == kTensor)
    return reinterpret_cast<const DLTensor *>(
        static_cast<const char *>(value.pointer) + kObjectHeaderBytes);
  return nullptr;
}

static DLDataType getType(int64_t dtype) {
  switch (dtype) {
  case MOEC_DTYPE_F16:
    return {kDLFloat, 16, 1};
  case MOEC_DTYPE_BF16:
    return {kDLBfloat, 16, 1};
  case MOEC_DTYPE_I32:
    return {kDLInt, 32, 1};
  case MOEC_DTYPE_I64:
    return {kDLInt, 64, 1};
  case MOEC_DTYPE_I8:
    return {kDLInt, 8, 1};
  case MOEC_DTYPE_U8:
    return {kDLUInt, 8, 1};
  case MOEC_DTYPE_BOOL:
    return {kDLBool, 8, 1};
  case MOEC_DTYPE_F64:
    return {kDLFloat, 64, 1};
  default:
    return {kDLFloat, 32, 1};
  }
}

static bool isDense(const DLTensor &tensor) {
  int64_t expected = 1;
  for (int32_t i = tensor.ndim - 1; tensor.strides && i >= 0; --i) {
    if (tensor.shape[i] != 1 && tensor.strides[i] != expected)
      return false;
    expected *= tensor.shape[i];
  }
  return true;
}

/// Describes `value` as the tensor that `wanted` is, or raises an error.
static int bind(const TvmFunction &function, const TvmTensor &wanted,
                const Any &value, moec_tensor &bound) {
  Message message;
  message << function.name << ": '" << wanted.name << "' ";
  const DLTensor *tensor = getTensor(value);
  if (!tensor)
    return raise("TypeError", message << "is no tensor");
  DLDataType type = getType(wanted.dtype);
  if (tensor->dtype.code != type.code || tensor->dtype.bits != type.bits ||
      tensor->dtype.lanes != 1)
    return raise("TypeError", message << "has DLPack type code "
                                      << tensor->dtype.code << " of "
                                      << tensor->dtype.bits
                                      << " bits, expected code " << type.code
                                      << " of " << type.bits << " bits");
  if (tensor->device.device_type != kDLCPU)
    return raise("ValueError", message << "is not in host memory");
  if (tensor->ndim != wanted.rank)
    return raise("ValueError", message << "has " << tensor->ndim
                                       << " dimensions, expected "
                                       << wanted.rank);
  if (!isDense(*tensor))
    return raise("ValueError", message << "is not dense and row-major");
  char *data = static_cast<char *>(tensor->data) + tensor->byte_offset;
  if (reinterpret_cast<uintptr_t>(data) % (type.bits / 8))
    return raise("ValueError", message << "is not aligned to its elements");
  bound = {data, tensor->shape, tensor->ndim, int32_t(wanted.dtype)};
  return 0;
}

static int raiseStatus(const TvmFunction &function, int64_t status) {
  static const char *const reasons[] = {
      "frame",        "number of tensors", "rank",    "dimensions",
      "element type", "workspace",         "services"};
  int code = -MOEC_FRAME_STATUS_CODE(int(status));
  int position = MOEC_FRAME_STATUS_POSITION(int(status));
  Message message;
  message << function.name << ": wrong "
          << (code > 0 && code < 7 ? reasons[code] : reasons[0]);
  if (position >= 0 && position < function.numArguments + function.numResults)
    message << " of '" << function.tensors[position].name << "'";
  return raise("ValueError", message);
}

static int checkCount(const TvmFunction &function, int32_t given, int64_t least,
                      int64_t most) {
  if (given >= least && given <= most)
    return 0;
  Message message;
  return raise("TypeError", message << function.name << ": " << given
                                    << " arguments are given, expected "
                                    << least);
}

static moec_frame makeFrame(const TvmFunction &function, const Bound &bound,
                            const moec_services *services) {
  moec_frame frame = {};
  frame.struct_size = sizeof(frame);
  frame.num_arguments = uint32_t(function.numArguments);
  frame.num_results = uint32_t(function.numResults);
  frame.num_parameters = uint32_t(function.numWeights);
  frame.arguments = bound.tensors;
  frame.results = bound.tensors + function.numArguments;
  frame.parameters = function.weights;
  frame.services = services;
  return frame;
}

/// NAME(arguments.., results.., workspace[, services]): results are written
/// where they are. `workspace` is a 64-byte aligned tensor of u8 of rank 1,
/// `services` the address of a moec_services.
extern "C" int moec_tvm_call(const TvmFunction *function, const Any *args,
                             int32_t numArgs, Any *) {
  int64_t numTensors = function->numArguments + function->numResults;
  if (checkCount(*function, numArgs, numTensors + 1, numTensors + 2))
    return -1;
  Bound bound;
  for (int64_t i = 0; i < numTensors; ++i)
    if (bind(*function, function->tensors[i], args[i], bound.tensors[i]))
      return -1;
  moec_tensor space;
  if (bind(*function, {"workspace", MOEC_DTYPE_U8, 1}, args[numTensors], space))
    return -1;
  const moec_services *services = function->services;
  if (numArgs == numTensors + 2) {
    const Any &given = args[numTensors + 1];
    Message message;
    if (given.typeIndex != kOpaquePointer || !given.pointer)
      return raise("TypeError",
                   message << function->name << ": 'services' is no pointer");
    services = static_cast<const moec_services *>(given.pointer);
  }
  moec_frame frame = makeFrame(*function, bound, services);
  frame.workspace = space.data;
  frame.workspace_size = space.shape[0];
  int32_t status = function->entry(&frame);
  return status == MOEC_FRAME_OK ? 0 : raiseStatus(*function, status);
}

/// NAME_workspace(arguments..[, services]): bytes of workspace.
extern "C" int moec_tvm_workspace(const TvmFunction *function, const Any *args,
                                  int32_t numArgs, Any *result) {
  int64_t count = function->numArguments;
  if (checkCount(*function, numArgs, count, count + 1))
    return -1;
  Bound bound;
  for (int64_t i = 0; i < count; ++i)
    if (bind(*function, function->tensors[i], args[i], bound.tensors[i]))
      return -1;
  const moec_services *services = function->services;
  if (numArgs > count && args[count].typeIndex == kOpaquePointer &&
      args[count].pointer)
    services = static_cast<const moec_services *>(args[count].pointer);
  moec_frame frame = makeFrame(*function, bound, services);
  int64_t size = function->workspace(&frame);
  if (size < 0)
    return raiseStatus(*function, size);
  *result = {kInt, 0, {size}};
  return 0;
}
