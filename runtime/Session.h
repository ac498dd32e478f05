// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a session is; its life is in Session.cpp, calls are in Call.cpp.

#ifndef MOEC_RUNTIME_SESSION_H
#define MOEC_RUNTIME_SESSION_H

#include "runtime/SessionState.h"

struct moec_session {
  explicit moec_session(const moec_module *module)
      : module(module), arena(module->context->allocator) {}

  const moec_module *module;
  moec::runtime::Arena arena;
  /// Where each parameter of the module is: mapped, or this session's copy.
  const void **parameters = nullptr;
  /// The frame's table of each function, one after the other.
  const void **tables = nullptr;
  uint64_t *tableStarts = nullptr; ///< by function
  moec::runtime::SessionState state;
  void (*tap)(void *host, const char *name, const moec_tensor *value) = nullptr;
  void *tapHost = nullptr;
  moec::runtime::Mark<0x6d6f65632d736573> mark; // "moec-ses"
};

#endif // MOEC_RUNTIME_SESSION_H
