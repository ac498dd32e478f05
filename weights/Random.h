// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The values of #moe.random: a function of seed and flat index only, so any
// range can be made at any time and in any order.
//
//   h = splitmix64(splitmix64(seed) + index)
//   u = sum of the four 16-bit fields of h
//   value = float(u - 131070) * float(std / sqrt((2^32 - 1) / 3))
//
// where splitmix64(x) adds 0x9E3779B97F4A7C15 to x and applies the finaliser of
// that name. Four uniform fields come near enough to a normal distribution
// (mean 0, standard deviation `std`, no value beyond 3.47 `std`) and need no
// function whose last bit depends on the C library.

#ifndef MOEC_WEIGHTS_RANDOM_H
#define MOEC_WEIGHTS_RANDOM_H

#include <cstdint>

namespace moec {

enum class RandomElement { F32, F16, BF16 };

/// Writes values [first, first + count), rounded to nearest even, to `out`.
void fillRandom(int64_t seed, double std, RandomElement element, uint64_t first,
                int64_t count, void *out);

} // namespace moec

#endif // MOEC_WEIGHTS_RANDOM_H
