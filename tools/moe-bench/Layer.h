// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One function of a module with the tensors of a call.

#ifndef MOEC_TOOLS_MOE_BENCH_LAYER_H
#define MOEC_TOOLS_MOE_BENCH_LAYER_H

#include "moec/runtime.h"
#include <memory>
#include <string>
#include <vector>

namespace moec::bench {

class Layer {
public:
  explicit Layer(const moec_function *function);

  const char *name() const;
  /// Size of the last dimension of hidden_states; 0 without such an argument.
  int64_t hidden() const;
  /// Size of the last dimension of topk_ids; 0 without such a result.
  int64_t slots() const;

  /// Allocates everything that calls with `tokens` tokens need. Returns what is
  /// wrong, or an empty text.
  std::string prepare(moec_session *session, int64_t tokens);

  float *hiddenStates();
  /// Bytes of workspace that calls need.
  int64_t workspaceBytes() const { return workspaceSize; }
  /// Returns what is wrong, or an empty text.
  std::string call();

  /// Assignments of the last call and the experts that they reach.
  struct Routed {
    int64_t rows = 0;
    int64_t experts = 0;
  };
  Routed routed(int64_t experts) const;

private:
  struct Tensor {
    moec_tensor_info info;
    std::vector<int64_t> shape;
    std::unique_ptr<char, void (*)(void *)> data{nullptr, nullptr};
    DLTensor view;

    int64_t count() const;
    bool allocate();
  };
  const Tensor *find(const std::vector<Tensor> &tensors,
                     const char *wanted) const;

  const moec_function *function;
  moec_session *session = nullptr;
  std::vector<Tensor> arguments, results;
  std::vector<const DLTensor *> argumentViews, resultViews;
  std::unique_ptr<char, void (*)(void *)> workspace{nullptr, nullptr};
  int64_t workspaceSize = 0;
};

} // namespace moec::bench

#endif // MOEC_TOOLS_MOE_BENCH_LAYER_H
