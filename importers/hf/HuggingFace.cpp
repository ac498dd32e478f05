// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "importers/hf/HuggingFace.h"
#include "importers/Config.h"
#include "importers/LayerBuilder.h"
#include "importers/Sources.h"
#include "importers/Try.h"
#include "importers/hf/Architectures.h"
#include "importers/hf/Checkpoint.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Path.h"

using namespace moec;
using namespace moec::hf;
using llvm::createStringError;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

namespace {

/// What config.json says about the MoE layers.
struct ModelConfig {
  const Architecture *architecture = nullptr;
  std::vector<int64_t> layers; ///< numbers of the MoE layers
  LayerSpec layer;             ///< all but name and parameters
  int64_t sharedSize = 0;      ///< 0: no shared expert
};

} // namespace

static Expected<const Architecture *> readArchitecture(const Config &config) {
  std::string type;
  MOEC_TRY(type, config.getString("model_type"));
  if (const Architecture *architecture = findArchitecture(type))
    return architecture;
  std::string known;
  StringRef nearest;
  unsigned best = ~0u;
  for (const Architecture &architecture : getArchitectures()) {
    known += (known.empty() ? "" : ", ") + architecture.modelType.str();
    unsigned distance = architecture.modelType.edit_distance(type);
    if (distance < best) {
      best = distance;
      nearest = architecture.modelType;
    }
  }
  return config.fail("model_type", "'" + Twine(type) +
                                       "' is not known; nearest is '" +
                                       nearest + "' of " + known);
}

static Error readLayers(const Config &config, ModelConfig &model) {
  int64_t count;
  MOEC_TRY(count, config.getSize({"num_hidden_layers"}, "number of layers",
                                 kMaxCount));
  int64_t step = 1;
  std::vector<int64_t> dense;
  if (model.architecture->layers == SparseLayers::SparseStep) {
    MOEC_TRY(step, config.getSizeOr("decoder_sparse_step", 1, 1, kMaxCount));
    MOEC_TRY(dense, config.getNumbers("mlp_only_layers"));
  }
  for (int64_t layer = 0; layer < count; ++layer)
    if ((layer + 1) % step == 0 && !llvm::is_contained(dense, layer))
      model.layers.push_back(layer);
  if (model.layers.empty())
    return config.fail(dense.empty() ? "decoder_sparse_step"
                                     : "mlp_only_layers",
                       "leaves no MoE layer among " + Twine(count));
  return Error::success();
}

static Expected<ModelConfig> readConfig(const Config &config) {
  ModelConfig model;
  LayerSpec &layer = model.layer;
  MOEC_TRY(model.architecture, readArchitecture(config));
  if (config.has("quantization_config"))
    return config.fail("quantization_config",
                       "expected weights in F32, F16 or BF16");
  // transformers 5 renames the count of some architectures when it saves.
  MOEC_TRY(layer.experts, config.getSize({"num_experts", "num_local_experts"},
                                         "number of experts", kMaxCount));
  MOEC_TRY(layer.topK,
           config.getSize({"num_experts_per_tok", "num_experts_per_token"},
                          "experts of one token", kMaxCount));
  if (layer.topK > layer.experts)
    return config.fail("num_experts_per_tok",
                       "expected at most the number of experts (" +
                           Twine(layer.experts) + "), found " +
                           Twine(layer.topK));
  MOEC_TRY(layer.hidden,
           config.getSize({"hidden_size"}, "width of a token", kMaxSize));
  MOEC_TRY(layer.expert.size,
           config.getSize({model.architecture->sizeKey},
                          "intermediate size of an expert", kMaxSize));
  std::string activation;
  MOEC_TRY(activation, config.getStringOr("hidden_act", "silu"));
  layer.activation = findActivation(activation);
  if (!layer.activation)
    return config.fail("hidden_act", "'" + Twine(activation) +
                                         "' is not one of " +
                                         listActivations());
  layer.score = model.architecture->score;
  layer.normalize = true;
  if (model.architecture->renormalize == Renormalize::Flag) {
    MOEC_TRY(layer.normalize, config.getFlag("norm_topk_prob", false));
  }
  if (model.architecture->hasSharedExpert) {
    MOEC_TRY(model.sharedSize,
             config.getSize({"shared_expert_intermediate_size"},
                            "intermediate size of the shared expert",
                            kMaxSize));
  }
  if (Error error = readLayers(config, model))
    return error;
  return model;
}

//===----------------------------------------------------------------------===//
// Parameters
//===----------------------------------------------------------------------===//

/// One tensor name for each expert.
static std::vector<std::string> expandNames(const Twine &block,
                                            StringRef pattern, int64_t count) {
  auto [before, after] = pattern.split("{e}");
  std::vector<std::string> names;
  for (int64_t expert = 0; expert < count; ++expert)
    names.push_back((block + "." + before + Twine(expert) + after).str());
  return names;
}

/// The block's prefix: checkpoints of the bare model have no `model.`, and what
/// transformers 5 saves under its own names is always in `mlp`.
static std::string findBlock(const Checkpoint &checkpoint,
                             const TensorNames &names, StringRef layer) {
  for (StringRef root : {"model.", ""})
    for (StringRef block : {names.block, StringRef("mlp")}) {
      std::string prefix = (root + layer + "." + block).str();
      if (checkpoint.has(prefix + "." + names.router.str()))
        return prefix;
    }
  return ("model." + layer + "." + names.block).str();
}

static Error readExperts(Checkpoint &checkpoint, const TensorNames &names,
                         const std::string &block, LayerSpec &layer) {
  GluSpec &expert = layer.expert;
  int64_t experts = layer.experts, size = expert.size, hidden = layer.hidden;
  std::string fused = block + ".experts.gate_up_proj";
  if (checkpoint.has(fused)) {
    ParameterSpec both;
    MOEC_TRY(both, checkpoint.get(fused, {experts, 2 * size, hidden}));
    expert.gate = makeSlice(both, /*dim=*/1, 0, size);
    expert.up = makeSlice(both, /*dim=*/1, size, size);
    MOEC_TRY(expert.down, checkpoint.get(block + ".experts.down_proj",
                                         {experts, hidden, size}));
    return Error::success();
  }
  MOEC_TRY(expert.gate,
           checkpoint.getStack(expandNames(block, names.gate, experts),
                               {size, hidden}));
  MOEC_TRY(expert.up, checkpoint.getStack(expandNames(block, names.up, experts),
                                          {size, hidden}));
  MOEC_TRY(expert.down,
           checkpoint.getStack(expandNames(block, names.down, experts),
                               {hidden, size}));
  return Error::success();
}

static Expected<GluSpec> readShared(Checkpoint &checkpoint,
                                    const std::string &prefix, int64_t size,
                                    int64_t hidden) {
  GluSpec shared;
  shared.size = size;
  MOEC_TRY(shared.gate,
           checkpoint.get(prefix + ".gate_proj.weight", {size, hidden}));
  MOEC_TRY(shared.up,
           checkpoint.get(prefix + ".up_proj.weight", {size, hidden}));
  MOEC_TRY(shared.down,
           checkpoint.get(prefix + ".down_proj.weight", {hidden, size}));
  return shared;
}

static Expected<LayerSpec> readLayer(Checkpoint &checkpoint,
                                     const ModelConfig &model, int64_t number) {
  LayerSpec layer = model.layer;
  const TensorNames &names = model.architecture->names;
  layer.name = "layers." + std::to_string(number);
  std::string block = findBlock(checkpoint, names, layer.name);
  MOEC_TRY(layer.router, checkpoint.get(block + "." + names.router.str(),
                                        {layer.experts, layer.hidden}));
  if (Error error = readExperts(checkpoint, names, block, layer))
    return error;
  if (model.sharedSize) {
    MOEC_TRY(layer.shared, readShared(checkpoint, block + ".shared_expert",
                                      model.sharedSize, layer.hidden));
    MOEC_TRY(layer.sharedGate,
             checkpoint.get(block + ".shared_expert_gate.weight",
                            {1, layer.hidden}));
  }
  return layer;
}

Expected<mlir::OwningOpRef<mlir::ModuleOp>>
moec::hf::importDirectory(StringRef directory, const ImportOptions &options,
                          mlir::MLIRContext &context) {
  llvm::SmallString<256> path(directory);
  llvm::sys::path::append(path, "config.json");
  auto config = Config::open(path);
  if (!config)
    return config.takeError();
  auto model = readConfig(*config);
  if (!model)
    return model.takeError();
  if (options.scope == ImportScope::Model)
    return config->fail("model_type",
                        "whole '" + model->architecture->modelType +
                            "' models are not supported yet; --scope=moe "
                            "compiles the MoE layers");
  auto checkpoint = Checkpoint::open(directory, &context);
  if (!checkpoint)
    return checkpoint.takeError();
  mlir::OwningOpRef<mlir::ModuleOp> module =
      mlir::ModuleOp::create(mlir::UnknownLoc::get(&context));
  for (int64_t number : model->layers) {
    auto layer = readLayer(*checkpoint, *model, number);
    if (!layer)
      return layer.takeError();
    buildMoeLayer(*module, *layer);
  }
  return module;
}
