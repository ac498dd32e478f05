// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One layer in ggml graphs on the CPU backend. The rest of the command line:
// what computes it, "own" (ggml's operators), "packed" or "rows" (a compiled
// layer on packed weights, or on ggml's), and for these the shared object of
// the layer.

#include "bench/peers/GgmlLayer.h"
#include "ggml-cpu.h"
#include "moec_ggml.h"
#include <dlfcn.h>

using namespace moec::peers;

namespace {
void parallelFor(void *host, int64_t count, moec_task task, void *argument) {
  int threads = *static_cast<int *>(host);
#pragma omp parallel for num_threads(threads) schedule(dynamic)
  for (int64_t i = 0; i < count; ++i)
    task(argument, i, 0); // packing uses no memory of a worker
}

/// The functions of layers.0.moe in a file layer.so.
moec_ggml_kernel loadKernel(const char *path) {
  void *library = dlopen(path, RTLD_NOW);
  if (!library)
    Layer::fail(dlerror());
  moec_ggml_kernel kernel = {};
  auto find = [&](auto &function, const char *suffix) {
    std::string name = std::string("layer_layers_0_moe") + suffix;
    void *symbol = dlsym(library, name.c_str());
    if (!symbol)
      Layer::fail(dlerror());
    function = reinterpret_cast<std::decay_t<decltype(function)>>(symbol);
  };
  find(kernel.run, "");
  find(kernel.workspace_size, "_workspace");
  find(kernel.weight_size, "_weight_size");
  find(kernel.pack_weight, "_pack_weight");
  return kernel;
}

/// A tensor with a copy of `values`, as ggml holds it.
ggml_tensor *makeTensor(ggml_context *context, const float *values,
                        int64_t width, int64_t rows, int64_t experts) {
  ggml_tensor *tensor =
      ggml_new_tensor_3d(context, GGML_TYPE_F32, width, rows, experts);
  tensor->data = std::aligned_alloc(64, (ggml_nbytes(tensor) + 63) / 64 * 64);
  if (!tensor->data)
    Layer::fail("no memory for the weights");
  std::memcpy(tensor->data, values, ggml_nbytes(tensor));
  return tensor;
}

moec_ggml_layer *makeLayer(const Layer &layer, const GgmlWeights &weights,
                           bool packed, const char *library) {
  moec_ggml_kernel kernel = loadKernel(library);
  int64_t d = layer.hidden, f = layer.intermediate, e = layer.experts;
  ggml_type type = GGML_TYPE_F32;
  std::vector<moec_ggml_weight> sources = {{type, d, e, 1}};
  std::vector<std::vector<const ggml_tensor *>> tensors = {{weights.router}};
  if (packed) {
    sources.insert(sources.end(), {{type, d, f, 2 * e}, {type, f, d, e}});
    tensors.insert(tensors.end(), {{weights.gate, weights.up}, {weights.down}});
  } else {
    sources.insert(sources.end(),
                   {{type, d, f, e}, {type, d, f, e}, {type, f, d, e}});
    tensors.insert(tensors.end(),
                   {{weights.gate}, {weights.up}, {weights.down}});
  }
  moec_ggml_config config = {
      d, e, layer.topK, layer.threads, int32_t(sources.size()), sources.data()};
  char error[256] = "";
  moec_ggml_layer *made =
      moec_ggml_create(&kernel, &config, error, sizeof(error));
  if (!made)
    Layer::fail(error);
  int threads = layer.threads;
  moec_services services = {};
  services.struct_size = sizeof(services);
  services.num_workers = 1;
  services.host = &threads;
  services.parallel_for = parallelFor;
  for (size_t i = 0; i < tensors.size(); ++i)
    if (packed ? !moec_ggml_pack(made, int32_t(i), tensors[i].data(),
                                 int32_t(tensors[i].size()), &services, error,
                                 sizeof(error))
               : !moec_ggml_borrow(made, int32_t(i), tensors[i][0], error,
                                   sizeof(error)))
      Layer::fail(error);
  if (packed)
    for (const auto &parts : tensors)
      for (const ggml_tensor *tensor : parts)
        std::free(tensor->data);
  return made;
}
} // namespace

int main(int argc, char **argv) {
  Layer layer(argc, argv);
  layer.mapWeights();
  if (layer.rest.size() != 1 && layer.rest.size() != 2)
    Layer::fail("expected own, or packed or rows and the layer's object");
  ggml_backend_t backend = ggml_backend_cpu_init();
  ggml_backend_cpu_set_n_threads(backend, layer.threads);
  ggml_context *context = createContext(size_t(layer.copies) * 4);
  int64_t d = layer.hidden, f = layer.intermediate, e = layer.experts;
  std::vector<GgmlWeights> copies;
  std::vector<moec_ggml_layer *> compiled;
  for (int i = 0; i < layer.copies; ++i) {
    copies.push_back({makeTensor(context, layer.router, d, e, 1),
                      makeTensor(context, layer.gate, d, f, e),
                      makeTensor(context, layer.up, d, f, e),
                      makeTensor(context, layer.down, f, d, e)});
    if (layer.rest.size() == 2)
      compiled.push_back(makeLayer(layer, copies.back(),
                                   layer.rest[0] == "packed",
                                   layer.rest[1].c_str()));
  }
  ggml_gallocr_t allocator =
      ggml_gallocr_new(ggml_backend_get_default_buffer_type(backend));
  return converse(
      layer, ggml_version(),
      [&](const float *x, int64_t tokens, float *y, int copy) {
        return computeGgmlLayer(
            backend, allocator, layer, x, tokens, y,
            [&](ggml_context *context, ggml_cgraph *graph, ggml_tensor *input) {
              if (compiled.empty())
                return buildGgmlLayer(context, graph, copies[size_t(copy)],
                                      layer.topK, input);
              char error[256] = "";
              ggml_tensor *out = moec_ggml_apply(
                  compiled[size_t(copy)], context, input, error, sizeof(error));
              if (!out)
                Layer::fail(error);
              return out;
            });
      });
}
