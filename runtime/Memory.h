// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Memory through the host's hooks. The runtime has no containers: an object
// that needs tables owns an Arena, which gives everything back at once.

#ifndef MOEC_RUNTIME_MEMORY_H
#define MOEC_RUNTIME_MEMORY_H

#include <cstddef>
#include <cstdint>
#include <new>

namespace moec::runtime {

/// The allocation hooks of a context; the defaults use the C library.
struct Allocator {
  void *host = nullptr;
  void *(*allocate)(void *host, uint64_t size, uint64_t alignment) = nullptr;
  void (*deallocate)(void *host, void *pointer, uint64_t size) = nullptr;

  static Allocator standard();

  template <typename T> T *create() const {
    void *memory = allocate(host, sizeof(T), alignof(T));
    return memory ? new (memory) T() : nullptr;
  }
  template <typename T> void destroy(T *object) const {
    if (!object)
      return;
    object->~T();
    deallocate(host, object, sizeof(T));
  }
};

class Arena {
public:
  explicit Arena(const Allocator &allocator) : allocator(allocator) {}
  Arena(const Arena &) = delete;
  Arena &operator=(const Arena &) = delete;
  ~Arena();

  /// Zeroed memory, aligned to at least 64; null when there is none. Zero bytes
  /// give a pointer, too.
  void *allocate(uint64_t size);

  template <typename T> T *array(uint64_t count) {
    uint64_t size;
    if (__builtin_mul_overflow(count, sizeof(T), &size))
      return nullptr;
    return static_cast<T *>(allocate(size));
  }

private:
  struct Block {
    Block *next;
    uint64_t size; ///< of the whole block
    uint64_t used;
  };

  Allocator allocator;
  Block *blocks = nullptr; ///< the first has room
};

} // namespace moec::runtime

#endif // MOEC_RUNTIME_MEMORY_H
