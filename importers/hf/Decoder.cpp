// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "importers/hf/Decoder.h"
#include "importers/DecoderBuilder.h"
#include "importers/Sources.h"
#include "importers/Try.h"
#include "importers/hf/DecoderArchitectures.h"
#include "importers/hf/DecoderRotary.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Path.h"
#include <cmath>
#include <utility>

using namespace moec;
using namespace moec::hf;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

namespace {

/// Tokens of a session that asks for no other number, unless the model has
/// fewer positions: enough for a conversation, and little memory.
constexpr int64_t kContext = 2048;

class DecoderReader {
public:
  DecoderReader(DecoderFields fields, Checkpoint &checkpoint,
                mlir::ModuleOp module, const DecoderArchitecture &architecture)
      : fields(std::move(fields)), checkpoint(checkpoint), module(module),
        architecture(architecture), names(architecture.names) {}

  Expected<DecoderSpec> read();

private:
  Error readSizes();
  Error readScales();
  Error readEnds();
  Expected<BlockSpec> readBlock(int64_t layer);
  Expected<AttentionSpec> readAttention(int64_t layer);
  Error readProjections(AttentionSpec &attention);
  Error readFused(AttentionSpec &attention);
  Error readLatent(AttentionSpec &attention);
  Error readHeadNorms(AttentionSpec &attention);
  Error readPositions(int64_t layer, AttentionSpec &attention);
  Error readWindow(int64_t layer, AttentionSpec &attention);
  Expected<bool> rotates(int64_t layer, const AttentionSpec &attention);
  Error checkLayerType(int64_t layer);
  Expected<DenseSpec> readDense();
  Expected<DenseSpec> readShared();

  std::string tensor(StringRef name) { return prefix + name.str(); }
  Expected<ParameterSpec> getVector(const Twine &name, int64_t size) {
    return checkpoint.get(name.str(), {size});
  }
  Expected<std::optional<ParameterSpec>> findVector(const Twine &name,
                                                    int64_t size);
  /// `name` without `.weight`; its bias where the checkpoint has one.
  Expected<LinearSpec> getLinear(const std::string &name, int64_t out,
                                 int64_t in);
  Expected<NormSpec> getNorm(const std::string &name, int64_t width,
                             double normEps);
  Expected<std::optional<NormSpec>> findNorm(StringRef name);

  DecoderFields fields;
  Checkpoint &checkpoint;
  mlir::ModuleOp module;
  const DecoderArchitecture &architecture;
  const DecoderNames &names;
  DecoderSpec spec;
  std::string root;   ///< "model."
  std::string prefix; ///< of the layer being read: "model.layers.0."
  std::vector<std::string> layerTypes;
  int64_t layers = 0, heads = 0, keyHeads = 0, width = 0;
  double eps = 0;
};

} // namespace

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

Expected<std::optional<ParameterSpec>>
DecoderReader::findVector(const Twine &name, int64_t size) {
  if (!checkpoint.has(name.str()))
    return std::nullopt;
  ParameterSpec found;
  MOEC_TRY(found, getVector(name, size));
  return found;
}

Expected<LinearSpec> DecoderReader::getLinear(const std::string &name,
                                              int64_t out, int64_t in) {
  LinearSpec linear;
  linear.out = out;
  linear.in = in;
  MOEC_TRY(linear.weight, checkpoint.get(name + ".weight", {out, in}));
  MOEC_TRY(linear.bias, findVector(name + ".bias", out));
  return linear;
}

Expected<NormSpec> DecoderReader::getNorm(const std::string &name,
                                          int64_t normWidth, double normEps) {
  NormSpec norm;
  norm.isLayerNorm = architecture.isLayerNorm;
  norm.eps = normEps;
  MOEC_TRY(norm.weight, getVector(name + ".weight", normWidth));
  MOEC_TRY(norm.bias, findVector(name + ".bias", normWidth));
  return norm;
}

/// A norm of the hidden width, where the architecture has it.
Expected<std::optional<NormSpec>> DecoderReader::findNorm(StringRef name) {
  if (name.empty())
    return std::nullopt;
  NormSpec norm;
  MOEC_TRY(norm, getNorm(tensor(name), spec.hidden, eps));
  return norm;
}

//===----------------------------------------------------------------------===//
// The model
//===----------------------------------------------------------------------===//

Error DecoderReader::readSizes() {
  bool isDbrx = fields.has("d_model");
  MOEC_TRY(spec.hidden, fields.size(isDbrx ? "d_model" : "hidden_size"));
  MOEC_TRY(spec.vocabulary, fields.size("vocab_size"));
  MOEC_TRY(layers, fields.size(isDbrx ? "n_layers" : "num_hidden_layers"));
  if (layers > kMaxCount)
    return fields.fail("num_hidden_layers", "expected at most " +
                                                Twine(kMaxCount) + ", found " +
                                                Twine(layers));
  MOEC_TRY(heads, fields.size(isDbrx ? "n_heads" : "num_attention_heads"));
  if (std::optional<DecoderFields> attention = fields.object("attn_config")) {
    MOEC_TRY(keyHeads, attention->sizeOr("kv_n_heads", 1));
  } else {
    MOEC_TRY(keyHeads, fields.sizeOr("num_key_value_heads", heads));
  }
  if (heads > kMaxCount || keyHeads > heads || heads % keyHeads != 0)
    return fields.fail("num_key_value_heads",
                       "expected a divisor of the " + Twine(heads) +
                           " attention heads, found " + Twine(keyHeads));
  MOEC_TRY(width, fields.sizeOr("head_dim",
                                std::max<int64_t>(1, spec.hidden / heads)));
  int64_t positions;
  MOEC_TRY(positions,
           fields.sizeOr(isDbrx ? "max_seq_len" : "max_position_embeddings",
                         kContext));
  spec.context = std::min(positions, kContext);
  MOEC_TRY(eps, fields.numberOr(architecture.normEps,
                                architecture.isLayerNorm ? 1e-5 : 1e-6));
  MOEC_TRY(layerTypes, fields.strings("layer_types"));
  if (!layerTypes.empty() && static_cast<int64_t>(layerTypes.size()) < layers)
    return fields.fail("layer_types", "expected " + Twine(layers) +
                                          " entries, found " +
                                          Twine(layerTypes.size()));
  return Error::success();
}

Error DecoderReader::readScales() {
  auto read = [&](StringRef key, double &scale) -> Error {
    if (!key.empty()) {
      MOEC_TRY(scale, fields.numberOr(key, 1.0));
    }
    return Error::success();
  };
  double divisor = 1.0;
  if (Error error = read(architecture.embeddingScale, spec.embeddingScale))
    return error;
  if (Error error = read(architecture.residualScale, spec.residualScale))
    return error;
  if (Error error = read(architecture.logitScale, spec.logitScale))
    return error;
  if (Error error = read(architecture.logitDivisor, divisor))
    return error;
  spec.logitScale /= divisor;
  bool isMup;
  MOEC_TRY(isMup, fields.flag("mup_enabled", false));
  if (isMup)
    spec.embeddingScale *= std::sqrt(static_cast<double>(spec.hidden));
  return Error::success();
}

/// Embedding, last norm and head.
Error DecoderReader::readEnds() {
  for (StringRef candidate : {"model.", "transformer.", "language_model.model.",
                              "model.language_model.", ""})
    if (root.empty() && checkpoint.has((candidate + names.embedding).str()))
      root = candidate.str();
  if (root.empty() && !checkpoint.has(names.embedding.str()))
    root = "model.";
  MOEC_TRY(spec.embedding, checkpoint.get(root + names.embedding.str(),
                                          {spec.vocabulary, spec.hidden}));
  MOEC_TRY(spec.norm, getNorm(root + names.norm.str(), spec.hidden, eps));
  bool isTied;
  MOEC_TRY(isTied, fields.flag("tie_word_embeddings", false));
  std::string head = names.head.str();
  if (!isTied && !checkpoint.has(head + ".weight") &&
      checkpoint.has("language_model." + head + ".weight"))
    head = "language_model." + head;
  // Checkpoints may leave out a tied head, or have it all the same.
  if (isTied && !checkpoint.has(head + ".weight"))
    return Error::success();
  MOEC_TRY(spec.head, getLinear(head, spec.vocabulary, spec.hidden));
  return Error::success();
}

Expected<DecoderSpec> DecoderReader::read() {
  if (Error error = readSizes())
    return error;
  if (Error error = readScales())
    return error;
  if (Error error = readEnds())
    return error;
  for (int64_t layer = 0; layer < layers; ++layer) {
    auto block = readBlock(layer);
    if (!block)
      return block.takeError();
    spec.blocks.push_back(std::move(*block));
  }
  return spec;
}

//===----------------------------------------------------------------------===//
// A layer
//===----------------------------------------------------------------------===//

static bool isAttention(StringRef layerType) {
  return layerType == "full_attention" || layerType == "sliding_attention" ||
         layerType == "chunked_attention" || layerType == "attention";
}

Error DecoderReader::checkLayerType(int64_t layer) {
  if (layerTypes.empty() || isAttention(layerTypes[layer]))
    return Error::success();
  StringRef type = layerTypes[layer];
  return fields.fail("layer_types", "layer " + Twine(layer) + " is a '" + type +
                                        "' layer, which --scope=model does not "
                                        "support; --scope=moe compiles the MoE "
                                        "layers");
}

Error DecoderReader::readLatent(AttentionSpec &attention) {
  LatentSpec latent;
  MOEC_TRY(latent.rank, fields.size("kv_lora_rank"));
  MOEC_TRY(latent.plain, fields.size("qk_nope_head_dim"));
  MOEC_TRY(latent.rotary, fields.size("qk_rope_head_dim"));
  MOEC_TRY(attention.valueWidth, fields.size("v_head_dim"));
  attention.keyHeads = heads;
  attention.width = latent.plain + latent.rotary;
  // These norms have an eps of their own.
  constexpr double kLatentEps = 1e-6;
  std::string base = tensor("self_attn.");
  int64_t queryWidth = heads * attention.width;
  if (fields.has("q_lora_rank")) {
    int64_t rank;
    MOEC_TRY(rank, fields.size("q_lora_rank"));
    MOEC_TRY(latent.queryDown, getLinear(base + "q_a_proj", rank, spec.hidden));
    MOEC_TRY(latent.queryNorm,
             getNorm(base + "q_a_layernorm", rank, kLatentEps));
    MOEC_TRY(attention.query, getLinear(base + "q_b_proj", queryWidth, rank));
  } else {
    MOEC_TRY(attention.query,
             getLinear(base + "q_proj", queryWidth, spec.hidden));
  }
  MOEC_TRY(latent.down, getLinear(base + "kv_a_proj_with_mqa",
                                  latent.rank + latent.rotary, spec.hidden));
  MOEC_TRY(latent.norm,
           getNorm(base + "kv_a_layernorm", latent.rank, kLatentEps));
  MOEC_TRY(latent.up, getLinear(base + "kv_b_proj",
                                heads * (latent.plain + attention.valueWidth),
                                latent.rank));
  attention.latent = std::move(latent);
  return Error::success();
}

/// One tensor of the rows of queries, keys and values.
Error DecoderReader::readFused(AttentionSpec &attention) {
  std::string name = tensor(names.fused);
  int64_t queryWidth = heads * width, keyWidth = keyHeads * width;
  ParameterSpec all;
  MOEC_TRY(all, checkpoint.get(name + ".weight",
                               {queryWidth + 2 * keyWidth, spec.hidden}));
  auto slice = [&](int64_t offset, int64_t size) {
    return LinearSpec{size, spec.hidden, makeSlice(all, 0, offset, size), {}};
  };
  attention.query = slice(0, queryWidth);
  attention.key = slice(queryWidth, keyWidth);
  attention.value = slice(queryWidth + keyWidth, keyWidth);
  return Error::success();
}

Error DecoderReader::readProjections(AttentionSpec &attention) {
  if (architecture.isLatent)
    return readLatent(attention);
  if (!names.fused.empty())
    return readFused(attention);
  MOEC_TRY(attention.query,
           getLinear(tensor(names.query), heads * width, spec.hidden));
  MOEC_TRY(attention.key,
           getLinear(tensor(names.key), keyHeads * width, spec.hidden));
  MOEC_TRY(attention.value,
           getLinear(tensor(names.value), keyHeads * width, spec.hidden));
  return Error::success();
}

Error DecoderReader::readHeadNorms(AttentionSpec &attention) {
  HeadNorm kind = architecture.headNorm;
  attention.normsHeads = kind != HeadNorm::AllHeads;
  attention.normsAfterRotary =
      kind == HeadNorm::AfterRotary || kind == HeadNorm::WithoutWeight;
  if (kind == HeadNorm::WithoutWeight) {
    bool normalises;
    MOEC_TRY(normalises, fields.flag("use_qk_norm", true));
    if (normalises && attention.rotary) {
      NormSpec norm;
      norm.eps = eps;
      attention.queryNorm = norm;
      attention.keyNorm = norm;
    }
    return Error::success();
  }
  auto read = [&](StringRef name, int64_t count,
                  std::optional<NormSpec> &norm) -> Error {
    if (!checkpoint.has(tensor(name) + ".weight"))
      return Error::success();
    int64_t size = attention.normsHeads ? width : count * width;
    MOEC_TRY(norm, getNorm(tensor(name), size, eps));
    return Error::success();
  };
  if (Error error = read(names.queryNorm, heads, attention.queryNorm))
    return error;
  return read(names.keyNorm, keyHeads, attention.keyNorm);
}

Error DecoderReader::readWindow(int64_t layer, AttentionSpec &attention) {
  std::optional<int64_t> window, chunk;
  MOEC_TRY(window, fields.integer("sliding_window"));
  MOEC_TRY(chunk, fields.integer("attention_chunk_size"));
  bool isSliding = false;
  bool hasTypes = !layerTypes.empty();
  StringRef type = hasTypes ? StringRef(layerTypes[layer]) : "";
  switch (architecture.window) {
  case Window::None:
    break;
  case Window::All:
    isSliding = true;
    break;
  case Window::LayerTypes:
    // Without the list every second layer of gpt_oss slides.
    isSliding = hasTypes
                    ? type == "sliding_attention"
                    : architecture.modelType == "gpt_oss" && layer % 2 == 0;
    break;
  case Window::Flag:
    if (hasTypes) {
      isSliding = type == "sliding_attention";
      break;
    }
    bool isUsed;
    MOEC_TRY(isUsed, fields.flag("use_sliding_window", false));
    std::optional<int64_t> first;
    MOEC_TRY(first, fields.integer("max_window_layers"));
    isSliding = isUsed && layer >= first.value_or(0);
    break;
  }
  if (isSliding && window && *window > 0)
    attention.window = *window;
  if (type == "chunked_attention" && chunk && *chunk > 0)
    attention.chunk = *chunk;
  return Error::success();
}

Expected<bool> DecoderReader::rotates(int64_t layer,
                                      const AttentionSpec &attention) {
  switch (architecture.rotates) {
  case Rotates::All:
    return true;
  case Rotates::Sliding:
    return attention.window || !fields.has("sliding_window");
  case Rotates::NoRopeLayers: {
    std::vector<double> flags;
    MOEC_TRY(flags, fields.numbers("no_rope_layers"));
    if (flags.empty()) {
      int64_t interval;
      MOEC_TRY(interval, fields.sizeOr("no_rope_layer_interval", 4));
      return (layer + 1) % interval != 0;
    }
    if (layer >= static_cast<int64_t>(flags.size()))
      return fields.fail("no_rope_layers", "expected " + Twine(layers) +
                                               " entries, found " +
                                               Twine(flags.size()));
    return flags[layer] != 0;
  }
  }
  llvm_unreachable("unknown kind");
}

/// Rotary positions, and the factors of scores that depend on them.
Error DecoderReader::readPositions(int64_t layer, AttentionSpec &attention) {
  int64_t entries =
      attention.latent ? attention.latent->rotary : attention.width;
  attention.scale = 1.0 / std::sqrt(static_cast<double>(attention.width));
  if (!architecture.attentionScale.empty()) {
    MOEC_TRY(attention.scale,
             fields.numberOr(architecture.attentionScale, attention.scale));
  }
  bool isRotated;
  MOEC_TRY(isRotated, rotates(layer, attention));
  if (isRotated) {
    DecoderFields from = fields.object("attn_config").value_or(fields);
    RotaryConfig rotary;
    MOEC_TRY(rotary,
             readRotary(from, entries,
                        layerTypes.empty() ? StringRef("")
                                           : StringRef(layerTypes[layer])));
    MOEC_TRY(rotary.spec.interleaved,
             fields.flag("rope_interleave", architecture.isInterleaved));
    attention.scale *= rotary.attentionFactor;
    attention.rotary = rotary.spec;
    return Error::success();
  }
  // Layers without positions sharpen late queries instead.
  bool isTuned;
  MOEC_TRY(isTuned, fields.flag("attn_temperature_tuning",
                                architecture.rotates == Rotates::NoRopeLayers));
  if (isTuned && architecture.rotates == Rotates::NoRopeLayers) {
    AttentionSpec::Temperature temperature;
    MOEC_TRY(temperature.scale, fields.numberOr("attn_scale", 0.1));
    MOEC_TRY(temperature.floor, fields.numberOr("floor_scale", 8192));
    attention.temperature = temperature;
  }
  return Error::success();
}

Expected<AttentionSpec> DecoderReader::readAttention(int64_t layer) {
  AttentionSpec attention;
  attention.heads = heads;
  attention.keyHeads = keyHeads;
  attention.width = attention.valueWidth = width;
  if (Error error = readProjections(attention))
    return error;
  if (Error error = readWindow(layer, attention))
    return error;
  if (Error error = readPositions(layer, attention))
    return error;
  if (Error error = readHeadNorms(attention))
    return error;
  MOEC_TRY(attention.output, getLinear(tensor(names.output), spec.hidden,
                                       heads * attention.valueWidth));
  MOEC_TRY(attention.sinks, findVector(tensor("self_attn.sinks"), heads));
  if (checkpoint.has(tensor("self_attn.gate_proj.weight"))) {
    MOEC_TRY(attention.gate, getLinear(tensor("self_attn.gate_proj"),
                                       heads * width, spec.hidden));
  }
  DecoderFields from = fields.object("attn_config").value_or(fields);
  MOEC_TRY(attention.clip, from.number("clip_qkv"));
  return attention;
}

Expected<DenseSpec> DecoderReader::readDense() {
  DenseSpec dense;
  int64_t size;
  MOEC_TRY(size, fields.size(architecture.denseSize));
  std::string base = tensor(names.dense);
  MOEC_TRY(dense.gate, getLinear(base + ".gate_proj", size, spec.hidden));
  MOEC_TRY(dense.up, getLinear(base + ".up_proj", size, spec.hidden));
  MOEC_TRY(dense.down, getLinear(base + ".down_proj", spec.hidden, size));
  return dense;
}

/// Gate and up are one tensor.
Expected<DenseSpec> DecoderReader::readShared() {
  DenseSpec shared;
  int64_t size;
  MOEC_TRY(size, fields.size(architecture.sharedSize));
  std::string base = tensor(architecture.shared);
  ParameterSpec both;
  MOEC_TRY(both, checkpoint.get(base + ".input_linear.weight",
                                {2 * size, spec.hidden}));
  shared.gate = {size, spec.hidden, makeSlice(both, 0, 0, size), {}};
  shared.up = {size, spec.hidden, makeSlice(both, 0, size, size), {}};
  MOEC_TRY(shared.down, getLinear(base + ".output_linear", spec.hidden, size));
  return shared;
}

Expected<BlockSpec> DecoderReader::readBlock(int64_t layer) {
  prefix = root + names.layers.str() + "." + std::to_string(layer) + ".";
  if (Error error = checkLayerType(layer))
    return error;
  BlockSpec block;
  block.isParallel = architecture.isParallel;
  MOEC_TRY(block.attention, readAttention(layer));
  MOEC_TRY(block.beforeAttention, findNorm(names.beforeAttention));
  MOEC_TRY(block.afterAttention, findNorm(names.afterAttention));
  if (!block.isParallel) {
    MOEC_TRY(block.beforeFeedForward, findNorm(names.beforeFeedForward));
  }
  MOEC_TRY(block.afterFeedForward, findNorm(names.afterFeedForward));
  std::string activation;
  MOEC_TRY(activation, fields.stringOr("hidden_act", "silu"));
  const Activation *function = findActivation(activation);
  if (!function)
    return fields.fail("hidden_act", "'" + Twine(activation) +
                                         "' is not one of " +
                                         listActivations());
  std::string name = ("layers." + Twine(layer) + ".moe").str();
  if (!module.lookupSymbol<mlir::func::FuncOp>(name)) {
    MOEC_TRY(block.dense, readDense());
    block.dense->activation = function;
  } else if (!architecture.shared.empty() &&
             fields.has(architecture.sharedSize)) {
    MOEC_TRY(block.shared, readShared());
    block.shared->activation = function;
  }
  return block;
}

/// What each layer of a hybrid model is, in whichever words.
static Expected<std::vector<std::string>>
readLayerKinds(const DecoderFields &fields) {
  std::vector<std::string> layers;
  MOEC_TRY(layers, fields.strings("layer_types"));
  if (layers.empty())
    MOEC_TRY(layers, fields.strings("layers_block_type"));
  // Layers that are a feed-forward network only are not what is missing.
  for (std::string &layer : layers)
    if (layer == "moe" || layer == "mlp")
      layer = "attention";
  std::string letters;
  MOEC_TRY(letters, fields.stringOr("hybrid_override_pattern", ""));
  if (layers.empty())
    for (char letter : letters)
      layers.push_back(letter == 'M' ? "mamba" : "attention");
  if (layers.empty() && fields.has("attn_layer_period")) {
    int64_t count, period;
    std::optional<int64_t> offset;
    MOEC_TRY(count, fields.sizeOr("num_hidden_layers", 1));
    MOEC_TRY(period, fields.size("attn_layer_period"));
    MOEC_TRY(offset, fields.integer("attn_layer_offset"));
    for (int64_t layer = 0; layer < std::min(count, kMaxCount); ++layer)
      layers.push_back(layer % period == offset.value_or(0) ? "attention"
                                                            : "mamba");
  }
  return std::move(layers);
}

Error moec::hf::importDecoder(StringRef directory, Checkpoint &checkpoint,
                              mlir::ModuleOp module) {
  llvm::SmallString<256> path(directory);
  llvm::sys::path::append(path, "config.json");
  auto fields = DecoderFields::open(path);
  if (!fields)
    return fields.takeError();
  std::string type;
  MOEC_TRY(type, fields->stringOr("model_type", ""));
  const DecoderArchitecture *architecture = findDecoderArchitecture(type);
  if (!architecture) {
    std::vector<std::string> layers;
    MOEC_TRY(layers, readLayerKinds(*fields));
    auto other = llvm::find_if_not(layers, isAttention);
    std::string why;
    if (other != layers.end())
      why = (", layer " + Twine(other - layers.begin()) + " is a '" + *other +
             "' layer")
                .str();
    return fields->fail("model_type",
                        "whole '" + Twine(type) + "' models are not supported" +
                            why + "; supported are " +
                            listDecoderArchitectures() +
                            "; --scope=moe compiles the MoE layers");
  }
  auto spec =
      DecoderReader(std::move(*fields), checkpoint, module, *architecture)
          .read();
  if (!spec)
    return spec.takeError();
  buildDecoder(module, *spec);
  return Error::success();
}
