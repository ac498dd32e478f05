// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "importers/gguf/Decoder.h"
#include "importers/DecoderBuilder.h"
#include "importers/Sources.h"
#include "importers/Try.h"
#include "importers/hf/DecoderRotary.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include <cmath>

using namespace moec;
using namespace moec::gguf;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

namespace {

/// Tokens of a session that asks for no other number, unless the model has
/// fewer positions.
constexpr int64_t kContext = 2048;

class DecoderReader {
public:
  DecoderReader(Model &model, mlir::ModuleOp module)
      : traits(model.architecture.decoder), metadata(model.metadata),
        tensors(model.tensors), module(module) {}

  Expected<DecoderSpec> read(int64_t layers);

private:
  Error readEnds();
  Expected<BlockSpec> readBlock(int64_t layer);
  Error readHeads(int64_t layer, AttentionSpec &attention);
  Error readProjections(AttentionSpec &attention);
  Error readLatent(AttentionSpec &attention);
  Error readHeadNorms(AttentionSpec &attention);
  Error readRotary(AttentionSpec &attention);
  Expected<DenseSpec> readDense(int64_t layer);

  std::string tensor(StringRef name) { return prefix + name.str(); }
  /// `name` without `.weight`; its bias where the file has one.
  Expected<LinearSpec> getLinear(const std::string &name, int64_t out,
                                 int64_t in);
  Expected<NormSpec> getNorm(const std::string &name, int64_t width);
  Expected<std::optional<NormSpec>> findNorm(const std::string &name,
                                             int64_t width);

  const DecoderTraits &traits;
  const Metadata &metadata;
  Tensors &tensors;
  mlir::ModuleOp module;
  DecoderSpec spec;
  std::string prefix; ///< of the layer being read: "blk.0."
  double eps = 0.0;
};

} // namespace

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

Expected<LinearSpec> DecoderReader::getLinear(const std::string &name,
                                              int64_t out, int64_t in) {
  LinearSpec linear;
  linear.out = out;
  linear.in = in;
  MOEC_TRY(linear.weight, tensors.get(name + ".weight", {out, in}));
  MOEC_TRY(linear.bias, tensors.find(name + ".bias", {out}));
  return linear;
}

Expected<NormSpec> DecoderReader::getNorm(const std::string &name,
                                          int64_t width) {
  NormSpec norm;
  norm.eps = eps;
  MOEC_TRY(norm.weight, tensors.get(name + ".weight", {width}));
  return norm;
}

Expected<std::optional<NormSpec>>
DecoderReader::findNorm(const std::string &name, int64_t width) {
  if (!tensors.has(name + ".weight"))
    return std::nullopt;
  NormSpec norm;
  MOEC_TRY(norm, getNorm(name, width));
  return norm;
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

Error DecoderReader::readHeads(int64_t layer, AttentionSpec &attention) {
  MOEC_TRY(attention.heads,
           metadata.getSize("attention.head_count", kMaxCount, layer));
  attention.keyHeads = attention.heads;
  if (metadata.has("attention.head_count_kv"))
    MOEC_TRY(attention.keyHeads, metadata.getSize("attention.head_count_kv",
                                                  attention.heads, layer));
  if (attention.heads % attention.keyHeads)
    return metadata.fail("attention.head_count_kv",
                         "expected a divisor of the " + Twine(attention.heads) +
                             " attention heads, found " +
                             Twine(attention.keyHeads));
  attention.width = std::max<int64_t>(1, spec.hidden / attention.heads);
  if (metadata.has("attention.key_length"))
    MOEC_TRY(attention.width,
             metadata.getSize("attention.key_length", kMaxCount));
  attention.valueWidth = attention.width;
  if (metadata.has("attention.value_length"))
    MOEC_TRY(attention.valueWidth,
             metadata.getSize("attention.value_length", kMaxCount));
  return Error::success();
}

Error DecoderReader::readProjections(AttentionSpec &attention) {
  MOEC_TRY(attention.query,
           getLinear(tensor("attn_q"), attention.heads * attention.width,
                     spec.hidden));
  MOEC_TRY(attention.key,
           getLinear(tensor("attn_k"), attention.keyHeads * attention.width,
                     spec.hidden));
  MOEC_TRY(attention.value,
           getLinear(tensor("attn_v"),
                     attention.keyHeads * attention.valueWidth, spec.hidden));
  return Error::success();
}

/// Newer files have heads of keys and values apart, and the keys' turned over:
/// attn_k_b [heads, rank, plain], attn_v_b [heads, value width, rank].
static Expected<ParameterSpec> joinUp(Tensors &tensors,
                                      const std::string &prefix,
                                      const AttentionSpec &attention,
                                      const LatentSpec &latent) {
  ParameterSpec keys, values;
  int64_t heads = attention.heads;
  MOEC_TRY(keys, tensors.get(prefix + "attn_k_b.weight",
                             {heads, latent.rank, latent.plain}));
  MOEC_TRY(values, tensors.get(prefix + "attn_v_b.weight",
                               {heads, attention.valueWidth, latent.rank}));
  keys = makeTranspose(keys, {0, 2, 1});
  mlir::Attribute both = moe::ExprAttr::get(
      keys.value.getContext(), moe::ExprKind::Concat,
      {keys.value, values.value}, llvm::ArrayRef<int64_t>({1}));
  return makeReshape(
      {both, keys.element},
      {heads * (latent.plain + attention.valueWidth), latent.rank});
}

Error DecoderReader::readLatent(AttentionSpec &attention) {
  LatentSpec latent;
  int64_t queryRank;
  MOEC_TRY(latent.rank, metadata.getSize("attention.kv_lora_rank", kMaxCount));
  MOEC_TRY(latent.rotary, metadata.getSize("rope.dimension_count", kMaxCount));
  // Files that speak of one head of keys have the widths of the real ones so.
  if (metadata.has("attention.key_length_mla")) {
    MOEC_TRY(attention.width,
             metadata.getSize("attention.key_length_mla", kMaxCount));
    MOEC_TRY(attention.valueWidth,
             metadata.getSize("attention.value_length_mla", kMaxCount));
  }
  attention.keyHeads = attention.heads;
  if (latent.rotary >= attention.width)
    return metadata.fail("rope.dimension_count",
                         "expected less than the width of a head, " +
                             Twine(attention.width) + ", found " +
                             Twine(latent.rotary));
  latent.plain = attention.width - latent.rotary;
  MOEC_TRY(queryRank, metadata.getCount("attention.q_lora_rank", kMaxCount));
  int64_t queryWidth = attention.heads * attention.width;
  if (queryRank) {
    MOEC_TRY(latent.queryDown,
             getLinear(tensor("attn_q_a"), queryRank, spec.hidden));
    MOEC_TRY(latent.queryNorm, getNorm(tensor("attn_q_a_norm"), queryRank));
    MOEC_TRY(attention.query,
             getLinear(tensor("attn_q_b"), queryWidth, queryRank));
  } else {
    MOEC_TRY(attention.query,
             getLinear(tensor("attn_q"), queryWidth, spec.hidden));
  }
  MOEC_TRY(latent.down, getLinear(tensor("attn_kv_a_mqa"),
                                  latent.rank + latent.rotary, spec.hidden));
  MOEC_TRY(latent.norm, getNorm(tensor("attn_kv_a_norm"), latent.rank));
  latent.up.out = attention.heads * (latent.plain + attention.valueWidth);
  latent.up.in = latent.rank;
  if (tensors.has(tensor("attn_kv_b.weight")))
    MOEC_TRY(latent.up.weight, tensors.get(tensor("attn_kv_b.weight"),
                                           {latent.up.out, latent.rank}));
  else
    MOEC_TRY(latent.up.weight, joinUp(tensors, prefix, attention, latent));
  attention.latent = std::move(latent);
  return Error::success();
}

Error DecoderReader::readHeadNorms(AttentionSpec &attention) {
  attention.normsHeads = !traits.normsAllHeads;
  attention.normsAfterRotary = traits.normsAfterRotary;
  auto widthOf = [&](int64_t heads) {
    return attention.normsHeads ? attention.width : heads * attention.width;
  };
  MOEC_TRY(attention.queryNorm,
           findNorm(tensor("attn_q_norm"), widthOf(attention.heads)));
  MOEC_TRY(attention.keyNorm,
           findNorm(tensor("attn_k_norm"), widthOf(attention.keyHeads)));
  return Error::success();
}

/// The metadata in the words of the reader of configurations, which has the
/// formulas.
Error DecoderReader::readRotary(AttentionSpec &attention) {
  int64_t width = attention.latent ? attention.latent->rotary : attention.width;
  int64_t entries;
  MOEC_TRY(entries, metadata.getCount("rope.dimension_count", width));
  entries = entries ? entries : width;
  if (entries % 2)
    return metadata.fail("rope.dimension_count",
                         "expected an even number, found " + Twine(entries));
  Json parameters;
  double base, factor, length;
  MOEC_TRY(base, metadata.getNumber("rope.freq_base", 10000.0));
  if (base <= 1.0)
    return metadata.fail("rope.freq_base", "expected a number above 1");
  parameters["rope_theta"] = base;
  std::string type;
  MOEC_TRY(type, metadata.getString("rope.scaling.type", "none"));
  if (type != "none" && type != "linear" && type != "yarn")
    return metadata.fail("rope.scaling.type",
                         "'" + Twine(type) +
                             "' is not one of none, linear, yarn");
  MOEC_TRY(factor, metadata.getNumber("rope.scaling.factor", 1.0));
  if (factor <= 0.0)
    return metadata.fail("rope.scaling.factor", "expected a positive number");
  parameters["rope_type"] = type == "none" ? "default" : type;
  parameters["factor"] = factor;
  if (type == "yarn") {
    MOEC_TRY(length,
             metadata.getNumber("rope.scaling.original_context_length", 0.0));
    if (length < 1.0)
      return metadata.fail("rope.scaling.original_context_length",
                           "expected a length of at least 1");
    parameters["original_max_position_embeddings"] = length;
    parameters["truncate"] = traits.truncatesYarn;
    // A tenth of what config.json calls mscale_all_dim.
    double magnitude;
    MOEC_TRY(magnitude,
             metadata.getNumber("rope.scaling.yarn_log_multiplier", 0.0));
    if (magnitude > 0.0)
      parameters["mscale"] = parameters["mscale_all_dim"] = 10.0 * magnitude;
  }
  Json config;
  config["rope_parameters"] = std::move(parameters);
  hf::DecoderFields fields(std::move(config), metadata.getPath());
  hf::RotaryConfig rotary;
  MOEC_TRY(rotary, hf::readRotary(fields, entries, /*layerType=*/""));
  rotary.spec.interleaved = traits.isInterleaved;
  attention.scale =
      rotary.attentionFactor / std::sqrt(static_cast<double>(attention.width));
  // Llama 3 has its scaling as a table.
  if (tensors.has("rope_freqs.weight")) {
    std::vector<float> factors;
    MOEC_TRY(factors, tensors.readVector("rope_freqs.weight", entries / 2));
    for (auto [frequency, divisor] :
         llvm::zip_equal(rotary.spec.frequencies, factors))
      frequency /= divisor;
  }
  attention.rotary = std::move(rotary.spec);
  return Error::success();
}

//===----------------------------------------------------------------------===//
// The model
//===----------------------------------------------------------------------===//

Expected<DenseSpec> DecoderReader::readDense(int64_t layer) {
  DenseSpec dense;
  int64_t size;
  MOEC_TRY(size, metadata.getSize("feed_forward_length", kMaxSize, layer));
  MOEC_TRY(dense.gate, getLinear(tensor("ffn_gate"), size, spec.hidden));
  MOEC_TRY(dense.up, getLinear(tensor("ffn_up"), size, spec.hidden));
  MOEC_TRY(dense.down, getLinear(tensor("ffn_down"), spec.hidden, size));
  dense.activation = findActivation("silu");
  return dense;
}

Expected<BlockSpec> DecoderReader::readBlock(int64_t layer) {
  prefix = ("blk." + Twine(layer) + ".").str();
  BlockSpec block;
  AttentionSpec &attention = block.attention;
  if (Error error = readHeads(layer, attention))
    return error;
  if (Error error =
          traits.isLatent ? readLatent(attention) : readProjections(attention))
    return error;
  if (Error error = readHeadNorms(attention))
    return error;
  if (Error error = readRotary(attention))
    return error;
  if (traits.alternatesWindow && layer % 2 == 0) {
    int64_t window;
    MOEC_TRY(window, metadata.getSize("attention.sliding_window", kMaxSize));
    attention.window = window;
  }
  MOEC_TRY(attention.output, getLinear(tensor("attn_output"), spec.hidden,
                                       attention.heads * attention.valueWidth));
  MOEC_TRY(attention.sinks,
           tensors.find(tensor("attn_sinks.weight"), {attention.heads}));
  MOEC_TRY(block.beforeAttention, getNorm(tensor("attn_norm"), spec.hidden));
  MOEC_TRY(block.beforeFeedForward,
           getNorm(tensor(traits.feedForwardNorm), spec.hidden));
  std::string name = ("layers." + Twine(layer) + ".moe").str();
  if (!module.lookupSymbol<mlir::func::FuncOp>(name))
    MOEC_TRY(block.dense, readDense(layer));
  return block;
}

/// Embedding, last norm and head.
Error DecoderReader::readEnds() {
  constexpr StringRef kEmbedding = "token_embd.weight";
  llvm::ArrayRef<int64_t> shape = tensors.getShape(kEmbedding);
  MOEC_TRY(spec.vocabulary, metadata.getCount("vocab_size", kMaxSize));
  // The key came late; the tensor's rows are the vocabulary in any case.
  if (!spec.vocabulary && shape.size() == 2 && shape[0] >= 1)
    spec.vocabulary = shape[0];
  MOEC_TRY(spec.embedding,
           tensors.get(kEmbedding, {spec.vocabulary, spec.hidden}));
  MOEC_TRY(spec.norm, getNorm("output_norm", spec.hidden));
  if (tensors.has("output.weight"))
    MOEC_TRY(spec.head, getLinear("output", spec.vocabulary, spec.hidden));
  return Error::success();
}

Expected<DecoderSpec> DecoderReader::read(int64_t layers) {
  MOEC_TRY(spec.hidden, metadata.getSize("embedding_length", kMaxSize));
  MOEC_TRY(eps, metadata.getNumber("attention.layer_norm_rms_epsilon", 1e-6));
  int64_t positions;
  MOEC_TRY(positions, metadata.getCount("context_length", kMaxSize));
  spec.context = positions ? std::min(positions, kContext) : kContext;
  if (Error error = readEnds())
    return error;
  for (int64_t layer = 0; layer < layers; ++layer) {
    BlockSpec block;
    MOEC_TRY(block, readBlock(layer));
    spec.blocks.push_back(std::move(block));
  }
  return std::move(spec);
}

Error moec::gguf::importDecoder(Model &model, int64_t layers,
                                mlir::ModuleOp module) {
  if (!model.architecture.decoder.isSupported) {
    std::string known;
    for (const Architecture &architecture : getArchitectures())
      if (architecture.decoder.isSupported)
        known += (known.empty() ? "" : ", ") + architecture.name.str();
    return llvm::createStringError(
        Twine(model.metadata.getPath()) +
        ": key 'general.architecture': " + "whole '" + model.architecture.name +
        "' models are not supported, only " + known +
        "; --scope=moe compiles the MoE layers");
  }
  DecoderSpec spec;
  MOEC_TRY(spec, DecoderReader(model, module).read(layers));
  buildDecoder(module, spec);
  return Error::success();
}
