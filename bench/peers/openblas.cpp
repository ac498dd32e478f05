// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The loop that one writes by hand around a BLAS: sort by expert, copy the rows
// of an expert, three matrix products, add the weighted rows. Experts run in
// parallel, each on one thread: faster than a parallel BLAS, whose threads
// would fight with the loop's.

#include "bench/peers/Peer.h"
#include <algorithm>
#include <cblas.h>
#include <cmath>
#include <numeric>
#include <omp.h>

extern "C" void openblas_set_num_threads(int);
extern "C" char *openblas_get_config(void);

using namespace moec::peers;

namespace {
struct Weights {
  std::vector<float> router, gateUp, down;
};

/// Gate and up of an expert are one matrix, so that one product reads the rows.
Weights copyWeights(const Layer &layer) {
  int64_t d = layer.hidden, f = layer.intermediate, e = layer.experts;
  Weights weights;
  weights.router.assign(layer.router, layer.router + e * d);
  weights.down.assign(layer.down, layer.down + e * d * f);
  weights.gateUp.resize(size_t(2 * e * d * f));
  for (int64_t i = 0; i < e; ++i) {
    float *to = &weights.gateUp[size_t(2 * i * d * f)];
    std::copy_n(layer.gate + i * d * f, d * f, to);
    std::copy_n(layer.up + i * d * f, d * f, to + d * f);
  }
  return weights;
}

class Computation {
public:
  Computation(const Layer &layer) : layer(layer) {}
  void run(const Weights &weights, const float *x, int64_t tokens, float *y);

private:
  void route(const Weights &weights, const float *x, int64_t tokens);
  void runExpert(const Weights &weights, const float *x, int64_t expert);

  const Layer &layer;
  std::vector<float> scores, routing, rows, hidden, product, out;
  std::vector<int64_t> ids, start, tokenOfRow, rowOfSlot;
};
} // namespace

void Computation::route(const Weights &weights, const float *x,
                        int64_t tokens) {
  int64_t e = layer.experts, k = layer.topK, d = layer.hidden;
  scores.resize(size_t(tokens * e));
  routing.resize(size_t(tokens * k));
  ids.resize(size_t(tokens * k));
  openblas_set_num_threads(layer.threads);
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, int(tokens), int(e),
              int(d), 1, x, int(d), weights.router.data(), int(d), 0,
              scores.data(), int(e));
  openblas_set_num_threads(1);
#pragma omp parallel for num_threads(layer.threads)
  for (int64_t t = 0; t < tokens; ++t) {
    const float *s = &scores[size_t(t * e)];
    std::vector<int64_t> order(static_cast<size_t>(e));
    std::iota(order.begin(), order.end(), 0);
    std::partial_sort(order.begin(), order.begin() + k, order.end(),
                      [&](int64_t a, int64_t b) { return s[a] > s[b]; });
    float sum = 0;
    for (int64_t j = 0; j < k; ++j) {
      ids[size_t(t * k + j)] = order[size_t(j)];
      sum += routing[size_t(t * k + j)] =
          std::exp(s[order[size_t(j)]] - s[order[0]]);
    }
    for (int64_t j = 0; j < k; ++j)
      routing[size_t(t * k + j)] /= sum;
  }
}

void Computation::runExpert(const Weights &weights, const float *x,
                            int64_t expert) {
  int64_t d = layer.hidden, f = layer.intermediate;
  int64_t begin = start[size_t(expert)];
  int64_t count = start[size_t(expert) + 1] - begin;
  if (count == 0)
    return;
  float *a = &rows[size_t(begin * d)], *h = &hidden[size_t(begin * 2 * f)];
  float *g = &product[size_t(begin * f)], *o = &out[size_t(begin * d)];
  for (int64_t r = 0; r < count; ++r)
    std::copy_n(x + tokenOfRow[size_t(begin + r)] * d, d, a + r * d);
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, int(count), int(2 * f),
              int(d), 1, a, int(d), &weights.gateUp[size_t(2 * expert * d * f)],
              int(d), 0, h, int(2 * f));
  for (int64_t r = 0; r < count; ++r)
    for (int64_t j = 0; j < f; ++j) {
      float gate = h[r * 2 * f + j];
      g[r * f + j] = gate / (1 + std::exp(-gate)) * h[r * 2 * f + f + j];
    }
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, int(count), int(d),
              int(f), 1, g, int(f), &weights.down[size_t(expert * d * f)],
              int(f), 0, o, int(d));
}

void Computation::run(const Weights &weights, const float *x, int64_t tokens,
                      float *y) {
  int64_t d = layer.hidden, f = layer.intermediate, k = layer.topK;
  size_t slots = size_t(tokens * k);
  rows.resize(slots * size_t(d));
  hidden.resize(slots * size_t(2 * f));
  product.resize(slots * size_t(f));
  out.resize(slots * size_t(d));
  tokenOfRow.resize(slots);
  rowOfSlot.resize(slots);
  route(weights, x, tokens);
  start.assign(size_t(layer.experts) + 1, 0);
  for (int64_t id : ids)
    ++start[size_t(id) + 1];
  std::partial_sum(start.begin(), start.end(), start.begin());
  std::vector<int64_t> next(start.begin(), start.end() - 1);
  for (size_t i = 0; i < slots; ++i) {
    rowOfSlot[i] = next[size_t(ids[i])]++;
    tokenOfRow[size_t(rowOfSlot[i])] = int64_t(i) / k;
  }
#pragma omp parallel for schedule(dynamic, 1) num_threads(layer.threads)
  for (int64_t expert = 0; expert < layer.experts; ++expert)
    runExpert(weights, x, expert);
#pragma omp parallel for num_threads(layer.threads)
  for (int64_t t = 0; t < tokens; ++t)
    for (int64_t j = 0; j < k; ++j) {
      const float *o = &out[size_t(rowOfSlot[size_t(t * k + j)] * d)];
      float w = routing[size_t(t * k + j)];
      for (int64_t c = 0; c < d; ++c)
        y[t * d + c] += w * o[c];
    }
}

int main(int argc, char **argv) {
  Layer layer(argc, argv);
  layer.mapWeights();
  std::vector<Weights> copies;
  for (int i = 0; i < layer.copies; ++i)
    copies.push_back(copyWeights(layer));
  Computation computation(layer);
  return converse(layer, openblas_get_config(),
                  [&](const float *x, int64_t tokens, float *y, int copy) {
                    double begin = now();
                    computation.run(copies[size_t(copy)], x, tokens, y);
                    return now() - begin;
                  });
}
