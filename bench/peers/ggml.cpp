// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The layer as llama.cpp builds it (build_moe_ffn), on ggml's CPU backend with
// its default of repacked weights where it has a repacked form. The rest of the
// command line: "repack" or "plain".

#include "bench/peers/GgmlLayer.h"
#include "ggml-cpu.h"
#include <map>

using namespace moec::peers;

namespace {
using Weights = GgmlWeights;

ggml_type getType(const std::string &name) {
  static const std::map<std::string, ggml_type> types = {
      {"f32", GGML_TYPE_F32},   {"bf16", GGML_TYPE_BF16},
      {"q8_0", GGML_TYPE_Q8_0}, {"q4_0", GGML_TYPE_Q4_0},
      {"q4_K", GGML_TYPE_Q4_K},
  };
  auto found = types.find(name);
  if (found == types.end())
    Layer::fail("ggml: unknown type '" + name + "'");
  return found->second;
}

/// The buffer type that llama.cpp prefers for weights, or null.
ggml_backend_buffer_type_t findRepack(ggml_backend_t backend) {
  ggml_backend_reg_t registry =
      ggml_backend_dev_backend_reg(ggml_backend_get_device(backend));
  auto getExtra = reinterpret_cast<ggml_backend_dev_get_extra_bufts_t>(
      ggml_backend_reg_get_proc_address(registry,
                                        "ggml_backend_dev_get_extra_bufts"));
  if (!getExtra)
    return nullptr;
  for (auto *type = getExtra(ggml_backend_get_device(backend)); type && *type;
       ++type)
    if (!std::strcmp(ggml_backend_buft_name(*type), "CPU_REPACK"))
      return *type;
  return nullptr;
}

/// Encodes `rows` rows of `width` numbers of every expert, once for all copies.
void setWeights(std::vector<Weights> &copies, ggml_tensor *Weights::*member,
                const float *values, int64_t rows, int64_t width,
                int64_t experts) {
  ggml_type type = (copies[0].*member)->type;
  size_t bytes = ggml_row_size(type, width) * size_t(rows);
  std::vector<char> data(bytes * size_t(experts));
  ggml_quantize_init(type);
#pragma omp parallel for
  for (int64_t e = 0; e < experts; ++e)
    if (type == GGML_TYPE_F32)
      std::memcpy(&data[bytes * size_t(e)], values + e * rows * width, bytes);
    else
      ggml_quantize_chunk(type, values + e * rows * width,
                          &data[bytes * size_t(e)], 0, rows, width, nullptr);
  for (Weights &weights : copies)
    ggml_backend_tensor_set(weights.*member, data.data(), 0, data.size());
}
} // namespace

int main(int argc, char **argv) {
  Layer layer(argc, argv);
  layer.mapWeights();
  ggml_type type = getType(layer.format);
  ggml_backend_t backend = ggml_backend_cpu_init();
  ggml_backend_cpu_set_n_threads(backend, layer.threads);
  ggml_backend_buffer_type_t plain = ggml_backend_cpu_buffer_type();
  ggml_backend_buffer_type_t buffer = plain;
  bool repack = !layer.rest.empty() && layer.rest[0] == "repack";
  if (repack && !(buffer = findRepack(backend)))
    Layer::fail("ggml: built without repacked weights");

  ggml_context *experts = createContext(size_t(layer.copies) * 3 + 8);
  ggml_context *routers = createContext(size_t(layer.copies) + 8);
  std::vector<Weights> copies;
  int64_t d = layer.hidden, f = layer.intermediate, e = layer.experts;
  for (int i = 0; i < layer.copies; ++i)
    copies.push_back({ggml_new_tensor_2d(routers, GGML_TYPE_F32, d, e),
                      ggml_new_tensor_3d(experts, type, d, f, e),
                      ggml_new_tensor_3d(experts, type, d, f, e),
                      ggml_new_tensor_3d(experts, type, f, d, e)});
  if (!ggml_backend_alloc_ctx_tensors_from_buft(experts, buffer) ||
      !ggml_backend_alloc_ctx_tensors_from_buft(routers, plain))
    Layer::fail("ggml: no memory for the weights");
  setWeights(copies, &Weights::router, layer.router, e, d, 1);
  setWeights(copies, &Weights::gate, layer.gate, f, d, e);
  setWeights(copies, &Weights::up, layer.up, f, d, e);
  setWeights(copies, &Weights::down, layer.down, d, f, e);

  ggml_gallocr_t allocator =
      ggml_gallocr_new(ggml_backend_get_default_buffer_type(backend));
  return converse(
      layer, ggml_version(),
      [&](const float *x, int64_t tokens, float *y, int copy) {
        return computeGgmlLayer(
            backend, allocator, layer, x, tokens, y,
            [&](ggml_context *context, ggml_cgraph *graph, ggml_tensor *input) {
              return buildGgmlLayer(context, graph, copies[size_t(copy)],
                                    layer.topK, input);
            });
      });
}
