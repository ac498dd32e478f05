// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/ptx/Buffers.h"
#include "test/ptx/Kernels.h"

#include <utility>

using namespace moec::ptx;
using namespace moec::ptx::test;

namespace {
constexpr int experts = 4, slotsPerToken = 2;

/// Rows by expert, those of a token in any order. Tokens without an expert have
/// an id of -1.
struct Routing {
  explicit Routing(int numTokens, std::mt19937 &random) {
    std::vector<int> ids(numTokens * slotsPerToken);
    // No row is of expert 1.
    for (int &id : ids)
      id = numTokens == 130 ? 2 : std::vector{-1, 0, 2, 3}[random() % 4];
    for (int e = 0; e < experts; ++e) {
      for (size_t i = 0; i < ids.size(); ++i)
        if (ids[i] == e) {
          tokens.push_back(i / slotsPerToken);
          slots.push_back(i % slotsPerToken);
          groups.push_back(e);
        }
      offsets.push_back(tokens.size());
    }
  }
  std::vector<int> offsets{0}, tokens, slots, groups;
};

/// Values that are read as T, and what they are.
template <typename T> struct Matrix {
  Matrix(size_t count, std::mt19937 &random) {
    if constexpr (sizeof(T) == 2)
      bits = randomBfloats(count, random);
    else
      bits = randomFloats(count, random);
  }
  double at(size_t i) const {
    if constexpr (sizeof(T) == 2)
      return bfloat(bits[i]);
    else
      return bits[i];
  }
  std::vector<T> bits;
};

/// The sum of products of row i of x and row j of y, and of their sizes.
template <typename T>
std::pair<double, double> dot(const Matrix<T> &x, size_t i, const Matrix<T> &y,
                              size_t j, int depth) {
  double sum = 0, scale = 0;
  for (int k = 0; k < depth; ++k) {
    double product = x.at(i * depth + k) * y.at(j * depth + k);
    sum += product;
    scale += std::fabs(product);
  }
  return {sum, scale};
}

/// Rows are read once for each tile of columns, weights for each tile of rows.
void checkTraffic(Buffers &b, const Routing &routing, int depth) {
  constexpr int columns = 72, tileRows = 32, tileColumns = 64, bytes = 2;
  uint64_t rows = routing.tokens.size(), rowTiles = 0;
  for (int e = 0; e < experts; ++e)
    rowTiles +=
        (routing.offsets[e + 1] - routing.offsets[e] + tileRows - 1) / tileRows;
  uint64_t columnTiles = (columns + tileColumns - 1) / tileColumns;
  for (auto [name, expected] : {std::pair{"x", rows * columnTiles},
                                std::pair{"gate", rowTiles * columns},
                                std::pair{"up", rowTiles * columns}})
    if (uint64_t found = b.counters.buffers[name].readBytes;
        found != expected * depth * bytes)
      b.keep(std::string(name) + ": read " + std::to_string(found) +
             " bytes, expected " + std::to_string(expected * depth * bytes));
  if (b.counters.sharedWavefronts != b.counters.idealWavefronts)
    b.keep("bank conflicts");
}

// Sums of f32 in another order; three products of tf32 leave out 2^-21.
constexpr double tolerance = 2e-6;

template <int depth>
std::string gateUp(const Module &module, const Options &options, int tokens) {
  constexpr int columns = 72;
  std::mt19937 random(tokens);
  Buffers b(module, options);
  Routing routing(tokens, random);
  Matrix<uint16_t> x(tokens * depth, random),
      gate(experts * columns * depth, random),
      up(experts * columns * depth, random);
  auto scales = randomFloats(tokens * slotsPerToken + experts, random);
  const size_t rows = routing.tokens.size();
  uint64_t y = b.allocate<float>(rows * columns, "y");
  b.dynamicSharedBytes = 4 * 64 * (32 + 2 * 64);
  b.launch(("gate_up_" + std::to_string(depth)).c_str(), {3, 1, 1}, 256,
           b.upload(x.bits, "x"), b.upload(gate.bits, "gate"),
           b.upload(up.bits, "up"), y, b.upload(scales, "scales"),
           b.upload(routing.offsets, "offsets"),
           b.upload(routing.tokens, "tokens"),
           b.upload(routing.slots, "slots"));
  if (options.count)
    checkTraffic(b, routing, depth);
  auto found = b.download<float>(y, rows * columns);
  for (size_t r = 0; r < rows; ++r)
    for (int n = 0; n < columns; ++n) {
      int e = routing.groups[r], t = routing.tokens[r];
      auto [g, sizeG] = dot(x, t, gate, e * columns + n, depth);
      auto [u, sizeU] = dot(x, t, up, e * columns + n, depth);
      double expected =
          g * scales[t * slotsPerToken + routing.slots[r]] + u * scales[e];
      b.expect(found[r * columns + n], expected, sizeG + sizeU, tolerance,
               r * columns + n);
    }
  return b.error;
}

std::string down(const Module &module, const Options &options, int tokens) {
  constexpr int columns = 136, depth = 36;
  std::mt19937 random(tokens);
  Buffers b(module, options);
  Routing routing(tokens, random);
  const size_t rows = routing.tokens.size();
  Matrix<float> x(rows * depth, random), w(experts * columns * depth, random);
  auto scales = randomFloats(tokens * slotsPerToken + experts, random);
  uint64_t y = b.allocate<float>(rows * columns, "y");
  b.dynamicSharedBytes = 4 * 64 * (16 + 128);
  b.launch("down_36", {3, 1, 1}, 256, b.upload(x.bits, "x"),
           b.upload(w.bits, "down"), y, b.upload(scales, "scales"),
           b.upload(routing.offsets, "offsets"),
           b.upload(routing.tokens, "tokens"),
           b.upload(routing.slots, "slots"));
  auto found = b.download<float>(y, rows * columns);
  for (size_t r = 0; r < rows; ++r)
    for (int n = 0; n < columns; ++n) {
      int e = routing.groups[r];
      auto [sum, size] = dot(x, r, w, e * columns + n, depth);
      size_t slot = routing.tokens[r] * slotsPerToken + routing.slots[r];
      b.expect(found[r * columns + n], sum * scales[slot] + scales[e], 1 + size,
               tolerance, r * columns + n);
    }
  return b.error;
}

std::string dense(const Module &module, const Options &options, int rows) {
  constexpr int columns = 64, depth = 80;
  std::mt19937 random(rows);
  Buffers b(module, options);
  Matrix<float> x(rows * depth, random), w(columns * depth, random);
  uint64_t y = b.allocate<float>(rows * columns, "y");
  b.dynamicSharedBytes = 4 * 64 * (64 + 64);
  b.launch("dense_80", {2, 1, 1}, 256, b.upload(x.bits, "x"),
           b.upload(w.bits, "w"), y, rows);
  auto found = b.download<float>(y, rows * columns);
  for (int r = 0; r < rows; ++r)
    for (int n = 0; n < columns; ++n) {
      auto [sum, size] = dot(x, r, w, n, depth);
      b.expect(found[r * columns + n], sum, size, tolerance, r * columns + n);
    }
  return b.error;
}

const std::vector<int> sizes = {0, 1, 7, 33, 130};
} // namespace

const std::vector<Case> test::tilesCases = {
    {"gate_up_24", gateUp<24>, sizes},   {"gate_up_176", gateUp<176>, sizes},
    {"gate_up_256", gateUp<256>, sizes}, {"down_36", down, sizes},
    {"dense_80", dense, sizes},
};
