// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Memory.h"

#include <cstdlib>
#include <cstring>

namespace moec::runtime {

static constexpr uint64_t arenaAlignment = 64;
static constexpr uint64_t blockSize = 64 << 10;

Allocator Allocator::standard() {
  Allocator allocator;
  allocator.allocate = [](void *, uint64_t size, uint64_t alignment) -> void * {
    void *pointer = nullptr;
    if (alignment < sizeof(void *))
      alignment = sizeof(void *);
    return posix_memalign(&pointer, alignment, size) == 0 ? pointer : nullptr;
  };
  allocator.deallocate = [](void *, void *pointer, uint64_t) { free(pointer); };
  return allocator;
}

Arena::~Arena() {
  while (blocks) {
    Block *next = blocks->next;
    allocator.deallocate(allocator.host, blocks, blocks->size);
    blocks = next;
  }
}

void *Arena::allocate(uint64_t size) {
  if (size > UINT64_MAX - 2 * arenaAlignment)
    return nullptr;
  size = (size + arenaAlignment - 1) / arenaAlignment * arenaAlignment;
  if (!blocks || blocks->size - blocks->used < size) {
    uint64_t wanted = arenaAlignment + size;
    if (wanted < blockSize)
      wanted = blockSize;
    void *memory = allocator.allocate(allocator.host, wanted, arenaAlignment);
    if (!memory)
      return nullptr;
    blocks = new (memory) Block{blocks, wanted, arenaAlignment};
  }
  void *result = reinterpret_cast<char *>(blocks) + blocks->used;
  blocks->used += size;
  memset(result, 0, size);
  return result;
}

} // namespace moec::runtime
