// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "importers/hf/LayerConfig.h"
#include "importers/Try.h"
#include "llvm/ADT/Twine.h"
#include <cmath>

using namespace moec;
using namespace moec::hf;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

namespace {

class LayerReader {
public:
  LayerReader(const ModelConfig &model, int64_t number)
      : config(model.config), architecture(*model.architecture),
        number(number) {}

  Expected<LayerSpec> read();

private:
  Expected<int64_t> size(Words keys, StringRef what, int64_t max = kMaxSize) {
    return config.getSize(split(keys), what, max, number);
  }
  /// A number under the first of these names that is there.
  Expected<double> value(Words keys, double otherwise) {
    StringRef key = config.findFirst(split(keys));
    return key.empty() ? Expected<double>(otherwise)
                       : config.getNumber(key, otherwise);
  }
  Error readSizes();
  Error readNormalization();
  Error readGroups();
  Error readBody(FeedForwardBody &body, StringRef limits);
  Error readShared();
  Error readSpecial();
  Error readCapacity();

  const Config &config;
  const Architecture &architecture;
  int64_t number;
  LayerSpec layer;
};

} // namespace

Error LayerReader::readSizes() {
  // transformers 5 renames the count of some architectures when it saves.
  MOEC_TRY(layer.experts, size("num_experts num_local_experts n_routed_experts "
                               "moe_num_experts ffn_config.moe_num_experts",
                               "number of experts", kMaxCount));
  if (architecture.special == Special::SwitchCapacity) {
    layer.topK = 1;
  } else if (architecture.special == Special::NllbCapacity) {
    layer.topK = 2;
  } else {
    MOEC_TRY(layer.topK,
             size("num_experts_per_tok num_experts_per_token moe_topk moe_k "
                  "top_k_experts moe_top_k ffn_config.moe_top_k",
                  "experts of one token", kMaxCount));
  }
  MOEC_TRY(layer.hidden, size(architecture.inputs, "width of a token"));
  if (architecture.special == Special::ProductKeys)
    return Error::success();
  // With experts of two kinds the list has a size for each kind.
  int64_t kept = number;
  if (architecture.special == Special::TokenTypes)
    number = 0;
  auto expertSize = size(architecture.sizes, "intermediate size of an expert");
  number = kept;
  if (!expertSize)
    return expertSize.takeError();
  layer.expert.size = *expertSize;
  return Error::success();
}

Error LayerReader::readNormalization() {
  RouterSpec &router = layer.router;
  router.score = architecture.score;
  router.ranksLogits = architecture.ranksLogits;
  router.weighsInput = architecture.weighsInput;
  router.eps = architecture.eps;
  auto readFlag = [&](bool otherwise) -> Error {
    StringRef key = config.findFirst({"norm_topk_prob", "moe_renormalize"});
    bool normalize = otherwise;
    if (!key.empty())
      MOEC_TRY(normalize, config.getFlag(key, otherwise));
    router.normalize = normalize ? moe::WeightNorm::Sum : moe::WeightNorm::None;
    return Error::success();
  };
  switch (architecture.normalize) {
  case Normalize::Never:
    break;
  case Normalize::Always:
    router.normalize = moe::WeightNorm::Sum;
    if (!architecture.normKey.empty()) {
      MOEC_TRY(router.eps, value(architecture.normKey, router.eps));
      router.epsMode = moe::EpsMode::Max;
    }
    break;
  case Normalize::FlagOrNo:
    return readFlag(false);
  case Normalize::FlagOrYes:
    return readFlag(true);
  case Normalize::Softmax:
    router.normalize = moe::WeightNorm::Softmax;
    break;
  case Normalize::Lp:
    if (config.has(architecture.normKey)) {
      router.normalize = moe::WeightNorm::Lp;
      MOEC_TRY(router.p, value(architecture.normKey, 1.0));
      if (router.p <= 0.0)
        return config.fail(architecture.normKey, "expected a number above 0");
    }
    break;
  case Normalize::SparseMixer:
    router.normalize = moe::WeightNorm::SparseMixer;
    MOEC_TRY(router.jitter, value(architecture.normKey, 0.01));
    if (layer.topK > 2)
      return config.fail("num_experts_per_tok",
                         "expected 2, found " + Twine(layer.topK));
    break;
  case Normalize::SoftmaxOrSigmoid: {
    std::string function;
    StringRef key = "expert_selection_fn";
    MOEC_TRY(function, config.getStringOr(key, "softmax"));
    if (function == "softmax") {
      router.score = ScoreFunction::Logits;
      router.normalize = moe::WeightNorm::Softmax;
      break;
    }
    if (function != "sigmoid")
      return config.fail(key, "expected softmax or sigmoid, found '" +
                                  Twine(function) + "'");
    router.score = ScoreFunction::Sigmoid;
    return readFlag(true);
  }
  }
  if (router.eps < 0.0 || router.jitter < 0.0)
    return config.fail(architecture.normKey, "expected a number of at least 0");
  return Error::success();
}

Error LayerReader::readGroups() {
  if (architecture.groups == Groups::None)
    return Error::success();
  GroupSpec groups;
  if (architecture.groups == Groups::ByMethod) {
    std::string method;
    MOEC_TRY(method, config.getStringOr("topk_method", "greedy"));
    if (method == "greedy")
      return Error::success();
    if (method != "group_limited_greedy")
      return config.fail("topk_method",
                         "expected greedy or group_limited_greedy, found '" +
                             Twine(method) + "'");
    groups.masked = moe::MaskedScore::Zero;
  } else {
    groups.score = moe::GroupScore::Sum2;
    groups.masked = architecture.groups == Groups::Sum2Zero
                        ? moe::MaskedScore::Zero
                        : moe::MaskedScore::NegInf;
  }
  StringRef key = config.findFirst({"n_group", "num_expert_group"});
  if (key.empty())
    return Error::success();
  MOEC_TRY(groups.count, config.getSizeOr(key, 1, 1, layer.experts));
  MOEC_TRY(groups.kept, config.getSizeOr("topk_group", 1, 1, groups.count));
  if (layer.experts % groups.count)
    return config.fail(key, "expected a divisor of the number of experts (" +
                                Twine(layer.experts) + "), found " +
                                Twine(groups.count));
  int64_t available = layer.experts / groups.count * groups.kept;
  if (groups.masked == moe::MaskedScore::NegInf && layer.topK > available)
    return config.fail("topk_group", "expected at least " + Twine(layer.topK) +
                                         " experts in the kept groups, found " +
                                         Twine(available));
  if (groups.kept < groups.count)
    layer.router.groups = groups;
  return Error::success();
}

Error LayerReader::readBody(FeedForwardBody &body, StringRef limits) {
  std::string activation = architecture.activation.str();
  StringRef key = config.findFirst(split(architecture.activations));
  if (activation.empty()) {
    activation = architecture.special == Special::OwnInput ? "gelu_pytorch_tanh"
                 : architecture.special == Special::SwitchCapacity ||
                         architecture.special == Special::NllbCapacity
                     ? "relu"
                 : architecture.special == Special::Latent ? "relu2"
                                                           : "silu";
    if (!key.empty())
      MOEC_TRY(activation, config.getString(key));
  }
  body.activation = findActivation(activation);
  if (!body.activation)
    return config.fail(key, "'" + Twine(activation) + "' is not one of " +
                                listActivations());
  double limit;
  switch (architecture.body) {
  case Body::Plain:
    break;
  case Body::Swish:
    MOEC_TRY(body.swish, value("swiglu_alpha", 1.702));
    body.upOffset = 1.0;
    MOEC_TRY(body.limitBefore, value("swiglu_limit", 7.0));
    break;
  case Body::LimitBefore:
    MOEC_TRY(limit, value("swiglu_limit", 10.0));
    if (limit > 0.0)
      body.limitBefore = limit;
    break;
  case Body::LimitAfter: {
    std::optional<double> ofLayer;
    MOEC_TRY(ofLayer, config.getLayerNumber(limits, number));
    if (ofLayer && *ofLayer != 0.0)
      body.limitAfter = ofLayer;
    break;
  }
  case Body::Softcap:
    MOEC_TRY(body.gateSoftcap, value("mlp_gate_softcap", 4.0));
    MOEC_TRY(body.upSoftcap, value("mlp_up_softcap", 25.0));
    if (*body.gateSoftcap == 0.0 || *body.upSoftcap == 0.0)
      return config.fail("mlp_gate_softcap", "expected a number that is not 0");
    break;
  }
  return Error::success();
}

Error LayerReader::readShared() {
  const SharedNames &names = architecture.shared;
  if (names.sizes.empty())
    return Error::success();
  int64_t count = 1;
  if (!names.counts.empty()) {
    StringRef key = config.findFirst(split(names.counts));
    count = names.otherwise;
    if (!key.empty() && config.isList(key)) {
      MOEC_TRY(count, size(key, "number of shared experts", kMaxCount));
    } else if (!key.empty()) {
      MOEC_TRY(count, config.getSizeOr(key, names.otherwise, 0, kMaxCount));
    }
  }
  if (count == 0)
    return Error::success();
  StringRef key = config.findFirst(split(names.sizes));
  if (key.empty())
    key = split(names.sizes).front();
  int64_t each;
  int64_t at = architecture.special == Special::TokenTypes ? 0 : number;
  MOEC_TRY(each, config.getSize({key}, "intermediate size of the shared expert",
                                kMaxSize, at));
  if (each > kMaxSize / count)
    return config.fail(key, "expected at most " + Twine(kMaxSize / count) +
                                " for each of " + Twine(count) +
                                " shared experts, found " + Twine(each));
  layer.shared.emplace();
  layer.shared->network.size = each * count;
  layer.shared->network.body = layer.expert.body;
  if (!architecture.sharedLikeExperts)
    layer.shared->network.body.limitBefore.reset();
  if (architecture.body == Body::LimitAfter) {
    layer.shared->network.body.limitAfter.reset();
    if (Error error =
            readBody(layer.shared->network.body, "swiglu_limits_shared"))
      return error;
  }
  if (architecture.averages != 1.0) {
    std::string strategy;
    StringRef strategyKey = "shared_expert_combination_strategy";
    MOEC_TRY(strategy, config.getStringOr(strategyKey, "average"));
    if (strategy == "average")
      layer.outputScale = architecture.averages;
    else if (strategy != "sum")
      return config.fail(strategyKey, "expected sum or average, found '" +
                                          Twine(strategy) + "'");
  }
  return Error::success();
}

Error LayerReader::readCapacity() {
  CapacitySpec capacity;
  if (architecture.special == Special::SwitchCapacity) {
    capacity.perSequence = true;
    MOEC_TRY(capacity.places,
             config.getSizeOr("expert_capacity", 64, 1, kMaxSize));
    layer.capacity = capacity;
    return Error::success();
  }
  std::string policy;
  MOEC_TRY(policy, config.getStringOr("second_expert_policy", "all"));
  if (policy != "all")
    return config.fail("second_expert_policy",
                       "expected 'all', found '" + Twine(policy) +
                           "', which draws random numbers");
  MOEC_TRY(capacity.fraction,
           config.getNumber("moe_eval_capacity_token_fraction", 1.0));
  if (capacity.fraction <= 0.0) {
    capacity.fraction = 0.0;
    MOEC_TRY(capacity.places,
             config.getSizeOr("expert_capacity", 0, 1, kMaxSize));
  }
  MOEC_TRY(capacity.byScore,
           config.getFlag("batch_prioritized_routing", false));
  MOEC_TRY(capacity.normsFirst,
           config.getFlag("normalize_router_prob_before_dropping", false));
  double dropout;
  MOEC_TRY(dropout, config.getNumber("moe_token_dropout", 0.2));
  layer.routedScale = 1.0 - dropout;
  // The sum of the weights is at least the distance of 1 from the next float.
  layer.router.eps = std::ldexp(1.0, -23);
  layer.router.epsMode = moe::EpsMode::Max;
  layer.capacity = capacity;
  return Error::success();
}

Error LayerReader::readSpecial() {
  double eps;
  MOEC_TRY(eps, value("rms_norm_eps norm_eps", 1e-6));
  auto count = [&](StringRef key, int64_t otherwise, int64_t min = 1) {
    return config.getSizeOr(key, otherwise, min, kMaxCount);
  };
  switch (architecture.special) {
  case Special::None:
    break;
  case Special::IdentityExperts:
    MOEC_TRY(layer.identities, count("zero_expert_num", 0, 0));
    break;
  case Special::RouterNetwork: {
    RouterNetworkSpec network;
    MOEC_TRY(network.down.size, size("router_hidden_size zaya_mlp_expansion",
                                     "width of the router"));
    network.first.size = network.second.size = network.down.size;
    network.norm.eps = eps;
    layer.router.network = network;
    layer.skips = 1;
    break;
  }
  case Special::ProductKeys: {
    int64_t side = std::floor(std::sqrt(static_cast<double>(layer.experts)));
    layer.router.productKey = {side};
    layer.experts = side * side;
    layer.router.normalize = moe::WeightNorm::Softmax;
    layer.expert.size = 1;
    break;
  }
  case Special::HashLayers: {
    std::vector<std::string> types;
    MOEC_TRY(types, config.getStrings("mlp_layer_types"));
    int64_t hashed = 0;
    StringRef key = config.findFirst({"num_hash_layers", "n_hash_layers"});
    if (!key.empty())
      MOEC_TRY(hashed, count(key, 0, 0));
    bool isHash = types.empty() ? number < hashed
                                : number < static_cast<int64_t>(types.size()) &&
                                      types[number] == "hash_moe";
    if (isHash)
      MOEC_TRY(layer.router.vocabulary,
               size("vocab_size", "size of the vocabulary"));
    std::string function;
    MOEC_TRY(function, config.getStringOr("scoring_func", "sqrtsoftplus"));
    if (function == "sigmoid")
      layer.router.score = ScoreFunction::Sigmoid;
    else if (function == "softmax")
      layer.router.score = ScoreFunction::Softmax;
    else if (function != "sqrtsoftplus")
      return config.fail("scoring_func",
                         "expected sqrtsoftplus, sigmoid or softmax, found '" +
                             Twine(function) + "'");
    break;
  }
  case Special::Sinks:
    MOEC_TRY(layer.sinks, count("n_shared_experts", 2));
    layer.sink.size = layer.expert.size;
    layer.sink.body = layer.expert.body;
    break;
  case Special::TokenTypes: {
    FeedForwardSpec other = layer.expert;
    StringRef key = "moe_intermediate_size";
    MOEC_TRY(other.size, config.getSize({key}, "intermediate size of an expert",
                                        kMaxSize, /*layer=*/1));
    layer.otherExpert = other;
    layer.otherRouter.emplace();
    break;
  }
  case Special::OwnInput:
    layer.router.ownInput = true;
    layer.router.norm = RmsNormSpec{eps, std::nullopt};
    layer.router.inputScale =
        1.0 / std::sqrt(static_cast<double>(layer.hidden));
    break;
  case Special::Latent:
    if (config.has("moe_latent_size")) {
      layer.intoLatent.emplace();
      layer.outOfLatent.emplace();
      MOEC_TRY(layer.intoLatent->size,
               size("moe_latent_size", "width of the experts"));
      layer.outOfLatent->size = layer.hidden;
    }
    break;
  case Special::LatentNorm: {
    layer.intoLatent.emplace();
    layer.outOfLatent.emplace();
    MOEC_TRY(layer.intoLatent->size,
             size("moe_hidden_size", "width of the experts"));
    layer.outOfLatent->size = layer.hidden;
    RmsNormSpec norm = {eps, std::nullopt, /*centered=*/true};
    layer.latentNorm = norm;
    MOEC_TRY(norm.eps, value("post_norm_eps", eps));
    norm.scaleFirst = true;
    layer.expertNorm = norm;
    break;
  }
  case Special::SwitchCapacity:
  case Special::NllbCapacity:
    return readCapacity();
  }
  return Error::success();
}

Expected<LayerSpec> LayerReader::read() {
  if (Error error = readSizes())
    return error;
  if (Error error = readNormalization())
    return error;
  if (!architecture.scales.empty()) {
    double scale;
    MOEC_TRY(scale, value(architecture.scales, 1.0));
    (architecture.scalesOutput ? layer.routedScale : layer.router.scale) =
        scale;
  }
  if (architecture.dividesByTopK) {
    // Weights are divided by K and the output is multiplied by it.
    layer.router.scale = 1.0 / static_cast<double>(layer.topK);
    layer.routedScale = static_cast<double>(layer.topK);
  }
  if (!architecture.logitScale.empty()) {
    MOEC_TRY(layer.router.logitScale, value(architecture.logitScale, 1.0));
  }
  if (!architecture.softcap.empty()) {
    double cap;
    MOEC_TRY(cap, value(architecture.softcap, 0.0));
    if (cap > 0.0)
      layer.router.softcap = cap;
  }
  if (Error error = readBody(layer.expert.body, "swiglu_limits"))
    return error;
  if (Error error = readGroups())
    return error;
  if (Error error = readShared())
    return error;
  if (Error error = readSpecial())
    return error;
  int64_t classes = layer.getClasses();
  if (layer.topK > classes)
    return config.fail("num_experts_per_tok",
                       "expected at most the number of experts (" +
                           Twine(classes) + "), found " + Twine(layer.topK));
  return std::move(layer);
}

Expected<LayerSpec> moec::hf::readLayerConfig(const ModelConfig &model,
                                              int64_t number) {
  return LayerReader(model, number).read();
}
