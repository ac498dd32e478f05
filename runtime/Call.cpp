// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Calls of functions and the sizes that they need. A call works on the stack
// only.

#include "runtime/ReadOptions.h"
#include "runtime/Session.h"
#include "runtime/Tensors.h"
#include "runtime/Wait.h"

#include <cinttypes>
#include <ctime>

using namespace moec::runtime;
namespace schema = moec::schema;

static constexpr int64_t workspaceAlignment = 64;

/// Whether a call of `function` in `session` can begin.
static moec_status checkHandles(const moec_session *session,
                                const moec_function *function,
                                moec_error *error) {
  if (!isAlive(session))
    return failDead(error, "session");
  if (!isAlive(session->module))
    return failDead(error, "session's module");
  if (!session->module->has(function))
    return fail(error, MOEC_BAD_ARGUMENT,
                "%s: the function is null or of another module than the "
                "session's",
                session->module->name);
  return MOEC_OK;
}

namespace {
/// The host behind the services of one call.
struct Call {
  moec_context *context;
  moec_session *session;
  const moec_function *function;
  int64_t loops = 0; ///< started so far
};

/// A loop whose tasks are traced.
struct TracedLoop {
  Call *call;
  int64_t loop;
  moec_task task;
  void *argument;
};
} // namespace

static int64_t now() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return int64_t(time.tv_sec) * 1000000000 + time.tv_nsec;
}

static void runTraced(void *data, int64_t index, int64_t worker) {
  auto &loop = *static_cast<TracedLoop *>(data);
  int64_t begin = now();
  loop.task(loop.argument, index, worker);
  moec_trace_event event = {
      loop.call->function->name, loop.loop, index, worker, begin, now()};
  loop.call->context->trace(loop.call->context->host, &event);
}

static void serveParallelFor(void *host, int64_t count, moec_task task,
                             void *argument) {
  auto &call = *static_cast<Call *>(host);
  if (!call.context->trace) {
    call.context->parallelFor(count, task, argument);
    return;
  }
  TracedLoop loop = {&call, call.loops++, task, argument};
  call.context->parallelFor(count, runTraced, &loop);
}

static void serveTap(void *host, const char *name, const moec_tensor *value) {
  moec_session &session = *static_cast<Call *>(host)->session;
  if (session.tap)
    session.tap(session.tapHost, name, value);
}

static void serveWait(void *, const int32_t *counter, int32_t least) {
  waitForCounter(counter, least);
}

static moec_services makeServices(Call &call) {
  moec_services services = {};
  services.struct_size = sizeof(services);
  services.num_workers = call.context->numWorkers;
  services.host = &call;
  services.parallel_for = serveParallelFor;
  services.tap = serveTap;
  services.wait = serveWait;
  return services;
}

static moec_frame makeFrame(const moec_function &function,
                            const moec_tensor *arguments,
                            const moec_services &services) {
  moec_frame frame = {};
  frame.struct_size = sizeof(frame);
  frame.num_arguments = function.numArguments;
  frame.num_results = function.numResults;
  frame.num_parameters = function.numParameters;
  frame.num_states = function.numStates;
  frame.arguments = arguments;
  frame.services = &services;
  return frame;
}

/// What the code found; the runtime has checked the same, so the two disagree.
static moec_status codeRefused(const moec_function &function, int64_t status,
                               moec_error *error) {
  return fail(error, MOEC_BAD_ARGUMENT,
              "%s: the code refuses tensor %d: %s (status %" PRId64 ")",
              function.name, int(MOEC_FRAME_STATUS_POSITION(status)),
              moec_frame_status_text(status), status);
}

moec_status moec_function_result_shape(const moec_function *function,
                                       const DLTensor *const *arguments,
                                       uint32_t numArguments, uint32_t result,
                                       int64_t *shape, moec_error *error) {
  if (!function || !isAlive(function->module))
    return failDead(error, "function's module");
  moec_tensor bound[schema::maxTensors];
  SymbolSizes symbols(*function);
  if (moec_status status =
          bindArguments(*function, arguments, numArguments,
                        /*needData=*/false, symbols, bound, error))
    return status;
  if (result >= function->numResults)
    return fail(error, MOEC_NOT_FOUND, "%s: there is no result %u, only %u",
                function->name, result, function->numResults);
  const TensorType &type = function->results[result];
  if (!shape && type.rank > 0)
    return fail(error, MOEC_BAD_ARGUMENT, "%s: there is no place for the shape",
                function->name);
  for (int32_t i = 0; i < type.rank; ++i)
    shape[i] = type.symbols[i] < 0 ? type.dimensions[i].size
                                   : symbols.sizes[type.symbols[i]];
  return MOEC_OK;
}

/// Asks the code for the workspace of a call with this frame.
static moec_status queryWorkspace(const moec_function &function,
                                  const moec_frame &frame, int64_t &size,
                                  moec_error *error) {
  int64_t needed = function.workspace(&frame);
  if (needed < 0)
    return codeRefused(function, needed, error);
  if (needed > INT64_MAX - workspaceAlignment)
    return fail(error, MOEC_BAD_ARGUMENT, "%s: the workspace is impossibly big",
                function.name);
  if (needed == 0)
    needed = 1;
  size = (needed + workspaceAlignment - 1) / workspaceAlignment *
         workspaceAlignment;
  return MOEC_OK;
}

/// Without a session: states are described only, in memory of the call.
static moec_status workspaceWithoutSession(const moec_function &function,
                                           const SymbolSizes &symbols,
                                           moec_frame &frame, int64_t &size,
                                           moec_error *error) {
  Arena scratch(function.module->context->allocator);
  auto *states = scratch.array<moec_tensor>(function.numStates);
  auto *shapes = scratch.array<int64_t[schema::maxRank]>(function.numStates);
  if (!states || !shapes)
    return fail(error, MOEC_ENVIRONMENT, "%s: out of memory", function.name);
  describeStates(function, symbols, states, shapes);
  frame.states = states;
  return queryWorkspace(function, frame, size, error);
}

static moec_status workspaceSize(const moec_function *function,
                                 const moec_session *session,
                                 const DLTensor *const *arguments,
                                 uint32_t numArguments, int64_t *size,
                                 moec_error *error) {
  if (!size)
    return fail(error, MOEC_BAD_ARGUMENT, "%s: there is no place for the size",
                function->name);
  moec_tensor bound[schema::maxTensors];
  SymbolSizes symbols(*function);
  if (moec_status status =
          bindArguments(*function, arguments, numArguments,
                        /*needData=*/false, symbols, bound, error))
    return status;
  if (!function->workspace)
    return fail(error, MOEC_BAD_ARGUMENT,
                "%s: the module was loaded without code", function->name);
  Call call = {function->module->context, nullptr, function};
  moec_services services = makeServices(call);
  moec_frame frame = makeFrame(*function, bound, services);
  if (!session && function->numStates > 0)
    return workspaceWithoutSession(*function, symbols, frame, *size, error);
  if (session) {
    if (moec_status status = session->state.check(*function, symbols, error))
      return status;
    frame.states = session->state.tableOf(*function);
  }
  return queryWorkspace(*function, frame, *size, error);
}

moec_status moec_function_workspace_size(const moec_function *function,
                                         const DLTensor *const *arguments,
                                         uint32_t numArguments, int64_t *size,
                                         moec_error *error) {
  if (!function || !isAlive(function->module))
    return failDead(error, "function's module");
  return workspaceSize(function, nullptr, arguments, numArguments, size, error);
}

moec_status moec_session_workspace_size(const moec_session *session,
                                        const moec_function *function,
                                        const DLTensor *const *arguments,
                                        uint32_t numArguments, int64_t *size,
                                        moec_error *error) {
  if (moec_status status = checkHandles(session, function, error))
    return status;
  return workspaceSize(function, session, arguments, numArguments, size, error);
}

moec_status
moec_session_call(moec_session *session, const moec_function *function,
                  const DLTensor *const *arguments, uint32_t numArguments,
                  const DLTensor *const *results, uint32_t numResults,
                  void *workspace, int64_t workspaceSize, moec_error *error) {
  if (moec_status status = checkHandles(session, function, error))
    return status;
  if (!function->entry)
    return fail(error, MOEC_BAD_ARGUMENT,
                "%s: the module was loaded without code", function->name);
  moec_tensor boundArguments[schema::maxTensors];
  moec_tensor boundResults[schema::maxTensors];
  SymbolSizes symbols(*function);
  if (moec_status status =
          bindArguments(*function, arguments, numArguments,
                        /*needData=*/true, symbols, boundArguments, error))
    return status;
  if (numResults != function->numResults)
    return fail(error, MOEC_BAD_ARGUMENT,
                "%s: %u results are given, expected %u", function->name,
                numResults, function->numResults);
  if (numResults != 0 && !results)
    return fail(error, MOEC_BAD_ARGUMENT, "%s: the table of results is null",
                function->name);
  for (uint32_t i = 0; i < numResults; ++i)
    if (moec_status status =
            bindTensor(*function, "result", function->results[i], results[i],
                       /*needData=*/true, symbols, boundResults[i], error))
      return status;
  if (!workspace ||
      reinterpret_cast<uintptr_t>(workspace) % workspaceAlignment != 0)
    return fail(error, MOEC_BAD_ARGUMENT,
                "%s: the workspace is not %d-byte aligned", function->name,
                int(workspaceAlignment));

  if (moec_status status = session->state.check(*function, symbols, error))
    return status;
  Call call = {session->module->context, session, function};
  moec_services services = makeServices(call);
  moec_frame frame = makeFrame(*function, boundArguments, services);
  frame.states = session->state.tableOf(*function);
  int64_t needed = function->workspace(&frame);
  if (needed < 0)
    return codeRefused(*function, needed, error);
  if (workspaceSize < needed)
    return fail(error, MOEC_BAD_ARGUMENT,
                "%s: the workspace has %" PRId64 " bytes, %" PRId64
                " are needed",
                function->name, workspaceSize, needed);
  frame.results = boundResults;
  frame.parameters =
      session->tables +
      session->tableStarts[function - session->module->functions];
  frame.workspace = workspace;
  frame.workspace_size = workspaceSize;

  int64_t begin = call.context->trace ? now() : 0;
  int32_t status = function->entry(&frame);
  if (status != MOEC_FRAME_OK)
    return codeRefused(*function, status, error);
  if (call.context->trace) {
    moec_trace_event event = {function->name, -1, -1, 0, begin, now()};
    call.context->trace(call.context->host, &event);
  }
  return MOEC_OK;
}
