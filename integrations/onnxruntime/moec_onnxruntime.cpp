// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A library of ONNX Runtime custom operators with one: moec::MoecLayer takes
// the place of com.microsoft.MoE. Inputs x [.., hidden] and router logits
// [.., experts], output [.., hidden], all f32; attributes: `artifact`, a path,
// and `threads`, how many may work on a call (absent: all processors). It runs
// on the threads of the session.
//
//   options.register_custom_ops_library("libmoec_onnxruntime.so")

#include "moec/runtime.h"
#include "onnxruntime_c_api.h"
#include <atomic>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {
const OrtApi *api = nullptr;

struct Free {
  void operator()(void *pointer) const { std::free(pointer); }
};

/// What one call at a time uses.
struct Slot {
  moec_session *session = nullptr;
  std::unique_ptr<void, Free> workspace;
  int64_t size = 0;

  ~Slot() { moec_session_destroy(session); }
};

/// A loop of a layer on the threads of a session. These have no numbers, so
/// each turn of ORT's loop is a worker, which takes tasks until none is left.
struct Loop {
  int64_t count;
  moec_task task;
  void *argument;
  std::atomic<int64_t> next = 0;

  static void work(void *data, size_t worker) {
    Loop &loop = *static_cast<Loop *>(data);
    for (int64_t i; (i = loop.next.fetch_add(1)) < loop.count;)
      loop.task(loop.argument, i, int64_t(worker));
  }
};

/// The call that this thread is in.
thread_local OrtKernelContext *current = nullptr;

/// One node.
class Kernel {
public:
  ~Kernel() {
    slots.clear();
    moec_module_destroy(module);
    moec_context_destroy(context);
  }

  OrtStatus *load(const OrtKernelInfo *info);
  OrtStatus *run(OrtKernelContext *call);

private:
  std::unique_ptr<Slot> takeSlot(moec_error &error);
  static void parallelFor(void *host, int64_t count, moec_task task,
                          void *argument);

  uint32_t threads = 0;
  moec_context *context = nullptr;
  moec_module *module = nullptr;
  const moec_function *function = nullptr;
  std::mutex mutex;
  std::vector<std::unique_ptr<Slot>> slots; ///< those that no call uses
};

OrtStatus *fail(const moec_error &error) {
  return api->CreateStatus(ORT_FAIL, error.text);
}

OrtStatus *refuse(const std::string &text) {
  return api->CreateStatus(ORT_INVALID_ARGUMENT, text.c_str());
}

/// An f32 tensor of ORT's as rows of its last dimension.
struct Rows {
  std::vector<int64_t> dims; ///< as ORT has them
  int64_t shape[2] = {1, 0};
  DLTensor tensor = {};

  OrtStatus *read(const OrtValue *value, const char *name) {
    OrtTensorTypeAndShapeInfo *info = nullptr;
    if (OrtStatus *status = api->GetTensorTypeAndShape(value, &info))
      return status;
    std::unique_ptr<OrtTensorTypeAndShapeInfo,
                    void (*)(OrtTensorTypeAndShapeInfo *)>
        owner(info, api->ReleaseTensorTypeAndShapeInfo);
    size_t rank = 0;
    if (OrtStatus *status = api->GetDimensionsCount(info, &rank))
      return status;
    if (rank == 0)
      return refuse(std::string("MoecLayer: ") + name + " has no dimensions");
    dims.resize(rank);
    if (OrtStatus *status = api->GetDimensions(info, dims.data(), rank))
      return status;
    for (size_t i = 0; i + 1 < rank; ++i)
      shape[0] *= dims[i];
    shape[1] = dims.back();
    void *data = nullptr;
    // ORT's name for reading, too; nothing writes to an input.
    if (OrtStatus *status =
            api->GetTensorMutableData(const_cast<OrtValue *>(value), &data))
      return status;
    setData(data);
    return nullptr;
  }

  void setData(void *data) {
    tensor.data = data;
    tensor.device = {kDLCPU, 0};
    tensor.ndim = 2;
    tensor.dtype = moec_dtype_to_dlpack(MOEC_DTYPE_F32);
    tensor.shape = shape;
  }
};
} // namespace

void Kernel::parallelFor(void *host, int64_t count, moec_task task,
                         void *argument) {
  auto threads = static_cast<Kernel *>(host)->threads;
  Loop loop = {count, task, argument};
  size_t workers = size_t(count < threads ? count : threads);
  if (workers > 1)
    // Where ORT refuses, all tasks are left to this thread.
    if (OrtStatus *status = api->KernelContext_ParallelFor(
            current, Loop::work, workers, workers, &loop))
      api->ReleaseStatus(status);
  Loop::work(&loop, 0);
}

OrtStatus *Kernel::load(const OrtKernelInfo *info) {
  size_t size = 0;
  // Asked without room, ORT says how much the text needs.
  if (OrtStatus *status =
          api->KernelInfoGetAttribute_string(info, "artifact", nullptr, &size))
    return status;
  std::string path(size, '\0');
  if (OrtStatus *status = api->KernelInfoGetAttribute_string(
          info, "artifact", path.data(), &size))
    return status;
  int64_t wanted = 0;
  if (OrtStatus *status =
          api->KernelInfoGetAttribute_int64(info, "threads", &wanted))
    api->ReleaseStatus(status); // absent
  if (wanted < 0 || wanted > 1 << 16)
    return refuse("MoecLayer: threads: expected 1 to 65536");
  threads = wanted ? uint32_t(wanted) : std::thread::hardware_concurrency();
  threads = threads ? threads : 1;
  moec_context_options options = {};
  options.struct_size = sizeof(options);
  options.threads = threads;
  options.host = this;
  options.parallel_for = parallelFor;
  moec_error error = {};
  if (moec_context_create(&options, &context, &error) ||
      moec_module_load_file(context, path.c_str(), nullptr, &module, &error))
    return fail(error);
  function = moec_module_find_function(module, "main");
  moec_function_info signature = {};
  signature.struct_size = sizeof(signature);
  if (function)
    moec_function_get_info(function, &signature);
  if (signature.num_arguments != 2 || signature.num_results != 1)
    return refuse("MoecLayer: " + std::string(path.c_str()) +
                  " has no function main of two arguments and one result");
  return nullptr;
}

std::unique_ptr<Slot> Kernel::takeSlot(moec_error &error) {
  std::unique_lock lock(mutex);
  if (!slots.empty()) {
    std::unique_ptr<Slot> slot = std::move(slots.back());
    slots.pop_back();
    return slot;
  }
  lock.unlock();
  auto slot = std::make_unique<Slot>();
  if (moec_session_create(module, &slot->session, &error))
    return nullptr;
  return slot;
}

OrtStatus *Kernel::run(OrtKernelContext *call) {
  const OrtValue *inputs[2] = {};
  Rows rows[2], result;
  for (size_t i = 0; i < 2; ++i) {
    if (OrtStatus *status = api->KernelContext_GetInput(call, i, &inputs[i]))
      return status;
    if (OrtStatus *status = rows[i].read(inputs[i], i ? "logits" : "x"))
      return status;
  }
  OrtValue *output = nullptr;
  if (OrtStatus *status = api->KernelContext_GetOutput(
          call, 0, rows[0].dims.data(), rows[0].dims.size(), &output))
    return status;
  void *data = nullptr;
  if (OrtStatus *status = api->GetTensorMutableData(output, &data))
    return status;
  result.shape[0] = rows[0].shape[0];
  result.shape[1] = rows[0].shape[1];
  result.setData(data);

  const DLTensor *arguments[] = {&rows[0].tensor, &rows[1].tensor};
  const DLTensor *results[] = {&result.tensor};
  moec_error error = {};
  std::unique_ptr<Slot> slot = takeSlot(error);
  int64_t size = 0;
  if (!slot ||
      moec_function_workspace_size(function, arguments, 2, &size, &error))
    return fail(error);
  if (size > slot->size) {
    slot->workspace.reset(std::aligned_alloc(64, size_t(size)));
    slot->size = slot->workspace ? size : 0;
    if (!slot->workspace)
      return api->CreateStatus(ORT_FAIL, "MoecLayer: no memory");
  }
  OrtKernelContext *outer = std::exchange(current, call);
  moec_status status =
      moec_session_call(slot->session, function, arguments, 2, results, 1,
                        slot->workspace.get(), size, &error);
  current = outer;
  std::scoped_lock lock(mutex);
  slots.push_back(std::move(slot));
  return status ? fail(error) : nullptr;
}

// --- What ONNX Runtime asks of an operator ----------------------------------

static OrtCustomOp makeOperator() {
  OrtCustomOp op = {};
  op.version = ORT_API_VERSION;
  op.GetName = [](const OrtCustomOp *) { return "MoecLayer"; };
  op.GetExecutionProviderType = [](const OrtCustomOp *) -> const char * {
    return nullptr; // the CPU's
  };
  op.GetInputTypeCount = [](const OrtCustomOp *) -> size_t { return 2; };
  op.GetOutputTypeCount = [](const OrtCustomOp *) -> size_t { return 1; };
  op.GetInputType = op.GetOutputType = [](const OrtCustomOp *, size_t) {
    return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
  };
  op.GetInputCharacteristic = op.GetOutputCharacteristic =
      [](const OrtCustomOp *, size_t) { return INPUT_OUTPUT_REQUIRED; };
  op.GetInputMemoryType = [](const OrtCustomOp *, size_t) {
    return OrtMemTypeDefault;
  };
  op.GetStartVersion = [](const OrtCustomOp *) { return 1; };
  op.GetEndVersion = [](const OrtCustomOp *) { return 1; };
  op.CreateKernelV2 = [](const OrtCustomOp *, const OrtApi *,
                         const OrtKernelInfo *info,
                         void **out) -> OrtStatusPtr {
    auto kernel = std::make_unique<Kernel>();
    if (OrtStatus *status = kernel->load(info))
      return status;
    *out = kernel.release();
    return nullptr;
  };
  op.KernelComputeV2 = [](void *kernel, OrtKernelContext *call) {
    return OrtStatusPtr(static_cast<Kernel *>(kernel)->run(call));
  };
  op.KernelDestroy = [](void *kernel) { delete static_cast<Kernel *>(kernel); };
  return op;
}

extern "C" ORT_EXPORT OrtStatus *ORT_API_CALL
RegisterCustomOps(OrtSessionOptions *options, const OrtApiBase *base) {
  // Sessions refer to both for as long as the process runs.
  static const OrtCustomOp op = makeOperator();
  static OrtCustomOpDomain *domain = nullptr;
  static std::mutex mutex;
  std::scoped_lock lock(mutex);
  if (!api)
    api = base->GetApi(ORT_API_VERSION);
  if (!api)
    return base->GetApi(1)->CreateStatus(
        ORT_FAIL, "this ONNX Runtime is older than the headers that the "
                  "operators of moec were built with");
  if (!domain) {
    if (OrtStatus *status = api->CreateCustomOpDomain("moec", &domain))
      return status;
    if (OrtStatus *status = api->CustomOpDomain_Add(domain, &op))
      return status;
  }
  return api->AddCustomOpDomain(options, domain);
}
