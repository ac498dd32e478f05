// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Host arrays on a device, for tests that run whole kernels.

#ifndef MOEC_TEST_PTX_BUFFERS_H
#define MOEC_TEST_PTX_BUFFERS_H

#include "test/ptx/Interpreter.h"

#include <bit>
#include <cmath>
#include <random>

namespace moec::ptx::test {

/// A device whose first error stays.
class Buffers {
public:
  explicit Buffers(const Module &module, const Options &options)
      : module(module), options(options) {}

  /// An array with its values, or, by its length, one that nobody wrote.
  template <typename T>
  uint64_t upload(const std::vector<T> &values, const std::string &name) {
    uint64_t address = device.allocate(values.size() * sizeof(T), name);
    keep(device.write(address, values.data(), values.size() * sizeof(T)));
    return address;
  }
  template <typename T>
  uint64_t allocate(size_t count, const std::string &name) {
    return device.allocate(count * sizeof(T), name);
  }
  template <typename T>
  std::vector<T> download(uint64_t address, size_t count) {
    std::vector<T> values(count);
    if (error.empty())
      keep(device.read(address, values.data(), count * sizeof(T)));
    return values;
  }
  /// Arguments as they stand in memory: uint64_t addresses, int, float.
  template <typename... T>
  void launch(const char *kernel, Dim3 grid, uint32_t threads, T... arguments) {
    const void *pointers[] = {&arguments...};
    if (!error.empty())
      return;
    Report report = ptx::launch(device, module, kernel, grid, {threads, 1, 1},
                                dynamicSharedBytes, pointers, options);
    counters.add(report.counters);
    keep(report.error);
  }
  void keep(const std::string &what) {
    if (error.empty())
      error = what;
  }
  /// Compares with a tolerance of `relative` times `scale`.
  void expect(float found, double expected, double scale, double relative,
              size_t index) {
    if (!(std::fabs(found - expected) <= relative * scale))
      keep("result " + std::to_string(index) + " is " + std::to_string(found) +
           ", expected " + std::to_string(expected));
  }

  size_t dynamicSharedBytes = 0;
  std::string error;
  /// Of all launches.
  Counters counters;
  Device device;

private:
  const Module &module;
  const Options &options;
};

inline std::vector<float> randomFloats(size_t count, std::mt19937 &random) {
  std::uniform_real_distribution<float> distribution(-1, 1);
  std::vector<float> values(count);
  for (float &value : values)
    value = distribution(random);
  return values;
}
/// bfloat16 as bits.
inline std::vector<uint16_t> randomBfloats(size_t count, std::mt19937 &random) {
  std::vector<uint16_t> values(count);
  for (size_t i = 0; i < count; ++i)
    values[i] = std::bit_cast<uint32_t>(randomFloats(1, random)[0]) >> 16;
  return values;
}
inline float bfloat(uint16_t bits) {
  return std::bit_cast<float>(uint32_t(bits) << 16);
}

} // namespace moec::ptx::test

#endif // MOEC_TEST_PTX_BUFFERS_H
