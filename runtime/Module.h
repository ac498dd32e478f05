// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the opaque module and function of runtime.h are: the header's tables as
// plain arrays, and the loaded code.

#ifndef MOEC_RUNTIME_MODULE_H
#define MOEC_RUNTIME_MODULE_H

#include "runtime/ArtifactFile.h"
#include "runtime/CodeImage.h"
#include "runtime/Context.h"
#include "runtime/Memory.h"

namespace moec::runtime {

/// An argument or result of a function.
struct TensorType {
  const char *name;
  int32_t dtype;
  int32_t rank;
  const moec_dimension *dimensions;
  /// For each dimension the number of its symbol in the function, or -1.
  const int32_t *symbols;
};

/// A state of a session.
struct StateType {
  const char *name;
  int32_t dtype;
  int32_t rank;
  const moec_dimension *dimensions; ///< with default sizes
  const char *counts;               ///< may be null
};

} // namespace moec::runtime

struct moec_function {
  const moec_module *module;
  const char *name;
  const char *cName;
  const char *entryName;
  moec::runtime::TensorType *arguments;
  moec::runtime::TensorType *results;
  const uint32_t *parameters;
  const char *const *taps;
  const char **symbols; ///< names, by number
  const uint32_t *states;
  const char *appends; ///< may be null
  uint32_t numArguments;
  uint32_t numResults;
  uint32_t numParameters;
  uint32_t numTaps;
  uint32_t numSymbols;
  uint32_t numStates;
  /// Null when the module was loaded without code.
  int32_t (*entry)(const moec_frame *);
  int64_t (*workspace)(const moec_frame *);
};

struct moec_module {
  explicit moec_module(moec_context *context)
      : context(context), arena(context->allocator) {}

  moec_context *context;
  moec::runtime::Arena arena;
  moec::runtime::ArtifactFile file;
  moec::runtime::CodeImage code;
  const char *name = nullptr; ///< path, for messages
  const char *level = nullptr;
  moec_function *functions = nullptr;
  moec_parameter_info *parameters = nullptr;
  moec_variant_info *variants = nullptr;
  moec::runtime::StateType *states = nullptr;
  moec::runtime::Mark<0x6d6f65632d6d6f64> mark; // "moec-mod"

  uint32_t numFunctions() const { return file.header()->functions()->size(); }
  uint32_t numParameters() const { return file.header()->parameters()->size(); }
  uint32_t numStates() const {
    const auto *table = file.header()->states();
    return table ? table->size() : 0;
  }
  uint32_t numVariants() const { return file.header()->variants()->size(); }

  /// Whether `function` is one of this module's; it need not be alive.
  bool has(const moec_function *function) const {
    uintptr_t distance = uintptr_t(function) - uintptr_t(functions);
    return distance % sizeof(moec_function) == 0 &&
           distance / sizeof(moec_function) < numFunctions();
  }
  /// The position of a parameter, or numParameters().
  uint32_t findParameter(const char *name) const;
};

#endif // MOEC_RUNTIME_MODULE_H
