// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The graphs of graphs.py as one writes them by hand around a BLAS: decide,
// copy the rows of each expert, matrix products, add the weighted rows to their
// tokens. Experts run in parallel, each on one thread; a lone expert has all
// threads. The rest of the command line: the graph's name.

#include "bench/peers/Peer.h"
#include <algorithm>
#include <cblas.h>
#include <cmath>
#include <functional>
#include <memory>
#include <numeric>
#include <omp.h>

extern "C" void openblas_set_num_threads(int);
extern "C" char *openblas_get_config(void);

using namespace moec::peers;

namespace {
/// A sum of scores that none exceeds.
constexpr float kNoLimit = 1e30f;

/// y [m, n] = x [m, k] times w [n, k] transposed.
void multiply(int64_t m, int64_t n, int64_t k, const float *x, const float *w,
              float *y) {
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, int(m), int(n), int(k),
              1, x, int(k), w, int(k), 0, y, int(n));
}

/// The parameters in the order of the file.
class Reader {
public:
  explicit Reader(const Layer &layer) {
    std::FILE *file = std::fopen(layer.weightFile.c_str(), "rb");
    if (!file || std::fseek(file, 0, SEEK_END))
      Layer::fail("cannot read " + layer.weightFile);
    values.resize(size_t(std::ftell(file) - 4096) / 4);
    std::fseek(file, 4096, SEEK_SET);
    if (std::fread(values.data(), 4, values.size(), file) != values.size())
      Layer::fail("cannot read " + layer.weightFile);
    std::fclose(file);
  }
  std::vector<float> take(int64_t count) {
    const float *begin = values.data() + at;
    at += size_t(count);
    return {begin, begin + count};
  }

private:
  std::vector<float> values;
  size_t at = 0;
};

struct Assignment {
  int64_t token;
  float weight;
};
/// Of each expert, tokens in ascending order.
using Assignments = std::vector<std::vector<Assignment>>;

/// Stacks of SwiGLU experts; gate and up are one matrix, so that one product
/// reads the rows.
struct SwiGlu {
  int64_t d, width;
  std::vector<float> gateUp, down;

  SwiGlu(Reader &reader, int64_t experts, int64_t d, int64_t width)
      : d(d), width(width) {
    int64_t size = d * width;
    std::vector<float> gate = reader.take(experts * size);
    std::vector<float> up = reader.take(experts * size);
    down = reader.take(experts * size);
    for (int64_t e = 0; e < experts; ++e) {
      gateUp.insert(gateUp.end(), &gate[e * size], &gate[e * size] + size);
      gateUp.insert(gateUp.end(), &up[e * size], &up[e * size] + size);
    }
  }

  void run(int64_t expert, const float *rows, int64_t count, float *out) const {
    std::vector<float> both(count * 2 * width), product(count * width);
    multiply(count, 2 * width, d, rows, &gateUp[expert * 2 * d * width],
             both.data());
    for (int64_t r = 0; r < count; ++r)
      for (int64_t j = 0; j < width; ++j) {
        float gate = both[r * 2 * width + j];
        product[r * width + j] =
            gate / (1 + std::exp(-gate)) * both[r * 2 * width + width + j];
      }
    multiply(count, d, width, product.data(), &down[expert * d * width], out);
  }
};

/// One copy of a graph's weights, and how it is computed.
class Graph {
public:
  Graph(const Layer &layer, int64_t experts, Reader &reader)
      : layer(layer), d(layer.hidden), experts(experts),
        router(reader.take(experts * d)) {}
  virtual ~Graph() = default;
  virtual void run(const float *x, int64_t tokens, float *y) = 0;

protected:
  /// x times the router, [tokens, experts].
  std::vector<float> logits(const float *x, int64_t tokens) {
    std::vector<float> s(tokens * experts);
    openblas_set_num_threads(layer.threads);
    multiply(tokens, experts, d, x, router.data(), s.data());
    return s;
  }
  std::vector<float> sigmoids(const float *x, int64_t tokens) {
    std::vector<float> s = logits(x, tokens);
#pragma omp parallel for num_threads(layer.threads)
    for (size_t i = 0; i < s.size(); ++i)
      s[i] = 1 / (1 + std::exp(-s[i]));
    return s;
  }
  std::vector<float> softmax(const float *x, int64_t tokens) {
    std::vector<float> s = logits(x, tokens);
#pragma omp parallel for num_threads(layer.threads)
    for (int64_t t = 0; t < tokens; ++t) {
      float *row = &s[t * experts];
      float largest = *std::max_element(row, row + experts), sum = 0;
      for (int64_t e = 0; e < experts; ++e)
        sum += row[e] = std::exp(row[e] - largest);
      for (int64_t e = 0; e < experts; ++e)
        row[e] /= sum;
    }
    return s;
  }

  /// The `most` best experts of each token while the sum before is at most
  /// `limit`, with weights divided by their sum where `normalised`.
  Assignments chooseExperts(const std::vector<float> &scores, int64_t tokens,
                            int64_t most, float limit, bool normalised) {
    std::vector<int64_t> ids(tokens * most, -1);
    std::vector<float> sums(tokens);
#pragma omp parallel for num_threads(layer.threads)
    for (int64_t t = 0; t < tokens; ++t) {
      const float *s = &scores[t * experts];
      std::vector<int64_t> order(experts);
      std::iota(order.begin(), order.end(), 0);
      std::partial_sort(order.begin(), order.begin() + most, order.end(),
                        [&](int64_t a, int64_t b) {
                          return s[a] > s[b] || (s[a] == s[b] && a < b);
                        });
      for (int64_t j = 0; j < most && sums[t] <= limit; ++j)
        sums[t] += s[ids[t * most + j] = order[j]];
    }
    Assignments chosen(experts);
    for (int64_t t = 0; t < tokens; ++t)
      for (int64_t j = 0; j < most; ++j)
        if (int64_t e = ids[t * most + j]; e >= 0)
          chosen[e].push_back(
              {t, scores[t * experts + e] / (normalised ? sums[t] : 1)});
    return chosen;
  }

  /// The `capacity` best tokens of each expert.
  Assignments chooseTokens(const std::vector<float> &scores, int64_t tokens,
                           int64_t capacity) {
    Assignments chosen(experts);
#pragma omp parallel for num_threads(layer.threads)
    for (int64_t e = 0; e < experts; ++e) {
      auto score = [&](int64_t t) { return scores[t * experts + e]; };
      std::vector<int64_t> order(tokens);
      std::iota(order.begin(), order.end(), 0);
      std::partial_sort(order.begin(), order.begin() + capacity, order.end(),
                        [&](int64_t a, int64_t b) {
                          return score(a) > score(b) ||
                                 (score(a) == score(b) && a < b);
                        });
      std::sort(order.begin(), order.begin() + capacity);
      for (int64_t i = 0; i < capacity; ++i)
        chosen[e].push_back({order[i], score(order[i])});
    }
    return chosen;
  }

  /// Adds to y, for each expert, its weighted results. `body(expert, rows,
  /// count, out)` computes [count, d] from [count, d].
  void apply(const Assignments &chosen, const float *x, int64_t tokens,
             float *y,
             const std::function<void(int64_t, const float *, int64_t, float *)>
                 &body) {
    std::vector<int64_t> start(chosen.size() + 1);
    for (size_t e = 0; e < chosen.size(); ++e)
      start[e + 1] = start[e] + int64_t(chosen[e].size());
    std::vector<float> rows(start.back() * d), out(start.back() * d);
    std::vector<std::vector<std::pair<int64_t, float>>> ofToken(tokens);
    for (size_t e = 0; e < chosen.size(); ++e)
      for (size_t i = 0; i < chosen[e].size(); ++i)
        ofToken[chosen[e][i].token].push_back(
            {start[e] + int64_t(i), chosen[e][i].weight});
    bool isLone = chosen.size() == 1;
    openblas_set_num_threads(isLone ? layer.threads : 1);
#pragma omp parallel for schedule(dynamic, 1)                                  \
    num_threads(layer.threads) if (!isLone)
    for (size_t e = 0; e < chosen.size(); ++e) {
      if (chosen[e].empty())
        continue;
      float *to = &rows[start[e] * d];
      for (size_t i = 0; i < chosen[e].size(); ++i)
        std::copy_n(x + chosen[e][i].token * d, d, to + int64_t(i) * d);
      body(int64_t(e), to, int64_t(chosen[e].size()), &out[start[e] * d]);
    }
#pragma omp parallel for num_threads(layer.threads)
    for (int64_t t = 0; t < tokens; ++t)
      for (auto [row, weight] : ofToken[t])
        for (int64_t c = 0; c < d; ++c)
          y[t * d + c] += weight * out[row * d + c];
  }

  const Layer &layer;
  int64_t d, experts;
  std::vector<float> router;
};

struct Lora : Graph {
  static constexpr int64_t rank = 16;
  std::vector<float> base, a, b;
  Lora(const Layer &layer, Reader &reader)
      : Graph(layer, 64, reader), base(reader.take(d * d)),
        a(reader.take(64 * rank * d)), b(reader.take(64 * rank * d)) {}
  void run(const float *x, int64_t tokens, float *y) override {
    Assignments chosen =
        chooseExperts(softmax(x, tokens), tokens, 2, kNoLimit, true);
    openblas_set_num_threads(layer.threads);
    multiply(tokens, d, d, x, base.data(), y);
    apply(chosen, x, tokens, y,
          [&](int64_t e, const float *rows, int64_t count, float *out) {
            std::vector<float> low(count * rank);
            multiply(count, rank, d, rows, &a[e * rank * d], low.data());
            multiply(count, d, rank, low.data(), &b[e * rank * d], out);
          });
  }
};

struct RankOne : Graph {
  std::vector<float> a, b;
  RankOne(const Layer &layer, Reader &reader)
      : Graph(layer, 1024, reader), a(reader.take(1024 * d)),
        b(reader.take(1024 * d)) {}
  void run(const float *x, int64_t tokens, float *y) override {
    Assignments chosen =
        chooseExperts(sigmoids(x, tokens), tokens, 16, kNoLimit, true);
    apply(chosen, x, tokens, y,
          [&](int64_t e, const float *rows, int64_t count, float *out) {
            std::vector<float> inner(count);
            cblas_sgemv(CblasRowMajor, CblasNoTrans, int(count), int(d), 1,
                        rows, int(d), &a[e * d], 1, 0, inner.data(), 1);
            for (int64_t r = 0; r < count; ++r)
              for (int64_t c = 0; c < d; ++c)
                out[r * d + c] = std::max(inner[r], 0.0f) * b[e * d + c];
          });
  }
};

struct TopP : Graph {
  SwiGlu bank;
  TopP(const Layer &layer, Reader &reader)
      : Graph(layer, 16, reader), bank(reader, 16, d, d) {}
  void run(const float *x, int64_t tokens, float *y) override {
    apply(chooseExperts(softmax(x, tokens), tokens, 8, 0.4f, false), x, tokens,
          y, [&](auto... all) { bank.run(all...); });
  }
};

struct ExpertChoice : Graph {
  SwiGlu bank;
  ExpertChoice(const Layer &layer, Reader &reader)
      : Graph(layer, 16, reader), bank(reader, 16, d, d) {}
  void run(const float *x, int64_t tokens, float *y) override {
    apply(chooseTokens(softmax(x, tokens), tokens, (tokens + 7) / 8), x, tokens,
          y, [&](auto... all) { bank.run(all...); });
  }
};

struct MixtureOfDepths : Graph {
  SwiGlu bank;
  MixtureOfDepths(const Layer &layer, Reader &reader)
      : Graph(layer, 1, reader), bank(reader, 1, d, 4 * d) {}
  void run(const float *x, int64_t tokens, float *y) override {
    Assignments chosen =
        chooseTokens(sigmoids(x, tokens), tokens, (tokens + 1) / 2);
    std::copy_n(x, tokens * d, y);
    apply(chosen, x, tokens, y, [&](auto... all) { bank.run(all...); });
  }
};

struct NullExperts : Graph {
  SwiGlu bank;
  NullExperts(const Layer &layer, Reader &reader)
      : Graph(layer, 32, reader), bank(reader, 16, d, d) {}
  void run(const float *x, int64_t tokens, float *y) override {
    Assignments chosen =
        chooseExperts(softmax(x, tokens), tokens, 4, kNoLimit, true);
    chosen.resize(16);
    apply(chosen, x, tokens, y, [&](auto... all) { bank.run(all...); });
  }
};

struct Heterogeneous : Graph {
  SwiGlu small, middle, large;
  Heterogeneous(const Layer &layer, Reader &reader)
      : Graph(layer, 16, reader), small(reader, 8, d, d / 4),
        middle(reader, 4, d, d), large(reader, 2, d, 2 * d) {}
  void run(const float *x, int64_t tokens, float *y) override {
    apply(chooseExperts(softmax(x, tokens), tokens, 2, kNoLimit, true), x,
          tokens, y,
          [&](int64_t e, const float *rows, int64_t count, float *out) {
            if (e < 8)
              small.run(e, rows, count, out);
            else if (e < 12)
              middle.run(e - 8, rows, count, out);
            else if (e < 14)
              large.run(e - 12, rows, count, out);
            else
              std::copy_n(rows, count * d, out);
          });
  }
};

template <typename G>
std::unique_ptr<Graph> make(const Layer &layer, Reader &reader) {
  return std::make_unique<G>(layer, reader);
}

const std::pair<const char *,
                std::unique_ptr<Graph> (*)(const Layer &, Reader &)>
    kGraphs[] = {{"lora", make<Lora>},
                 {"rank-one", make<RankOne>},
                 {"top-p", make<TopP>},
                 {"expert-choice", make<ExpertChoice>},
                 {"mixture-of-depths", make<MixtureOfDepths>},
                 {"null-experts", make<NullExperts>},
                 {"heterogeneous", make<Heterogeneous>}};
} // namespace

int main(int argc, char **argv) {
  Layer layer(argc, argv);
  std::vector<std::unique_ptr<Graph>> copies;
  for (int i = 0; i < layer.copies; ++i)
    for (auto [name, maker] : kGraphs)
      if (layer.rest.at(0) == name) {
        Reader reader(layer);
        copies.push_back(maker(layer, reader));
      }
  if (copies.empty())
    Layer::fail("there is no graph " + layer.rest[0]);
  return converse(layer, openblas_get_config(),
                  [&](const float *x, int64_t tokens, float *y, int copy) {
                    double begin = now();
                    copies[size_t(copy)]->run(x, tokens, y);
                    return now() - begin;
                  });
}
