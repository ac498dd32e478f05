// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Telling a live object of the C interface from a null pointer and from one
// that was destroyed.

#ifndef MOEC_RUNTIME_HANDLE_H
#define MOEC_RUNTIME_HANDLE_H

#include "runtime/Error.h"

namespace moec::runtime {

/// A member of each object that callers hold. A destroyed object is known as
/// long as its memory was not given back to the system or used again.
template <uint64_t alive> class Mark {
public:
  Mark() = default;
  Mark(const Mark &) = delete;
  ~Mark() { value = 0; }
  bool isSet() const { return value == alive; }

private:
  /// Volatile: nobody reads it after the destructor, as far as the language
  /// knows.
  volatile uint64_t value = alive;
};

template <typename T> bool isAlive(const T *object) {
  return object && object->mark.isSet();
}

/// Fails for an object that is not alive; `what` is "session".
inline moec_status failDead(moec_error *error, const char *what) {
  return fail(error, MOEC_BAD_ARGUMENT, "the %s is null or was destroyed",
              what);
}

} // namespace moec::runtime

#endif // MOEC_RUNTIME_HANDLE_H
