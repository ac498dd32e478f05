// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The states of a session: their sizes, memory and use.

#ifndef MOEC_RUNTIME_SESSIONSTATE_H
#define MOEC_RUNTIME_SESSIONSTATE_H

#include "runtime/Tensors.h"

namespace moec::runtime {

class SessionState {
public:
  /// Reserves memory from the arena, as zeros. Sizes are those of `options`,
  /// which may be null, or the module's own.
  moec_status build(const moec_module &module,
                    const moec_session_options *options, Arena &arena,
                    moec_error *error);
  void reset();
  /// Options that make a session of the same sizes; false: out of memory.
  bool describeSizes(Arena &arena, moec_session_options &options) const;
  /// The other is of the same sizes.
  void copyFrom(const SessionState &other);

  /// Tokens of the longest sequence.
  int64_t length() const;
  void truncate(int64_t length);

  /// The states of a function in the order of its frame.
  const moec_tensor *tableOf(const moec_function &function) const;
  /// Sizes of states that these arguments disagree with, or too little room for
  /// what the function appends, are errors.
  moec_status check(const moec_function &function, const SymbolSizes &symbols,
                    moec_error *error) const;

private:
  bool allocate(Arena &arena);

  const moec_module *module = nullptr;
  moec_tensor *states = nullptr; ///< by position in the module
  uint64_t *bytes = nullptr;
  moec_tensor *tables = nullptr; ///< each function's, one after the other
  uint64_t *tableStarts = nullptr;
};

/// Describes the states of a function in a session that has the sizes that
/// `symbols` knows, and default sizes otherwise, without memory. `states` has
/// room for each, `shapes` for maxRank sizes of each.
void describeStates(const moec_function &function, const SymbolSizes &symbols,
                    moec_tensor *states, int64_t (*shapes)[schema::maxRank]);

} // namespace moec::runtime

#endif // MOEC_RUNTIME_SESSIONSTATE_H
