// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The life of sessions, and the parameters and taps that they have for
// themselves.

#include "runtime/Session.h"
#include "runtime/ReadOptions.h"
#include "runtime/Tensors.h"

#include <cinttypes>
#include <cstring>

using namespace moec::runtime;

/// Whether the session can be used.
static moec_status checkHandle(const moec_session *session, moec_error *error) {
  if (!isAlive(session))
    return failDead(error, "session");
  return isAlive(session->module) ? MOEC_OK
                                  : failDead(error, "session's module");
}

static bool buildSession(moec_session &session) {
  const moec_module &module = *session.module;
  session.parameters =
      session.arena.array<const void *>(module.numParameters());
  session.tableStarts = session.arena.array<uint64_t>(module.numFunctions());
  if (!session.parameters || !session.tableStarts)
    return false;
  for (uint32_t i = 0; i < module.numParameters(); ++i) {
    const moec_parameter_info &parameter = module.parameters[i];
    session.parameters[i] = parameter.data;
    if (!parameter.is_mutable)
      continue;
    void *copy = session.arena.allocate(parameter.size);
    if (!copy)
      return false;
    session.parameters[i] = copy;
  }
  uint64_t entries = 0;
  for (uint32_t i = 0; i < module.numFunctions(); ++i) {
    session.tableStarts[i] = entries;
    entries += module.functions[i].numParameters;
  }
  session.tables = session.arena.array<const void *>(entries);
  if (!session.tables)
    return false;
  for (uint32_t i = 0; i < module.numFunctions(); ++i)
    for (uint32_t j = 0; j < module.functions[i].numParameters; ++j)
      session.tables[session.tableStarts[i] + j] =
          session.parameters[module.functions[i].parameters[j]];
  return true;
}

/// A mutable parameter's memory, which is the session's own.
static void *ownBytes(const moec_session &session, uint32_t index) {
  return const_cast<void *>(session.parameters[index]);
}

static void resetParameters(const moec_session &session) {
  const moec_module &module = *session.module;
  for (uint32_t i = 0; i < module.numParameters(); ++i)
    if (module.parameters[i].is_mutable)
      memcpy(ownBytes(session, i), module.parameters[i].data,
             module.parameters[i].size);
}

moec_status moec_session_create_with_options(const moec_module *module,
                                             const moec_session_options *given,
                                             moec_session **session,
                                             moec_error *error) {
  if (!isAlive(module))
    return failDead(error, "module");
  if (!session)
    return fail(error, MOEC_BAD_ARGUMENT, "there is no place for the session");
  *session = nullptr;
  moec_session_options options;
  if (moec_status status =
          readOptions(given, "moec_session_options", options, error))
    return status;
  bool isComplete = options.num_sizes == 0 || options.sizes;
  for (uint32_t i = 0; isComplete && i < options.num_sizes; ++i)
    isComplete = options.sizes[i].symbol;
  if (!isComplete)
    return fail(error, MOEC_BAD_ARGUMENT,
                "moec_session_options.sizes is null or has no symbol");
  const Allocator &allocator = module->context->allocator;
  void *memory = allocator.allocate(allocator.host, sizeof(moec_session),
                                    alignof(moec_session));
  auto *created = memory ? new (memory) moec_session(module) : nullptr;
  moec_status status =
      created && buildSession(*created)
          ? created->state.build(*module, &options, created->arena, error)
          : fail(error, MOEC_ENVIRONMENT, "%s: out of memory for a session",
                 module->name);
  if (status != MOEC_OK) {
    moec_session_destroy(created);
    return status;
  }
  resetParameters(*created);
  *session = created;
  return MOEC_OK;
}

moec_status moec_session_create(const moec_module *module,
                                moec_session **session, moec_error *error) {
  return moec_session_create_with_options(module, nullptr, session, error);
}

moec_status moec_session_fork(const moec_session *session, moec_session **fork,
                              moec_error *error) {
  if (moec_status status = checkHandle(session, error))
    return status;
  const moec_module &module = *session->module;
  Arena scratch(module.context->allocator);
  moec_session_options options = {};
  if (!session->state.describeSizes(scratch, options))
    return fail(error, MOEC_ENVIRONMENT, "%s: out of memory for a session",
                module.name);
  if (moec_status status = moec_session_create_with_options(
          session->module, &options, fork, error))
    return status;
  for (uint32_t i = 0; i < module.numParameters(); ++i)
    if (module.parameters[i].is_mutable)
      memcpy(ownBytes(**fork, i), session->parameters[i],
             module.parameters[i].size);
  (*fork)->state.copyFrom(session->state);
  return MOEC_OK;
}

void moec_session_reset(moec_session *session) {
  if (checkHandle(session, nullptr) != MOEC_OK)
    return;
  resetParameters(*session);
  session->state.reset();
}

int64_t moec_session_length(const moec_session *session) {
  return checkHandle(session, nullptr) == MOEC_OK ? session->state.length() : 0;
}

moec_status moec_session_truncate(moec_session *session, int64_t length,
                                  moec_error *error) {
  if (moec_status status = checkHandle(session, error))
    return status;
  if (length < 0)
    return fail(error, MOEC_BAD_ARGUMENT,
                "%s: a session cannot have %" PRId64 " tokens",
                session->module->name, length);
  session->state.truncate(length);
  return MOEC_OK;
}

void moec_session_destroy(moec_session *session) {
  if (isAlive(session))
    Allocator(session->module->context->allocator).destroy(session);
}

/// Finds a mutable parameter and checks the tensor against it.
static moec_status findMutable(const moec_session *session, const char *name,
                               const DLTensor *value, uint32_t &index,
                               moec_error *error) {
  if (moec_status status = checkHandle(session, error))
    return status;
  const moec_module &module = *session->module;
  if (!name)
    return fail(error, MOEC_BAD_ARGUMENT, "%s: the parameter's name is null",
                module.name);
  index = module.findParameter(name);
  if (index == module.numParameters())
    return fail(error, MOEC_NOT_FOUND, "%s: there is no parameter '%s'",
                module.name, name);
  const moec_parameter_info &parameter = module.parameters[index];
  if (!parameter.is_mutable)
    return fail(error, MOEC_BAD_ARGUMENT, "%s: parameter '%s' is not mutable",
                module.name, name);
  uint64_t bytes;
  if (moec_status status =
          checkDense({module.name, "parameter", name}, value, parameter.dtype,
                     /*needData=*/true, bytes, error))
    return status;
  if (value->ndim != parameter.rank)
    return fail(error, MOEC_BAD_ARGUMENT,
                "%s: '%s' has %d dimensions, expected %d", module.name, name,
                value->ndim, parameter.rank);
  for (int32_t i = 0; i < parameter.rank; ++i)
    if (value->shape[i] != parameter.shape[i])
      return fail(error, MOEC_BAD_ARGUMENT,
                  "%s: '%s' has %" PRId64 " in dimension %d, expected %" PRId64,
                  module.name, name, value->shape[i], i, parameter.shape[i]);
  return MOEC_OK;
}

moec_status moec_session_set_parameter(moec_session *session, const char *name,
                                       const DLTensor *value,
                                       moec_error *error) {
  uint32_t index;
  if (moec_status status = findMutable(session, name, value, index, error))
    return status;
  if (uint64_t size = session->module->parameters[index].size)
    memcpy(ownBytes(*session, index),
           static_cast<const char *>(value->data) + value->byte_offset, size);
  return MOEC_OK;
}

moec_status moec_session_get_parameter(const moec_session *session,
                                       const char *name, const DLTensor *value,
                                       moec_error *error) {
  uint32_t index;
  if (moec_status status = findMutable(session, name, value, index, error))
    return status;
  if (uint64_t size = session->module->parameters[index].size)
    memcpy(static_cast<char *>(value->data) + value->byte_offset,
           session->parameters[index], size);
  return MOEC_OK;
}

void moec_session_set_tap(moec_session *session,
                          void (*tap)(void *host, const char *name,
                                      const moec_tensor *value),
                          void *host) {
  if (!isAlive(session))
    return;
  session->tap = tap;
  session->tapHost = host;
}
