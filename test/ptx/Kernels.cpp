// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/ptx/Kernels.h"

#include "test/ptx/Buffers.h"
#include "test/ptx/TensorMap.h"

#include <algorithm>
#include <fstream>
#include <sstream>

using namespace moec::ptx;
using namespace moec::ptx::test;

std::string test::readKernels(const std::string &name) {
  std::ifstream file(std::string(MOEC_PTX_KERNELS) + "/" + name);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<Schedule> test::schedules(int size) {
  if (size > 250 && size < 300)
    return {{}};
  return {{false, false, 0, false},
          {true, true, 0, true},
          {true, false, 1, false},
          {false, false, 2, true}};
}

/// c[i][j] = sum of a[rows[i]][k] b[j][k]: launches what computes it.
template <typename F>
static std::string multiply(const Module &module, const Options &options,
                            int depth, int tileRows, F launch) {
  // Every size ends elsewhere in the second tile of rows and of 32 columns.
  const int m = tileRows + 1 + depth * 5 / 8 % (tileRows - 1);
  const int n = 33 + depth * 3 / 8 % 31;
  const int sources = 50;
  std::mt19937 random(depth);
  Buffers b(module, options);
  auto x = randomBfloats(sources * depth, random);
  auto y = randomBfloats(n * depth, random);
  std::vector<int> rows(m);
  for (int &row : rows)
    row = random() % sources;
  rows[0] = sources - 1; // behind it, the array ends
  uint64_t c = b.allocate<float>(m * n, "c");
  launch(b, b.upload(x, "a"), b.upload(rows, "rows"), b.upload(y, "b"), c, m,
         n);
  auto found = b.download<float>(c, m * n);
  for (int i = 0; i < m; ++i)
    for (int j = 0; j < n; ++j) {
      double sum = 0, scale = 0;
      for (int k = 0; k < depth; ++k) {
        double product =
            double(bfloat(x[rows[i] * depth + k])) * bfloat(y[j * depth + k]);
        sum += product;
        scale += std::fabs(product);
      }
      b.expect(found[i * n + j], sum, scale, 1e-6, i * n + j);
    }
  return b.error;
}

static std::string gemm(const Module &module, const Options &options,
                        int depth) {
  return multiply(module, options, depth, 32,
                  [&](Buffers &b, uint64_t a, uint64_t rows, uint64_t y,
                      uint64_t c, int m, int n) {
                    b.launch("gemm", {2, 2, 1}, 128, a, rows, y, c, m, n,
                             depth);
                  });
}

static std::string hopper(const Module &module, const Options &options,
                          int depth) {
  return multiply(module, options, depth, 64,
                  [&](Buffers &b, uint64_t a, uint64_t rows, uint64_t y,
                      uint64_t c, int m, int n) {
                    TensorMap map;
                    map.swizzle = Swizzle::B128;
                    map.base = y;
                    map.dims = {uint64_t(depth), uint64_t(n)};
                    map.strides = {uint64_t(depth) * 2};
                    map.box = {64, 32};
                    EncodedTensorMap encoded;
                    b.keep(encode(map, encoded));
                    b.launch("gemm", {2, 2, 1}, 128, a, rows, encoded, c, m, n,
                             depth);
                  });
}

/// Triton adds two pointers to memory of its own, here none.
static std::string triton(const Module &module, const Options &options,
                          int depth) {
  return multiply(module, options, depth, 64,
                  [&](Buffers &b, uint64_t a, uint64_t rows, uint64_t y,
                      uint64_t c, int m, int n) {
                    b.dynamicSharedBytes = 18432;
                    b.launch("expert_matmul", {2, 2, 1}, 128, a, rows, y, c, m,
                             n, depth, uint64_t(0), uint64_t(0));
                  });
}

static std::string softmax(const Module &module, const Options &options,
                           int n) {
  const int rows = 5;
  std::mt19937 random(n);
  Buffers b(module, options);
  auto x = randomFloats(rows * n, random);
  for (float &value : x)
    value *= 9;
  uint64_t y = b.allocate<float>(x.size(), "y");
  b.launch("softmax", {3, 1, 1}, 64, b.upload(x, "x"), y, rows, n);
  auto found = b.download<float>(y, x.size());
  for (int i = 0; i < rows; ++i) {
    double sum = 0;
    for (int j = 0; j < n; ++j)
      sum += std::exp(double(x[i * n + j]));
    for (int j = 0; j < n; ++j) {
      double expected = std::exp(double(x[i * n + j])) / sum;
      b.expect(found[i * n + j], expected, expected, 1e-5, i * n + j);
    }
  }
  return b.error;
}

static std::string offsets(const Module &module, const Options &options,
                           int count) {
  std::mt19937 random(count);
  Buffers b(module, options);
  std::vector<int> ids(count), expected(65);
  for (int &id : ids) {
    id = random() % 68 - 2; // some out of range
    for (int e = id; id >= 0 && id < 64 && e < 64; ++e)
      ++expected[e + 1];
  }
  uint64_t found = b.allocate<int>(65, "offsets");
  b.launch("offsets", {1, 1, 1}, 128, b.upload(ids, "ids"), count, found);
  if (b.download<int>(found, 65) != expected)
    b.keep("wrong offsets");
  return b.error;
}

const std::vector<Case> test::sm80Cases = {
    {"gemm", gemm, {0, 24, 32, 40, 64, 72, 96, 128, 152, 160, 200}},
    {"softmax", softmax, {0, 1, 40, 96}},
    {"offsets", offsets, {0, 100, 700}},
};

/// One tile of halves, whose products are exact.
static std::string tile(const Module &module, const Options &options, int) {
  std::mt19937 random(1);
  Buffers b(module, options);
  std::vector<_Float16> x(16 * 16), y(8 * 16);
  for (auto *values : {&x, &y})
    for (_Float16 &value : *values)
      value = int(random() % 17) - 8;
  uint64_t c = b.allocate<float>(16 * 8, "c");
  b.launch("product", {1, 1, 1}, 32, b.upload(x, "a"), b.upload(y, "b"), c);
  auto found = b.download<float>(c, 16 * 8);
  for (int i = 0; i < 16; ++i)
    for (int j = 0; j < 8; ++j) {
      double sum = 0;
      for (int k = 0; k < 16; ++k)
        sum += double(x[i * 16 + k]) * double(y[j * 16 + k]);
      b.expect(found[i * 8 + j], sum, 0, 0, i * 8 + j);
    }
  return b.error;
}

const Case test::mlirCase = {"product", tile, {0}};

const Case test::hopperCase = {"gemm",
                               hopper,
                               {8, 16, 24, 32, 64, 72, 80, 88, 96, 128, 160,
                                184, 224, 256, 320, 400, 456}};

const Case test::tritonCase = {
    "expert_matmul", triton, {16, 32, 48, 64, 96, 112, 160}};

/// The layer's sizes in the fixture.
static constexpr int hidden = 32, experts = 8, wide = 48;

/// x W down, of the two best experts by softmax.
static std::vector<double>
layerReference(const std::vector<float> &x, const std::vector<float> &router,
               const std::vector<float> &gate, const std::vector<float> &up,
               const std::vector<float> &down, int tokens) {
  std::vector<double> out(tokens * hidden);
  for (int t = 0; t < tokens; ++t) {
    auto dot = [&](const std::vector<float> &w, size_t row) {
      double sum = 0;
      for (int h = 0; h < hidden; ++h)
        sum += double(x[t * hidden + h]) * w[row * hidden + h];
      return sum;
    };
    std::vector<std::pair<double, int>> scores;
    for (int e = 0; e < experts; ++e)
      scores.push_back({-dot(router, e), e});
    if (std::isnan(scores[0].first))
      continue; // no expert is chosen
    std::sort(scores.begin(), scores.end());
    double sum = 1 + std::exp(scores[0].first - scores[1].first);
    for (int k = 0; k < 2; ++k) {
      int e = scores[k].second;
      double weight = std::exp(scores[0].first - scores[k].first) / sum;
      for (int f = 0; f < wide; ++f) {
        double g = dot(gate, e * wide + f);
        double value = g / (1 + std::exp(-g)) * dot(up, e * wide + f);
        for (int h = 0; h < hidden; ++h)
          out[t * hidden + h] +=
              weight * value * down[(e * hidden + h) * wide + f];
      }
    }
  }
  return out;
}

static std::string layer(const Module &module, const Options &options,
                         int tokens) {
  std::mt19937 random(tokens);
  Buffers b(module, options);
  auto x = randomFloats(tokens * hidden, random);
  auto router = randomFloats(experts * hidden, random);
  // A token without an expert; experts that tie with the next; scores whose
  // powers are only finite after the greatest was subtracted.
  if (tokens == 7)
    x[3 * hidden] = NAN;
  if (tokens == 7 || tokens == 15 || tokens == 33)
    for (int e = tokens < 33; e + 1 < experts; e += 2)
      std::copy_n(&router[e * hidden], hidden, &router[(e + 1) * hidden]);
  if (tokens == 1)
    for (float &value : router)
      value *= 2000;
  auto gate = randomFloats(experts * wide * hidden, random);
  auto up = randomFloats(experts * wide * hidden, random);
  auto down = randomFloats(experts * wide * hidden, random);
  const int64_t t = tokens, rows = 2 * t;
  auto floats = [&](int64_t count, const char *name) {
    return b.allocate<float>(count, name);
  };
  auto ints = [&](int64_t count, const char *name) {
    return b.allocate<int>(count, name);
  };
  uint64_t in = b.upload(x, "hidden"), r = b.upload(router, "router"),
           wg = b.upload(gate, "gate"), wu = b.upload(up, "up"),
           wd = b.upload(down, "down");
  uint64_t logits = floats(t * experts, "logits"), ids = ints(rows, "ids"),
           chosen = floats(rows, "chosen"), top = floats(t, "top"),
           powers = floats(rows, "powers"), sums = floats(t, "sums"),
           weights = floats(rows, "weights"), first = ints(9, "offsets"),
           from = ints(rows, "tokens"), slots = ints(rows, "slots"),
           act = floats(rows * wide, "activated"),
           parts = floats(rows * hidden, "parts"),
           out = floats(t * hidden, "out");
  auto call = [&](const char *kernel, int64_t threads, auto... arguments) {
    b.launch(kernel, {uint32_t((threads + 255) / 256), 1, 1}, 256,
             arguments...);
  };
  call("matmul_0", t * experts, in, t, r, logits, t, t);
  call("select_1", t, logits, t, ids, t, t);
  call("elementwise_2", rows, ids, t, logits, t, chosen, t, t);
  call("fill_3", t, top, t, t);
  call("reduce_4", t, chosen, t, top, t, t);
  call("elementwise_5", rows, chosen, t, top, t, powers, t, t);
  call("fill_6", t, sums, t, t);
  call("reduce_7", t, powers, t, sums, t, t);
  call("elementwise_8", rows, powers, t, sums, t, ids, t, weights, t, t);
  call("count_rows_9", experts, ids, t, t, first);
  call("sequential_10", 1, first);
  call("place_rows_11", experts, first, ids, t, from, rows, slots, rows, t);
  call("grouped_matmul_12", rows * wide, first, from, rows, in, t, wg, wu, act,
       rows, rows);
  call("fill_13", t * hidden, out, t, t);
  call("grouped_matmul_14", rows * hidden, first, from, rows, slots, rows,
       weights, t, act, rows, wd, parts, rows, rows);
  call("combine_15", hidden, first, from, rows, parts, rows, out, t);
  auto found = b.download<float>(out, t * hidden);
  auto expected = layerReference(x, router, gate, up, down, tokens);
  for (size_t i = 0; i < found.size(); ++i)
    b.expect(found[i], expected[i], 10, 1e-5, i);
  return b.error;
}

const Case test::layerCase = {"layer", layer, {0, 1, 2, 4, 7, 15, 33, 260}};
