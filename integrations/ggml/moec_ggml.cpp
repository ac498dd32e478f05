// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "moec_ggml.h"
#include "Team.h"
#include "ggml-backend.h"
#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <memory>
#include <new>
#include <vector>

using moec::ggml::Team;

namespace {
constexpr size_t kAlignment = 64;

struct Free {
  void operator()(void *pointer) const { std::free(pointer); }
};

size_t roundUp(size_t size) {
  return (size + kAlignment - 1) / kAlignment * kAlignment;
}

/// ggml aligns data to 32 bytes; what it allocates for us has room for this.
char *align(void *pointer) {
  return reinterpret_cast<char *>(roundUp(reinterpret_cast<size_t>(pointer)));
}

/// Where the message of a failure goes.
struct Message {
  char *text;
  size_t size;

  [[gnu::format(printf, 2, 3)]] bool operator()(const char *format, ...) {
    va_list values;
    va_start(values, format);
    if (text && size)
      std::vsnprintf(text, size, format, values);
    va_end(values);
    return false;
  }
};

/// Parts of the memory of a node, after each other: the result, the results
/// that a graph has no use for, and the workspace.
struct Memory {
  size_t out, logits, ids, weights, workspace;

  Memory(const moec_ggml_config &config, int64_t tokens) {
    size_t at = 0;
    auto add = [&](int64_t width) {
      size_t begin = at;
      at += roundUp(size_t(width * tokens) * sizeof(float));
      return begin;
    };
    out = add(config.hidden);
    logits = add(config.experts);
    ids = add(config.top_k);
    weights = add(config.top_k);
    workspace = at;
  }
};
} // namespace

struct moec_ggml_layer {
  moec_ggml_kernel kernel;
  moec_ggml_config config;
  std::vector<moec_ggml_weight> weights;
  std::vector<std::unique_ptr<void, Free>> packed;
  std::vector<const void *> table; ///< null: not set yet
  std::atomic<int32_t> status = MOEC_FRAME_OK;

  bool checkTensor(int32_t weight, const ggml_tensor *tensor,
                   Message fail) const;
  void run(ggml_tensor *node, Team &team, int workers);
};

moec_ggml_layer *moec_ggml_create(const moec_ggml_kernel *kernel,
                                  const moec_ggml_config *config, char *error,
                                  size_t error_size) {
  Message fail = {error, error_size};
  if (!kernel || !kernel->run || !kernel->workspace_size ||
      !kernel->weight_size || !kernel->pack_weight) {
    fail("a function of the kernel is null");
    return nullptr;
  }
  if (!config || config->hidden < 1 || config->experts < 1 ||
      config->top_k < 1 || config->threads < 1 || config->num_weights < 1 ||
      !config->weights) {
    fail("config: expected hidden, experts, top_k, threads and num_weights of "
         "at least 1, and weights");
    return nullptr;
  }
  if (kernel->weight_size(config->num_weights - 1) < 0 ||
      kernel->weight_size(config->num_weights) >= 0) {
    fail("config: the kernel has another number of weights than %d",
         int(config->num_weights));
    return nullptr;
  }
  auto *layer =
      new (std::nothrow) moec_ggml_layer{*kernel, *config, {}, {}, {}};
  if (!layer) {
    fail("no memory");
    return nullptr;
  }
  size_t count = size_t(config->num_weights);
  layer->weights.assign(config->weights, config->weights + count);
  layer->config.weights = layer->weights.data();
  layer->packed.resize(count);
  layer->table.resize(count);
  return layer;
}

void moec_ggml_free(moec_ggml_layer *layer) { delete layer; }

int32_t moec_ggml_status(const moec_ggml_layer *layer) {
  return layer->status.load();
}

bool moec_ggml_layer::checkTensor(int32_t weight, const ggml_tensor *tensor,
                                  Message fail) const {
  if (weight < 0 || weight >= config.num_weights)
    return fail("weight %d: the layer has %d", int(weight),
                int(config.num_weights));
  const moec_ggml_weight &expected = weights[size_t(weight)];
  if (!tensor || !tensor->data)
    return fail("weight %d: a tensor has no data", int(weight));
  if (tensor->buffer && !ggml_backend_buffer_is_host(tensor->buffer))
    return fail("weight %d: %s is not in host memory, or repacked by ggml",
                int(weight), tensor->name);
  if (tensor->type != expected.type || tensor->ne[0] != expected.columns ||
      tensor->ne[1] != expected.rows)
    return fail("weight %d: %s is %s [%lld, %lld], expected %s [%lld, %lld]",
                int(weight), tensor->name, ggml_type_name(tensor->type),
                (long long)tensor->ne[0], (long long)tensor->ne[1],
                ggml_type_name(expected.type), (long long)expected.columns,
                (long long)expected.rows);
  if (!ggml_is_contiguous(tensor))
    return fail("weight %d: %s has gaps", int(weight), tensor->name);
  return true;
}

bool moec_ggml_pack(moec_ggml_layer *layer, int32_t weight,
                    const ggml_tensor *const *tensors, int32_t count,
                    const moec_services *services, char *error,
                    size_t error_size) {
  Message fail = {error, error_size};
  std::vector<const void *> rows;
  for (int32_t i = 0; i < count; ++i) {
    if (!layer->checkTensor(weight, tensors[i], fail))
      return false;
    for (int64_t j = 0; j < tensors[i]->ne[2] * tensors[i]->ne[3]; ++j)
      rows.push_back(static_cast<const char *>(tensors[i]->data) +
                     size_t(j) * tensors[i]->nb[2]);
  }
  if (rows.empty() && !layer->checkTensor(weight, nullptr, fail))
    return false;
  if (int64_t(rows.size()) != layer->weights[size_t(weight)].count)
    return fail("weight %d: %zu matrices, expected %lld", int(weight),
                rows.size(), (long long)layer->weights[size_t(weight)].count);
  size_t size = roundUp(size_t(layer->kernel.weight_size(weight)));
  std::unique_ptr<void, Free> packed(std::aligned_alloc(kAlignment, size));
  if (!packed)
    return fail("weight %d: no memory for %zu bytes", int(weight), size);
  int32_t status =
      layer->kernel.pack_weight(weight, rows.data(), packed.get(), services);
  if (status != MOEC_FRAME_OK)
    return fail("weight %d: the layer does not pack it: %s (status %d)",
                int(weight), moec_frame_status_text(status), int(status));
  layer->table[size_t(weight)] = packed.get();
  layer->packed[size_t(weight)] = std::move(packed);
  return true;
}

bool moec_ggml_borrow(moec_ggml_layer *layer, int32_t weight,
                      const ggml_tensor *tensor, char *error,
                      size_t error_size) {
  Message fail = {error, error_size};
  if (!layer->checkTensor(weight, tensor, fail))
    return false;
  if (int64_t(ggml_nbytes(tensor)) != layer->kernel.weight_size(weight))
    return fail("weight %d: %s has %zu bytes, the layer reads %lld: compile it "
                "with --disable-pass=moe-encode-weights",
                int(weight), tensor->name, ggml_nbytes(tensor),
                (long long)layer->kernel.weight_size(weight));
  if (reinterpret_cast<uintptr_t>(tensor->data) % kAlignment)
    return fail("weight %d: %s is not 64-byte aligned", int(weight),
                tensor->name);
  layer->packed[size_t(weight)].reset();
  layer->table[size_t(weight)] = tensor->data;
  return true;
}

static void makeTeam(ggml_tensor *node, int thread, int, void *) {
  if (thread == 0)
    new (align(node->data)) Team;
}

void moec_ggml_layer::run(ggml_tensor *node, Team &team, int workers) {
  const ggml_tensor *x = node->src[0];
  Memory memory(config, x->ne[1]);
  char *data = align(node->data);
  moec_services services = {};
  services.struct_size = sizeof(services);
  services.num_workers = uint32_t(workers);
  services.host = &team;
  services.parallel_for = Team::parallelFor;
  // The view of the result begins at the node's data.
  auto *out = static_cast<float *>(node->data);
  size_t room = ggml_nbytes(node) - memory.workspace -
                size_t(data - static_cast<char *>(node->data));
  int32_t result =
      kernel.run(static_cast<const float *>(x->data), x->ne[1], out,
                 reinterpret_cast<float *>(data + memory.logits),
                 reinterpret_cast<int32_t *>(data + memory.ids),
                 reinterpret_cast<float *>(data + memory.weights), table.data(),
                 data + memory.workspace, int64_t(room), &services);
  if (result == MOEC_FRAME_OK)
    return;
  int32_t first = MOEC_FRAME_OK;
  status.compare_exchange_strong(first, result);
  std::fill_n(out, x->ne[0] * x->ne[1],
              std::numeric_limits<float>::quiet_NaN());
}

static void runLayer(ggml_tensor *node, int thread, int threads, void *data) {
  auto &layer = *static_cast<moec_ggml_layer *>(data);
  Team &team = *reinterpret_cast<Team *>(align(node->src[1]->data));
  int workers = std::min(threads, int(layer.config.threads));
  if (thread >= workers)
    return;
  if (thread > 0)
    return team.follow(thread);
  layer.run(node, team, workers);
  team.release();
}

ggml_tensor *moec_ggml_apply(moec_ggml_layer *layer, ggml_context *context,
                             ggml_tensor *x, char *error, size_t error_size) {
  Message fail = {error, error_size};
  const moec_ggml_config &config = layer->config;
  if (!x || x->type != GGML_TYPE_F32 || x->ne[0] != config.hidden ||
      x->ne[2] != 1 || x->ne[3] != 1 || !ggml_is_contiguous(x)) {
    fail("x: expected f32 [%lld, T] without gaps", (long long)config.hidden);
    return nullptr;
  }
  for (size_t i = 0; i < layer->table.size(); ++i)
    if (!layer->table[i]) {
      fail("weight %zu is not set", i);
      return nullptr;
    }
  moec_services services = {};
  services.struct_size = sizeof(services);
  services.num_workers = uint32_t(config.threads);
  services.parallel_for = Team::parallelFor; // asking for a size calls nothing
  int64_t workspace = layer->kernel.workspace_size(x->ne[1], &services);
  if (workspace < 0) {
    fail("the layer does not take %lld tokens: %s (status %lld)",
         (long long)x->ne[1], moec_frame_status_text(workspace),
         (long long)workspace);
    return nullptr;
  }
  // Made by a node of its own: ggml's threads enter an operator all at once.
  auto makeNode = [&](size_t bytes, std::vector<ggml_tensor *> sources,
                      ggml_custom_op_t function, int tasks) {
    int64_t words = int64_t((bytes + kAlignment) / sizeof(float));
    return ggml_custom_4d(context, GGML_TYPE_F32, words, 1, 1, 1,
                          sources.data(), int(sources.size()), function, tasks,
                          layer);
  };
  ggml_tensor *team = makeNode(sizeof(Team), {x}, makeTeam, 1);
  ggml_tensor *node =
      makeNode(Memory(config, x->ne[1]).workspace + size_t(workspace),
               {x, team}, runLayer, GGML_N_TASKS_MAX);
  return ggml_view_2d(context, node, config.hidden, x->ne[1], x->nb[1], 0);
}
