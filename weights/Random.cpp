// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "weights/Random.h"
#include "weights/encodings/Floats.h"
#include <cmath>

using namespace moec;

static uint64_t splitmix64(uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

static float makeValue(uint64_t key, uint64_t index, float scale) {
  uint64_t hash = splitmix64(key + index);
  uint64_t pairs =
      (hash & 0x0000FFFF0000FFFFu) + ((hash >> 16) & 0x0000FFFF0000FFFFu);
  auto sum = static_cast<int32_t>((pairs & 0xFFFFFFFFu) + (pairs >> 32));
  return static_cast<float>(sum - 131070) * scale;
}

void moec::fillRandom(int64_t seed, double std, RandomElement element,
                      uint64_t first, int64_t count, void *out) {
  uint64_t key = splitmix64(static_cast<uint64_t>(seed));
  float scale = static_cast<float>(std / std::sqrt(4294967295.0 / 3.0));
  auto *halves = static_cast<uint16_t *>(out);
  switch (element) {
  case RandomElement::F32:
    for (int64_t i = 0; i < count; ++i)
      static_cast<float *>(out)[i] = makeValue(key, first + i, scale);
    return;
  case RandomElement::BF16:
    for (int64_t i = 0; i < count; ++i)
      halves[i] = roundToBf16(makeValue(key, first + i, scale));
    return;
  case RandomElement::F16:
    for (int64_t i = 0; i < count; ++i)
      halves[i] = roundToF16(makeValue(key, first + i, scale));
    return;
  }
}
