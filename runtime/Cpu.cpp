// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Cpu.h"

#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace moec::runtime {

#if defined(__x86_64__)

namespace {

enum Register { eax, ebx, ecx, edx };

/// State that the kernel must save for the feature to be usable: bits of XCR0.
enum State : uint64_t { none = 0, ymm = 0x6, zmm = 0xe6, tiles = 0x60000 };

struct Feature {
  const char *name;
  uint32_t leaf;
  uint32_t subleaf;
  Register where;
  uint32_t bit;
  State state;
};

constexpr Feature features[] = {
    {"sse4.2", 1, 0, ecx, 20, none},    {"popcnt", 1, 0, ecx, 23, none},
    {"movbe", 1, 0, ecx, 22, none},     {"lzcnt", 0x80000001, 0, ecx, 5, none},
    {"fma", 1, 0, ecx, 12, ymm},        {"f16c", 1, 0, ecx, 29, ymm},
    {"avx", 1, 0, ecx, 28, ymm},        {"bmi", 7, 0, ebx, 3, none},
    {"bmi2", 7, 0, ebx, 8, none},       {"avx2", 7, 0, ebx, 5, ymm},
    {"avx512f", 7, 0, ebx, 16, zmm},    {"avx512dq", 7, 0, ebx, 17, zmm},
    {"avx512cd", 7, 0, ebx, 28, zmm},   {"avx512bw", 7, 0, ebx, 30, zmm},
    {"avx512vl", 7, 0, ebx, 31, zmm},   {"avx512vnni", 7, 0, ecx, 11, zmm},
    {"avx512vbmi", 7, 0, ecx, 1, zmm},  {"avx512bf16", 7, 1, eax, 5, zmm},
    {"avxvnni", 7, 1, eax, 4, ymm},     {"avx512fp16", 7, 0, edx, 23, zmm},
    {"amx-tile", 7, 0, edx, 24, tiles}, {"amx-bf16", 7, 0, edx, 22, tiles},
    {"amx-int8", 7, 0, edx, 25, tiles},
};

struct Level {
  const char *name;
  const char *features[16]; ///< null-terminated
};

/// Ascending preference.
constexpr Level levels[] = {
    {"x86-64", {nullptr}},
    {"x86-64-v2", {"sse4.2", "popcnt", nullptr}},
    {"x86-64-v3",
     {"sse4.2", "popcnt", "movbe", "lzcnt", "fma", "f16c", "avx", "bmi", "bmi2",
      "avx2", nullptr}},
    {"x86-64-v4",
     {"sse4.2", "popcnt", "movbe", "lzcnt", "fma", "f16c", "avx2", "bmi",
      "bmi2", "avx512f", "avx512dq", "avx512cd", "avx512bw", "avx512vl",
      nullptr}},
};

} // namespace

static uint64_t readSavedState() {
  uint32_t registers[4];
  constexpr uint32_t osxsave = 1u << 27;
  if (!__get_cpuid(1, &registers[eax], &registers[ebx], &registers[ecx],
                   &registers[edx]) ||
      !(registers[ecx] & osxsave))
    return 0;
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t(high) << 32) | low;
}

bool hasCpuFeature(const char *name) {
  for (const Feature &feature : features) {
    if (strcmp(feature.name, name) != 0)
      continue;
    uint32_t registers[4];
    if (!__get_cpuid_count(feature.leaf, feature.subleaf, &registers[eax],
                           &registers[ebx], &registers[ecx], &registers[edx]))
      return false;
    return (registers[feature.where] >> feature.bit & 1) &&
           (readSavedState() & feature.state) == feature.state;
  }
  return false;
}

static const Level *findLevel(const char *name) {
  for (const Level &level : levels)
    if (strcmp(level.name, name) == 0)
      return &level;
  return nullptr;
}

int levelRank(const char *level) {
  const Level *found = findLevel(level);
  return found ? int(found - levels) + 1 : 0;
}

const char *missingLevelFeature(const char *level) {
  for (const char *const *feature = findLevel(level)->features; *feature;
       ++feature)
    if (!hasCpuFeature(*feature))
      return *feature;
  return nullptr;
}

#elif defined(__aarch64__)

// The base architecture has everything that the level needs.
int levelRank(const char *level) { return strcmp(level, "aarch64") == 0; }
const char *missingLevelFeature(const char *) { return nullptr; }
bool hasCpuFeature(const char *name) { return strcmp(name, "neon") == 0; }

#else
#error "moec's runtime does not know this processor"
#endif

} // namespace moec::runtime
