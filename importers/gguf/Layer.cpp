// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "importers/gguf/Layer.h"
#include "importers/Sources.h"
#include "importers/Try.h"
#include <cmath>

using namespace moec;
using namespace moec::gguf;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

namespace {

/// What sums of weights are at least before weights are divided by them.
constexpr double kSmallestSum = 6.103515625e-5;

class LayerReader {
public:
  LayerReader(Model &model, int64_t number)
      : architecture(model.architecture), metadata(model.metadata),
        tensors(model.tensors), number(number),
        prefix("blk." + std::to_string(number) + ".") {}

  Expected<LayerSpec> read();

private:
  Error readSizes();
  Expected<int64_t> readExpertSize();
  Error readScores();
  Expected<Gating> readGating();
  Error readGroups();
  Error readRouter();
  Error readOwnInput();
  Error readExperts();
  Error readProjections(bool isFused);
  Error readShared();
  Error readLatent();
  Error readBody(FeedForwardBody &body, StringRef limitKey);

  std::string tensor(const Twine &name) { return prefix + name.str(); }
  /// The stack of a projection [out, in] of all experts: one tensor, or one for
  /// each in old files.
  Expected<ParameterSpec> getStack(StringRef name, int64_t out, int64_t in);

  const Architecture &architecture;
  const Metadata &metadata;
  Tensors &tensors;
  int64_t number;
  std::string prefix;
  LayerSpec layer;
};

} // namespace

//===----------------------------------------------------------------------===//
// Sizes and the router
//===----------------------------------------------------------------------===//

Expected<int64_t> LayerReader::readExpertSize() {
  int64_t size;
  MOEC_TRY(size,
           metadata.getCount("expert_feed_forward_length", kMaxSize, number));
  if (size)
    return size;
  MOEC_TRY(size, metadata.getSize("feed_forward_length", kMaxSize, number));
  if (!architecture.splitsSize)
    return size;
  if (size % layer.topK)
    return metadata.fail("feed_forward_length",
                         "expected a multiple of the " + Twine(layer.topK) +
                             " experts of a token, found " + Twine(size));
  return size / layer.topK;
}

Error LayerReader::readSizes() {
  layer.name = "layers." + std::to_string(number);
  MOEC_TRY(layer.hidden, metadata.getSize("embedding_length", kMaxSize));
  MOEC_TRY(layer.experts, metadata.getSize("expert_count", kMaxCount, number));
  MOEC_TRY(layer.topK,
           metadata.getSize("expert_used_count", layer.experts, number));
  MOEC_TRY(layer.expert.size, readExpertSize());
  return Error::success();
}

/// The key's, or the architecture's where the key is missing or 0.
Expected<Gating> LayerReader::readGating() {
  constexpr StringRef kKey = "expert_gating_func";
  int64_t found;
  MOEC_TRY(found,
           metadata.getCount(kKey, static_cast<int64_t>(Gating::SqrtSoftplus)));
  if (found)
    return static_cast<Gating>(found);
  if (architecture.name != "deepseek2")
    return architecture.gating;
  // GLM-4.7-Flash came as deepseek2 before it wrote the key.
  int64_t layers, vocabulary;
  MOEC_TRY(layers, metadata.getCount("block_count", kMaxCount));
  MOEC_TRY(vocabulary, metadata.getCount("vocab_size", kMaxSize));
  bool isGlm = (layers == 47 || layers == 48) && vocabulary == 154880;
  return isGlm ? Gating::Sigmoid : Gating::Softmax;
}

Error LayerReader::readScores() {
  RouterSpec &router = layer.router;
  bool normalizes;
  MOEC_TRY(normalizes,
           metadata.getFlag("expert_weights_norm", architecture.normalizes));
  if (normalizes) {
    router.normalize = moe::WeightNorm::Sum;
    router.eps = kSmallestSum;
    router.epsMode = moe::EpsMode::Max;
  }
  Gating gating;
  MOEC_TRY(gating, readGating());
  switch (gating) {
  case Gating::Softmax:
    router.score = ScoreFunction::Softmax;
    break;
  case Gating::Sigmoid:
    router.score = ScoreFunction::Sigmoid;
    break;
  case Gating::SqrtSoftplus:
    router.score = ScoreFunction::SqrtSoftplus;
    break;
  case Gating::SoftmaxOfSelected:
    // They sum to 1 already.
    router.score = ScoreFunction::Logits;
    router.normalize = moe::WeightNorm::Softmax;
    break;
  }
  MOEC_TRY(router.scale, metadata.getNumber("expert_weights_scale", 1.0));
  if (router.scale == 0.0)
    router.scale = 1.0;
  router.ranksLogits = architecture.ranksLogits;
  router.weighsInput = architecture.weighsInput;
  return readGroups();
}

Error LayerReader::readGroups() {
  int64_t count, kept;
  MOEC_TRY(count, metadata.getCount("expert_group_count", layer.experts));
  if (count <= 1)
    return Error::success();
  MOEC_TRY(kept, metadata.getSize("expert_group_used_count", count));
  // A group's score is the sum of its two best ones.
  if (layer.experts % count || layer.experts / count < 2)
    return metadata.fail("expert_group_count",
                         "expected groups of at least 2 of the " +
                             Twine(layer.experts) + " experts, found " +
                             Twine(count));
  if (layer.experts / count * kept < layer.topK)
    return metadata.fail("expert_group_used_count",
                         "expected groups with at least " + Twine(layer.topK) +
                             " experts together, found " + Twine(kept));
  layer.router.groups = {count, kept, moe::GroupScore::Sum2,
                         moe::MaskedScore::NegInf};
  return Error::success();
}

/// Rows that are not those of the experts.
Error LayerReader::readOwnInput() {
  RouterSpec &router = layer.router;
  router.ownInput = architecture.ownInput || architecture.normsInput;
  if (!architecture.normsInput)
    return Error::success();
  RmsNormSpec norm;
  MOEC_TRY(norm.eps,
           metadata.getNumber("attention.layer_norm_rms_epsilon", 1e-6));
  MOEC_TRY(norm.scale,
           tensors.find(tensor("ffn_gate_inp.scale"), {layer.hidden}));
  router.norm = norm;
  router.inputScale = 1.0 / std::sqrt(static_cast<double>(layer.hidden));
  return Error::success();
}

Error LayerReader::readRouter() {
  RouterSpec &router = layer.router;
  int64_t experts = layer.experts;
  MOEC_TRY(router.weight,
           tensors.get(tensor("ffn_gate_inp.weight"), {experts, layer.hidden}));
  MOEC_TRY(router.bias, tensors.find(tensor("ffn_gate_inp.bias"), {experts}));
  if (std::string table = tensor("ffn_gate_tid2eid.weight");
      tensors.has(table)) {
    llvm::ArrayRef<int64_t> shape = tensors.getShape(table);
    router.vocabulary = shape.empty() ? 1 : shape.front();
    MOEC_TRY(router.table,
             tensors.getIntegers(table, {router.vocabulary, layer.topK}));
    return readOwnInput();
  }
  // The oldest files have it without the suffix.
  for (const char *name : {"exp_probs_b.bias", "exp_probs_b"})
    if (!router.selectionBias)
      MOEC_TRY(router.selectionBias, tensors.find(tensor(name), {experts}));
  return readOwnInput();
}

//===----------------------------------------------------------------------===//
// Networks
//===----------------------------------------------------------------------===//

Error LayerReader::readBody(FeedForwardBody &body, StringRef limitKey) {
  body.activation = findActivation(architecture.activation);
  if (architecture.limits == Limits::Swish) {
    body.swish = 1.702;
    body.upOffset = 1.0;
    body.limitBefore = 7.0;
    return Error::success();
  }
  double limit;
  MOEC_TRY(limit, metadata.getNumber(limitKey, 0.0, number));
  if (limit > 0.0)
    (architecture.limits == Limits::After ? body.limitAfter
                                          : body.limitBefore) = limit;
  return Error::success();
}

Expected<ParameterSpec> LayerReader::getStack(StringRef name, int64_t out,
                                              int64_t in) {
  std::string whole = tensor("ffn_" + name + "_exps.weight");
  auto single = [&](int64_t expert) {
    return tensor("ffn_" + name + "." + Twine(expert) + ".weight");
  };
  if (tensors.has(whole) || !tensors.has(single(0)))
    return tensors.get(whole, {layer.experts, out, in});
  llvm::SmallVector<ParameterSpec> parts;
  for (int64_t expert = 0; expert < layer.experts; ++expert) {
    ParameterSpec part;
    MOEC_TRY(part, tensors.get(single(expert), {out, in}));
    if (expert && part.element != parts[0].element)
      return tensors.fail(single(expert), "expected the type of the tensor '" +
                                              Twine(single(0)) + "'");
    parts.push_back(part);
  }
  return makeStack(parts);
}

Error LayerReader::readProjections(bool isFused) {
  FeedForwardSpec &expert = layer.expert;
  int64_t width = layer.getExpertWidth(), size = expert.size;
  int64_t experts = layer.experts;
  if (isFused) {
    ParameterSpec both;
    MOEC_TRY(both, tensors.get(tensor("ffn_gate_up_exps.weight"),
                               {experts, 2 * size, width}));
    expert.gate = makeSlice(both, /*dim=*/1, 0, size);
    expert.up = makeSlice(both, /*dim=*/1, size, size);
    OptionalParameter bias;
    MOEC_TRY(bias, tensors.find(tensor("ffn_gate_up_exps.bias"),
                                {experts, 2 * size}));
    if (bias) {
      expert.gateBias = makeSlice(*bias, /*dim=*/1, 0, size);
      expert.upBias = makeSlice(*bias, /*dim=*/1, size, size);
    }
  } else {
    if (architecture.isGated)
      MOEC_TRY(expert.gate, getStack("gate", size, width));
    MOEC_TRY(expert.up, getStack("up", size, width));
    MOEC_TRY(expert.gateBias,
             tensors.find(tensor("ffn_gate_exps.bias"), {experts, size}));
    MOEC_TRY(expert.upBias,
             tensors.find(tensor("ffn_up_exps.bias"), {experts, size}));
  }
  MOEC_TRY(expert.down, getStack("down", width, size));
  MOEC_TRY(expert.downBias,
           tensors.find(tensor("ffn_down_exps.bias"), {experts, width}));
  return Error::success();
}

Error LayerReader::readExperts() {
  for (const char *name : {"gate", "up", "gate_up"})
    if (std::string scale = tensor("ffn_" + Twine(name) + "_exps.scale");
        tensors.has(scale))
      return tensors.fail(scale, "scales of experts are supported for "
                                 "ffn_down_exps only");
  if (Error error =
          readProjections(tensors.has(tensor("ffn_gate_up_exps.weight"))))
    return error;
  std::string scale = tensor("ffn_down_exps.scale");
  if (tensors.has(scale) && layer.expert.downBias)
    return tensors.fail(scale, "expected no ffn_down_exps.bias beside it");
  // An expert's result is linear in it, as in the expert's weight.
  MOEC_TRY(layer.router.expertScale, tensors.find(scale, {layer.experts}));
  return readBody(layer.expert.body, "swiglu_clamp_exp");
}

Error LayerReader::readLatent() {
  int64_t size;
  MOEC_TRY(size, metadata.getCount("expert_latent_length", kMaxSize));
  if (!size)
    return Error::success();
  ProjectionSpec into, out;
  into.size = size;
  out.size = layer.hidden;
  MOEC_TRY(into.weight,
           tensors.get(tensor("ffn_latent_down.weight"), {size, layer.hidden}));
  MOEC_TRY(out.weight,
           tensors.get(tensor("ffn_latent_up.weight"), {layer.hidden, size}));
  layer.intoLatent = into;
  layer.outOfLatent = out;
  return Error::success();
}

Error LayerReader::readShared() {
  if (architecture.shared == Shared::Outside)
    return Error::success();
  int64_t size, count;
  MOEC_TRY(size, metadata.getCount("expert_shared_feed_forward_length",
                                   kMaxSize, number));
  MOEC_TRY(count, metadata.getCount("expert_shared_count", kMaxCount));
  if (!size && !count && !tensors.has(tensor("ffn_up_shexp.weight")))
    return Error::success();
  if (!size)
    size = std::max<int64_t>(count, 1) * layer.expert.size;
  SharedSpec shared;
  FeedForwardSpec &network = shared.network;
  network.size = size;
  if (layer.expert.gate)
    MOEC_TRY(network.gate, tensors.get(tensor("ffn_gate_shexp.weight"),
                                       {size, layer.hidden}));
  MOEC_TRY(network.up,
           tensors.get(tensor("ffn_up_shexp.weight"), {size, layer.hidden}));
  MOEC_TRY(network.down,
           tensors.get(tensor("ffn_down_shexp.weight"), {layer.hidden, size}));
  OptionalParameter gate;
  MOEC_TRY(gate,
           tensors.find(tensor("ffn_gate_inp_shexp.weight"), {layer.hidden}));
  if (gate)
    shared.gate = makeReshape(*gate, {1, layer.hidden});
  if (Error error = readBody(network.body, "swiglu_clamp_shexp"))
    return error;
  layer.shared = std::move(shared);
  return Error::success();
}

Expected<LayerSpec> LayerReader::read() {
  if (Error error = readSizes())
    return error;
  if (Error error = readScores())
    return error;
  if (Error error = readRouter())
    return error;
  if (Error error = readLatent())
    return error;
  if (Error error = readExperts())
    return error;
  if (Error error = readShared())
    return error;
  return std::move(layer);
}

//===----------------------------------------------------------------------===//
// The model
//===----------------------------------------------------------------------===//

Expected<int64_t> moec::gguf::countLayers(const Model &model) {
  int64_t layers, ahead;
  MOEC_TRY(layers, model.metadata.getSize("block_count", kMaxCount));
  MOEC_TRY(ahead, model.metadata.getCount("nextn_predict_layers", layers - 1));
  return layers - ahead;
}

std::vector<int64_t> moec::gguf::findMoeLayers(const Model &model,
                                               int64_t layers) {
  std::vector<int64_t> found;
  for (int64_t number = 0; number < layers; ++number)
    for (const char *part :
         {"ffn_gate_inp.", "ffn_gate_exps.", "ffn_up_exps.", "ffn_down_exps.",
          "ffn_gate_up_exps.", "ffn_down.0."})
      if (model.tensors.has("blk." + Twine(number) + "." + part + "weight")) {
        found.push_back(number);
        break;
      }
  return found;
}

Expected<LayerSpec> moec::gguf::readLayer(Model &model, int64_t number) {
  return LayerReader(model, number).read();
}
