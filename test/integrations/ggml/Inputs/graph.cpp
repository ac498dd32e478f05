// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// graph DIR: graphs with ggml's own MoE layer against the same graphs with a
// compiled one, on the weights of DIR/f32.gguf and DIR/q8_0.gguf.

#include "bench/peers/GgmlLayer.h"
#include "f32.h"
#include "ggml-alloc.h"
#include "ggml-backend.h"
#include "ggml-cpu.h"
#include "gguf.h"
#include "moec_ggml.h"
#include "own.h"
#include "q8_0.h"
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <thread>

using moec::peers::GgmlWeights;

namespace {
constexpr int64_t hidden = 96, inner = 64, experts = 8, topK = 2;
using Numbers = std::vector<float>;

void check(bool condition, const std::string &what) {
  if (condition)
    return;
  std::fprintf(stderr, "failed: %s\n", what.c_str());
  std::exit(1);
}

/// A file's tensors in memory.
struct Model {
  ggml_context *context = nullptr;
  GgmlWeights weights;

  explicit Model(const std::string &path) {
    gguf_init_params params = {/*no_alloc=*/false, &context};
    check(gguf_init_from_file(path.c_str(), params), path);
    auto get = [&](const char *name) {
      return ggml_get_tensor(
          context, (std::string("blk.0.") + name + ".weight").c_str());
    };
    weights = {get("ffn_gate_inp"), get("ffn_gate_exps"), get("ffn_up_exps"),
               get("ffn_down_exps")};
  }
};

using Build =
    std::function<ggml_tensor *(ggml_context *, ggml_cgraph *, ggml_tensor *)>;

/// x + layer(2 x), computed on `threads` threads; so that the layer has nodes
/// before and after it.
Numbers compute(const Numbers &x, int threads, const Build &build) {
  ggml_backend_t backend = ggml_backend_cpu_init();
  ggml_backend_cpu_set_n_threads(backend, threads);
  ggml_context *context = ggml_init(
      {ggml_tensor_overhead() * 128 + ggml_graph_overhead(), nullptr, true});
  ggml_cgraph *graph = ggml_new_graph(context);
  ggml_tensor *input = ggml_new_tensor_2d(context, GGML_TYPE_F32, hidden,
                                          int64_t(x.size()) / hidden);
  ggml_set_input(input);
  ggml_tensor *y = build(context, graph, ggml_scale(context, input, 2));
  y = ggml_add(context, input, y);
  ggml_set_output(y);
  ggml_build_forward_expand(graph, y);
  ggml_gallocr_t allocator =
      ggml_gallocr_new(ggml_backend_get_default_buffer_type(backend));
  check(ggml_gallocr_alloc_graph(allocator, graph), "allocating a graph");
  Numbers result(x.size()), again(x.size());
  for (Numbers *out : {&result, &again}) {
    // ggml may use the input's memory for a result.
    ggml_backend_tensor_set(input, x.data(), 0, x.size() * sizeof(float));
    check(ggml_backend_graph_compute(backend, graph) == GGML_STATUS_SUCCESS,
          "computing a graph");
    ggml_backend_tensor_get(y, out->data(), 0, x.size() * sizeof(float));
  }
  check(!std::memcmp(result.data(), again.data(), x.size() * sizeof(float)),
        "a graph computed again gives the same bits");
  ggml_gallocr_free(allocator);
  ggml_free(context);
  ggml_backend_free(backend);
  return result;
}

Numbers computeOwn(const Numbers &x, const GgmlWeights &weights) {
  return compute(
      x, 2, [&](ggml_context *context, ggml_cgraph *graph, ggml_tensor *input) {
        return moec::peers::buildGgmlLayer(context, graph, weights, topK,
                                           input);
      });
}

Numbers computeMoec(const Numbers &x, moec_ggml_layer *layer, int threads) {
  return compute(x, threads,
                 [&](ggml_context *context, ggml_cgraph *, ggml_tensor *input) {
                   char error[256] = "";
                   ggml_tensor *y = moec_ggml_apply(layer, context, input,
                                                    error, sizeof(error));
                   check(y, error);
                   return y;
                 });
}

/// The largest difference over the largest number of `expected`.
float compare(const Numbers &result, const Numbers &expected) {
  float most = 0, scale = 0;
  for (size_t i = 0; i < result.size(); ++i) {
    most = std::max(most, std::abs(result[i] - expected[i]));
    scale = std::max(scale, std::abs(expected[i]));
  }
  return result.empty() ? 0 : most / scale;
}

Numbers makeTokens(int64_t count) {
  std::mt19937 random(unsigned(count) + 1);
  std::normal_distribution<float> normal;
  Numbers x(size_t(count * hidden));
  for (float &value : x)
    value = normal(random);
  return x;
}

moec_ggml_layer *makeLayer(const moec_ggml_kernel &kernel, ggml_type type,
                           const GgmlWeights &weights) {
  moec_ggml_weight sources[] = {{GGML_TYPE_F32, hidden, experts, 1},
                                {type, hidden, inner, 2 * experts},
                                {type, inner, hidden, experts}};
  moec_ggml_config config = {hidden, experts, topK, 2, 3, sources};
  char error[256] = "";
  moec_ggml_layer *layer =
      moec_ggml_create(&kernel, &config, error, sizeof(error));
  check(layer, error);
  const ggml_tensor *router[] = {weights.router};
  const ggml_tensor *gateUp[] = {weights.gate, weights.up};
  const ggml_tensor *down[] = {weights.down};
  check(
      moec_ggml_pack(layer, 0, router, 1, nullptr, error, sizeof(error)) &&
          moec_ggml_pack(layer, 1, gateUp, 2, nullptr, error, sizeof(error)) &&
          moec_ggml_pack(layer, 2, down, 1, nullptr, error, sizeof(error)),
      error);
  return layer;
}

/// A layer that reads the tensors where they are.
moec_ggml_layer *borrowLayer(const GgmlWeights &weights) {
  moec_ggml_weight sources[] = {{GGML_TYPE_F32, hidden, experts, 1},
                                {GGML_TYPE_F32, hidden, inner, experts},
                                {GGML_TYPE_F32, hidden, inner, experts},
                                {GGML_TYPE_F32, inner, hidden, experts}};
  moec_ggml_kernel kernel = MOEC_GGML_KERNEL(own_layers_0_moe);
  moec_ggml_config config = {hidden, experts, topK, 2, 4, sources};
  char error[256] = "";
  moec_ggml_layer *layer =
      moec_ggml_create(&kernel, &config, error, sizeof(error));
  check(layer, error);
  int32_t index = 0;
  for (ggml_tensor *tensor :
       {weights.router, weights.gate, weights.up, weights.down}) {
    // The tensors of this file lie as 32-byte aligned as ggml promises.
    void *data = std::aligned_alloc(64, ggml_nbytes(tensor));
    std::memcpy(data, tensor->data, ggml_nbytes(tensor));
    tensor->data = data;
    check(moec_ggml_borrow(layer, index++, tensor, error, sizeof(error)),
          error);
  }
  return layer;
}

/// A call that fails: no numbers, and a status that stays.
void checkFailure(moec_ggml_kernel kernel, const GgmlWeights &weights) {
  kernel.run = [](const float *, int64_t, float *, float *, int32_t *, float *,
                  const void *const *, void *, int64_t,
                  const moec_services *) -> int32_t {
    return MOEC_FRAME_BAD_WORKSPACE;
  };
  moec_ggml_layer *layer = makeLayer(kernel, GGML_TYPE_F32, weights);
  for (float value : computeMoec(makeTokens(3), layer, 2))
    check(std::isnan(value), "a failed call gives no numbers");
  check(moec_ggml_status(layer) == MOEC_FRAME_BAD_WORKSPACE,
        "a failed call has a status");
  moec_ggml_free(layer);
}

/// A kernel whose loops have a task that waits for another thread's, and fail
/// where a worker is none of those that the layer was told of.
int32_t countWorkers(const float *, int64_t tokens, float *out, float *,
                     int32_t *, float *, const void *const *, void *, int64_t,
                     const moec_services *services) {
  struct Loop {
    uint32_t workers;
    std::atomic<int> begun = 0, strangers = 0;
  } loop = {services->num_workers};
  moec_task task = [](void *argument, int64_t, int64_t worker) {
    Loop &loop = *static_cast<Loop *>(argument);
    loop.strangers += worker < 0 || worker >= int64_t(loop.workers);
    ++loop.begun;
    while (loop.begun < int(loop.workers))
      std::this_thread::yield();
  };
  // Time enough for a third thread to come too.
  for (int i = 0; i < 1000; ++i) {
    loop.begun = 0;
    services->parallel_for(services->host, 8, task, &loop);
  }
  std::fill_n(out, tokens * hidden, 0.0f);
  return loop.strangers ? MOEC_FRAME_BAD_COUNT : MOEC_FRAME_OK;
}

void checkWorkers(moec_ggml_kernel kernel, const GgmlWeights &weights) {
  kernel.run = countWorkers;
  moec_ggml_layer *layer = makeLayer(kernel, GGML_TYPE_F32, weights);
  for (int threads : {1, 2, 3})
    computeMoec(Numbers(size_t(hidden)), layer, threads);
  check(moec_ggml_status(layer) == MOEC_FRAME_OK, "workers are as told");
  moec_ggml_free(layer);
}

/// What is wrong is said, and nothing is made.
void checkErrors(moec_ggml_layer *layer, const GgmlWeights &f32,
                 const GgmlWeights &q8_0) {
  char error[256] = "";
  auto say = [&](bool done) {
    check(!done, "a wrong call is refused");
    std::printf("%s\n", error);
  };
  auto pack = [&](int32_t weight, std::vector<const ggml_tensor *> tensors) {
    say(moec_ggml_pack(layer, weight, tensors.data(), int32_t(tensors.size()),
                       nullptr, error, sizeof(error)));
  };
  pack(3, {f32.router});
  pack(2, {q8_0.down});
  pack(2, {f32.gate});
  pack(1, {f32.gate});
  pack(0, {});
  say(moec_ggml_borrow(layer, 2, f32.router, error, sizeof(error)));
  say(moec_ggml_borrow(layer, 1, f32.gate, error, sizeof(error)));
  ggml_context *context =
      ggml_init({ggml_tensor_overhead() * 8, nullptr, true});
  for (auto [type, width] :
       {std::pair{GGML_TYPE_F16, hidden}, std::pair{GGML_TYPE_F32, hidden + 1}})
    say(moec_ggml_apply(layer, context,
                        ggml_new_tensor_2d(context, type, width, 4), error,
                        sizeof(error)));
  moec_ggml_kernel kernel = MOEC_GGML_KERNEL(f32_layers_0_moe);
  moec_ggml_weight sources[4] = {};
  moec_ggml_config config = {hidden, experts, topK, 2, 4, sources};
  say(moec_ggml_create(&kernel, &config, error, sizeof(error)));
  config.num_weights = 3;
  moec_ggml_layer *empty =
      moec_ggml_create(&kernel, &config, error, sizeof(error));
  say(moec_ggml_apply(empty, context,
                      ggml_new_tensor_2d(context, GGML_TYPE_F32, hidden, 4),
                      error, sizeof(error)));
  config.threads = 0;
  say(moec_ggml_create(&kernel, &config, error, sizeof(error)));
  kernel.pack_weight = nullptr;
  say(moec_ggml_create(&kernel, &config, error, sizeof(error)));
  moec_ggml_free(empty);
  ggml_free(context);
}
} // namespace

int main(int argc, char **argv) {
  check(argc == 2, "expected DIR");
  std::string directory = argv[1];
  Model f32(directory + "/f32.gguf"), q8_0(directory + "/q8_0.gguf");
  moec_ggml_layer *floats =
      makeLayer(MOEC_GGML_KERNEL(f32_layers_0_moe), GGML_TYPE_F32, f32.weights);
  moec_ggml_layer *blocks = makeLayer(MOEC_GGML_KERNEL(q8_0_layers_0_moe),
                                      GGML_TYPE_Q8_0, q8_0.weights);
  checkFailure(MOEC_GGML_KERNEL(f32_layers_0_moe), f32.weights);
  checkWorkers(MOEC_GGML_KERNEL(f32_layers_0_moe), f32.weights);
  checkErrors(floats, f32.weights, q8_0.weights);
  moec_ggml_layer *own = borrowLayer(f32.weights);
  for (int64_t tokens : {1, 5, 70, 300}) {
    Numbers x = makeTokens(tokens);
    Numbers expected = computeOwn(x, f32.weights);
    Numbers result = computeMoec(x, floats, 2);
    check(compare(result, expected) < 1e-4f, "f32 weights");
    // One thread, and more than the layer was told of.
    check(computeMoec(x, floats, 1) == result, "one thread, the same bits");
    check(computeMoec(x, floats, 3) == result, "three threads, the same bits");
    check(compare(computeMoec(x, own, 2), expected) < 1e-4f,
          "f32 weights where they are");
    Numbers fromBlocks = computeMoec(x, blocks, 2);
    check(compare(fromBlocks, expected) < 1e-4f,
          "Q8_0 blocks against ggml on the numbers that they stand for");
    // ggml rounds activations to 8 bits where weights are Q8_0: of each factor
    // at most 1/254 of the largest of 32, twice one after the other.
    check(compare(fromBlocks, computeOwn(x, q8_0.weights)) < 2e-2f,
          "Q8_0 blocks against ggml on Q8_0 blocks");
  }
  // Two graphs with the same layer at once.
  Numbers x = makeTokens(20), y = computeMoec(x, floats, 1);
  std::thread other([&] {
    for (int i = 0; i < 50; ++i)
      check(computeMoec(x, floats, 1) == y, "a layer in two graphs");
  });
  for (int i = 0; i < 50; ++i)
    check(computeMoec(x, floats, 2) == y, "a layer in two graphs");
  other.join();
  check(moec_ggml_status(floats) == MOEC_FRAME_OK, "status");
  for (moec_ggml_layer *layer : {floats, blocks, own})
    moec_ggml_free(layer);
  std::printf("equal\n");
}
