// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/moe-run/Sampler.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace moec {

int32_t Sampler::choose(std::span<const float> logits) {
  auto best = std::max_element(logits.begin(), logits.end());
  if (temperature <= 0)
    return static_cast<int32_t>(best - logits.begin());
  std::vector<double> weights(logits.size());
  for (size_t i = 0; i < logits.size(); ++i)
    weights[i] = std::exp((double(logits[i]) - double(*best)) / temperature);
  std::vector<int32_t> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    return weights[size_t(a)] > weights[size_t(b)];
  });
  double all = std::accumulate(weights.begin(), weights.end(), 0.0);
  double kept = 0;
  size_t count = 0;
  while (count < order.size() && (count == 0 || kept < topP * all))
    kept += weights[size_t(order[count++])];
  // 53 bits of the generator, so that a seed means the same everywhere.
  double point = double(generator() >> 11) * 0x1p-53 * kept;
  for (size_t i = 0; i + 1 < count; ++i) {
    point -= weights[size_t(order[i])];
    if (point < 0)
      return order[i];
  }
  return order[count - 1];
}

} // namespace moec
