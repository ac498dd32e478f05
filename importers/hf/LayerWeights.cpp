// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "importers/hf/LayerWeights.h"
#include "importers/Sources.h"
#include "importers/Try.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"

using namespace moec;
using namespace moec::hf;
using llvm::createStringError;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

namespace {

using Shape = llvm::SmallVector<int64_t, 4>;

class WeightReader {
public:
  WeightReader(Checkpoint &checkpoint, const ModelConfig &model,
               StringRef stack, int64_t number, LayerSpec &layer)
      : checkpoint(checkpoint), architecture(*model.architecture),
        config(model.config), layer(layer) {
    prefix = findPrefix(stack, number);
  }

  Error read();

private:
  std::string findPrefix(StringRef stack, int64_t number) const;
  std::vector<StringRef> getBlocks() const;
  /// The tensor under the first of these names that is there; the first name
  /// where none is.
  std::string find(Words names) const;
  bool has(Words names) const { return checkpoint.has(find(names)); }

  Expected<ParameterSpec> get(Words names, llvm::ArrayRef<int64_t> shape) {
    return checkpoint.get(find(names), shape);
  }
  Expected<ParameterSpec> getVector(Words names, int64_t size);
  Error readRouter();
  Error readExperts();
  Error readSpecial();
  Error readRouterNetwork();
  Error readSecondExperts();
  Error readSinks();

  /// A projection as [.., out, in]: one, or a stack of `count`.
  Expected<ParameterSpec> getMatrix(StringRef name, Layout layout, bool flat,
                                    int64_t count, int64_t out, int64_t in,
                                    int64_t firstExpert = 0);
  const NetworkNames &chooseNames(llvm::ArrayRef<NetworkNames> all, int64_t out,
                                  int64_t in) const;
  bool fits(const NetworkNames &names, int64_t size, int64_t width) const;
  /// `count` 0: a single network.
  Error readNetwork(const NetworkNames &names, int64_t count, int64_t width,
                    FeedForwardSpec &network, int64_t firstExpert = 0);
  Error readShared();

  Checkpoint &checkpoint;
  const Architecture &architecture;
  const Config &config;
  LayerSpec &layer;
  std::string prefix; ///< "model.layers.0."
};

} // namespace

static std::string fill(StringRef pattern, StringRef what, int64_t number) {
  auto [before, after] = pattern.split(what);
  return pattern.contains(what) ? (before + Twine(number) + after).str()
                                : pattern.str();
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

/// The architecture's blocks with their dot; `.` is none.
std::vector<StringRef> WeightReader::getBlocks() const {
  std::vector<StringRef> blocks = split(architecture.blocks);
  if (blocks.empty())
    blocks.push_back(".");
  return blocks;
}

static std::string join(StringRef block, StringRef name) {
  return block == "." ? name.str() : (block + "." + name).str();
}

/// Checkpoints of the bare model have no `model.`; models of several kinds of
/// input have more.
std::string WeightReader::findPrefix(StringRef stack, int64_t number) const {
  std::string own = stack.str() + fill(architecture.layer, "{n}", number) + ".";
  for (StringRef root :
       {"model.", "", "model.language_model.", "language_model.model.",
        "language_model.", "model.llm.", "model.language_model.model.",
        "thinker.model.", "talker.model.", "backbone.", "transformer.",
        "model.text_model.", "model.decoder."})
    for (StringRef block : getBlocks())
      for (StringRef name : split(architecture.router)) {
        std::string candidate = (root + own).str();
        if (checkpoint.has(candidate + join(block, name)))
          return candidate;
      }
  return "model." + own;
}

std::string WeightReader::find(Words names) const {
  std::vector<StringRef> blocks = getBlocks();
  for (StringRef name : split(names))
    for (StringRef block : blocks)
      if (std::string full = prefix + join(block, name); checkpoint.has(full))
        return full;
  return prefix + join(blocks.front(), split(names).front());
}

//===----------------------------------------------------------------------===//
// The router
//===----------------------------------------------------------------------===//

/// [size], which some checkpoints have as [1, size].
Expected<ParameterSpec> WeightReader::getVector(Words names, int64_t size) {
  std::string name = find(names);
  if (checkpoint.getRank(name) != 2)
    return checkpoint.get(name, {size});
  auto row = checkpoint.get(name, {1, size});
  if (!row)
    return row;
  return makeReshape(*row, {size});
}

Error WeightReader::readRouter() {
  RouterSpec &router = layer.router;
  int64_t classes = layer.getClasses() + layer.sinks;
  if (router.productKey)
    classes = 2 * router.productKey->side;
  int64_t in = router.network ? router.network->second.size : layer.hidden;
  if (architecture.special != Special::TokenTypes)
    MOEC_TRY(router.weight, get(architecture.router, {classes, in}));
  bool hasBias = !architecture.routerBias.empty();
  if (hasBias && !architecture.routerBiasFlag.empty())
    MOEC_TRY(hasBias, config.getFlag(architecture.routerBiasFlag, false));
  if (hasBias)
    MOEC_TRY(router.bias, getVector(architecture.routerBias, classes));
  bool isBiased =
      !architecture.selectionBias.empty() && layer.router.vocabulary == 0;
  if (isBiased && !architecture.biasFlag.empty())
    MOEC_TRY(isBiased, config.getFlag(architecture.biasFlag, true));
  if (isBiased && architecture.biasMayMiss)
    isBiased = has(architecture.selectionBias);
  if (isBiased)
    MOEC_TRY(router.selectionBias,
             getVector(architecture.selectionBias, layer.getClasses()));
  return Error::success();
}

Error WeightReader::readRouterNetwork() {
  RouterNetworkSpec &network = *layer.router.network;
  int64_t width = network.down.size;
  auto read = [&](StringRef name, ProjectionSpec &linear, int64_t in) -> Error {
    std::string weight = name.str() + ".weight", bias = name.str() + ".bias";
    MOEC_TRY(linear.weight, get(weight, {width, in}));
    MOEC_TRY(linear.bias, get(bias, {width}));
    return Error::success();
  };
  if (Error error = read("gate.down_proj", network.down, layer.hidden))
    return error;
  if (Error error = read("gate.router_mlp.fc1", network.first, width))
    return error;
  if (Error error = read("gate.router_mlp.fc2", network.second, width))
    return error;
  MOEC_TRY(network.norm.scale, get("gate.router_mlp.norm.weight", {width}));
  // The first layer has nothing to continue.
  if (has("gate.router_states_scale"))
    MOEC_TRY(network.stateScale, get("gate.router_states_scale", {width}));
  return Error::success();
}

//===----------------------------------------------------------------------===//
// Networks
//===----------------------------------------------------------------------===//

Expected<ParameterSpec> WeightReader::getMatrix(StringRef name, Layout layout,
                                                bool flat, int64_t count,
                                                int64_t out, int64_t in,
                                                int64_t firstExpert) {
  // Blocks of MXFP4 lie [out, in] in any case.
  bool turned = layout == Layout::InOut && !checkpoint.isBlocks(find(name));
  Shape own = turned ? Shape{in, out} : Shape{out, in};
  Shape shape = own;
  if (count)
    shape.insert(shape.begin(), count);
  Expected<ParameterSpec> matrix = ParameterSpec();
  if (name.contains("{e}")) {
    std::vector<std::string> names;
    for (int64_t expert = 0; expert < count; ++expert)
      names.push_back(find(fill(name, "{e}", firstExpert + expert)));
    matrix = checkpoint.getStack(names, own);
  } else if (flat) {
    Shape folded = {count * own[0], own[1]};
    matrix = get(name, folded);
    if (matrix)
      matrix = makeReshape(*matrix, shape);
  } else {
    // A stack may have rows for the identity experts, too, behind the others.
    llvm::ArrayRef<int64_t> found = checkpoint.getShape(find(name));
    bool hasMore = count && layer.identities && !found.empty() &&
                   found[0] == count + layer.identities;
    if (hasMore)
      shape[0] = found[0];
    matrix = get(name, shape);
    if (matrix && hasMore)
      matrix = makeSlice(*matrix, /*dim=*/0, 0, count);
  }
  if (!matrix || !turned)
    return matrix;
  return makeTranspose(*matrix, count ? llvm::ArrayRef<int64_t>({0, 2, 1})
                                      : llvm::ArrayRef<int64_t>({1, 0}));
}

/// Whether the tensors of a stack are there with the shapes of this layout.
bool WeightReader::fits(const NetworkNames &names, int64_t size,
                        int64_t width) const {
  auto matches = [&](StringRef name, Layout layout, int64_t out, int64_t in) {
    Shape shape = layout == Layout::InOut ? Shape{layer.experts, in, out}
                                          : Shape{layer.experts, out, in};
    return checkpoint.getShape(find(name)) == llvm::ArrayRef<int64_t>(shape);
  };
  return matches(names.gateUp, names.layout, 2 * size, width) &&
         matches(names.down, names.downLayout, width, size);
}

/// The first names that are there. Two entries with the same names differ in
/// layout: the first counts, unless only the second fits.
const NetworkNames &WeightReader::chooseNames(llvm::ArrayRef<NetworkNames> all,
                                              int64_t size,
                                              int64_t width) const {
  for (size_t index = 0; index < all.size(); ++index) {
    const NetworkNames &names = all[index];
    if (!has(fill(names.down, "{e}", 0)))
      continue;
    bool twice = index + 1 < all.size() &&
                 all[index + 1].gateUp == names.gateUp && !names.gateUp.empty();
    if (twice && !fits(names, size, width) && fits(all[index + 1], size, width))
      return all[index + 1];
    return names;
  }
  return all.front();
}

Error WeightReader::readNetwork(const NetworkNames &names, int64_t count,
                                int64_t width, FeedForwardSpec &network,
                                int64_t firstExpert) {
  int64_t size = network.size;
  int64_t rowDim = count ? 1 : 0;
  Shape biasShape = count ? Shape{count, size} : Shape{size};
  auto get = [&](StringRef name, Layout layout, int64_t out, int64_t in) {
    return getMatrix(name, layout, names.flat, count, out, in, firstExpert);
  };
  /// One half, or every second, of `both` along the dimension of 2 * size.
  auto part = [&](const ParameterSpec &both, int64_t which) {
    if (names.pairing == Pairing::Interleaved)
      return makeSlice(both, rowDim, which, size, /*step=*/2);
    return makeSlice(both, rowDim, which * size, size);
  };
  if (!names.gateUp.empty()) {
    ParameterSpec both;
    MOEC_TRY(both, get(names.gateUp, names.layout, 2 * size, width));
    network.gate = part(both, 0);
    network.up = part(both, 1);
  } else {
    if (!names.gate.empty())
      MOEC_TRY(network.gate, get(names.gate, names.layout, size, width));
    MOEC_TRY(network.up, get(names.up, names.layout, size, width));
  }
  MOEC_TRY(network.down, get(names.down, names.downLayout, width, size));

  auto getBias = [&](StringRef name,
                     int64_t length) -> Expected<ParameterSpec> {
    Shape shape = {length};
    if (name.contains("{e}")) {
      std::vector<std::string> all;
      for (int64_t expert = 0; expert < count; ++expert)
        all.push_back(find(fill(name, "{e}", firstExpert + expert)));
      return checkpoint.getStack(all, shape);
    }
    if (count)
      shape.insert(shape.begin(), count);
    return this->get(name, shape);
  };
  if (!names.gateUpBias.empty()) {
    ParameterSpec both;
    MOEC_TRY(both, getBias(names.gateUpBias, 2 * size));
    network.gateBias = part(both, 0);
    network.upBias = part(both, 1);
  }
  if (!names.upBias.empty())
    MOEC_TRY(network.upBias, getBias(names.upBias, size));
  if (!names.downBias.empty())
    MOEC_TRY(network.downBias, getBias(names.downBias, width));
  return Error::success();
}

Error WeightReader::readExperts() {
  if (architecture.special == Special::ProductKeys) {
    // An expert is a row of each table: down . f(up . x).
    ParameterSpec up, down;
    llvm::ArrayRef<int64_t> table =
        checkpoint.getShape(find("down_embed.weight"));
    int64_t rows = std::max(layer.experts, table.empty() ? 0 : table[0]);
    int64_t width = layer.hidden;
    MOEC_TRY(up, get("down_embed.weight", {rows, width}));
    MOEC_TRY(down, get("up_embed.weight", {rows, width}));
    auto take = [&](const ParameterSpec &all, llvm::ArrayRef<int64_t> shape) {
      return makeReshape(makeSlice(all, /*dim=*/0, 0, layer.experts), shape);
    };
    layer.expert.up = take(up, {layer.experts, 1, width});
    layer.expert.down = take(down, {layer.experts, width, 1});
    return Error::success();
  }
  int64_t width = layer.getExpertWidth();
  const NetworkNames &names =
      chooseNames(architecture.experts, layer.expert.size, width);
  return readNetwork(names, layer.experts, width, layer.expert);
}

Error WeightReader::readShared() {
  static constexpr NetworkNames kForms[] = {
      {.gate = "gate_proj.weight",
       .up = "up_proj.weight",
       .down = "down_proj.weight"},
      {.gate = "w1.weight", .up = "w3.weight", .down = "w2.weight"},
      {.gate = "linear_gate.weight",
       .up = "up_proj.weight",
       .down = "down_proj.weight"},
      {.gateUp = "gate_up_proj.weight", .down = "down_proj.weight"},
      {.up = "up_proj.weight", .down = "down_proj.weight"}};
  FeedForwardSpec &network = layer.shared->network;
  // Where experts work on narrower rows none of the networks has a gate.
  bool isGated = architecture.special != Special::Latent;
  // The names of which most tensors are there, so that a missing one is told by
  // its name.
  auto prefixes = split(architecture.shared.prefixes);
  StringRef home = prefixes.front();
  const NetworkNames *form = isGated ? &kForms[0] : &std::end(kForms)[-1];
  int best = 0;
  for (StringRef candidate : prefixes)
    for (const NetworkNames &names : kForms) {
      int found = 0;
      for (StringRef leaf : {names.gate, names.up, names.gateUp, names.down})
        found += !leaf.empty() && has(join(candidate, leaf));
      bool ungated = names.gate.empty() && names.gateUp.empty();
      if (isGated != ungated && found > best) {
        best = found;
        home = candidate;
        form = &names;
      }
    }
  auto inside = [&](StringRef leaf) {
    return leaf.empty() ? std::string() : join(home, leaf);
  };
  std::string gate = inside(form->gate), up = inside(form->up),
              gateUp = inside(form->gateUp), down = inside(form->down);
  NetworkNames names = *form;
  names.gate = gate;
  names.up = up;
  names.gateUp = gateUp;
  names.down = down;
  if (Error error = readNetwork(names, /*count=*/0, layer.hidden, network))
    return error;
  // Biases are there as a switch of the configuration says.
  auto bias = [&](StringRef leaf, int64_t size,
                  OptionalParameter &value) -> Error {
    std::string name = inside(leaf);
    if (has(name))
      MOEC_TRY(value, get(name, {size}));
    return Error::success();
  };
  if (Error error = bias("gate_proj.bias", network.size, network.gateBias))
    return error;
  if (Error error = bias("up_proj.bias", network.size, network.upBias))
    return error;
  if (Error error = bias("down_proj.bias", layer.hidden, network.downBias))
    return error;
  if (architecture.shared.gated)
    MOEC_TRY(layer.shared->gate,
             get("shared_expert_gate.weight", {1, layer.hidden}));
  return Error::success();
}

//===----------------------------------------------------------------------===//
// Pieces of few architectures
//===----------------------------------------------------------------------===//

/// Experts and router for tokens of type 0 and of type 1. On disk one list has
/// both sets of experts, and routers are transposed.
Error WeightReader::readSecondExperts() {
  int64_t experts = layer.experts, width = layer.hidden;
  bool fused = has("text_moe.gate.weight");
  auto readRouter = [&](Words name, RouterSpec &router) -> Error {
    if (fused) {
      MOEC_TRY(router.weight, get(name, {experts, width}));
      return Error::success();
    }
    ParameterSpec turned;
    MOEC_TRY(turned, get(name, {width, experts}));
    router.weight = makeTranspose(turned, {1, 0});
    return Error::success();
  };
  if (Error error = readRouter(fused ? "text_moe.gate.weight" : "gate.weight",
                               layer.router))
    return error;
  if (Error error =
          readRouter(fused ? "vision_moe.gate.weight" : "gate.weight_1",
                     *layer.otherRouter))
    return error;
  if (fused) {
    Words leaf = ".gate.moe_statics.e_score_correction_bias";
    MOEC_TRY(layer.router.selectionBias,
             getVector(("text_moe" + leaf).str(), experts));
    MOEC_TRY(layer.otherRouter->selectionBias,
             getVector(("vision_moe" + leaf).str(), experts));
    NetworkNames text = {.gateUp = "text_moe.experts.gate_up_proj",
                         .down = "text_moe.experts.down_proj"};
    NetworkNames vision = {.gateUp = "vision_moe.experts.gate_up_proj",
                           .down = "vision_moe.experts.down_proj"};
    if (Error error = readNetwork(text, experts, width, layer.expert))
      return error;
    return readNetwork(vision, experts, width, *layer.otherExpert);
  }
  ParameterSpec biases;
  MOEC_TRY(biases, get("moe_statics.e_score_correction_bias", {2, experts}));
  auto row = [&](int64_t index) {
    return makeReshape(makeSlice(biases, /*dim=*/0, index, 1), {experts});
  };
  layer.router.selectionBias = row(0);
  layer.otherRouter->selectionBias = row(1);
  const NetworkNames &names = architecture.experts.front();
  if (Error error = readNetwork(names, experts, width, layer.expert))
    return error;
  return readNetwork(names, experts, width, *layer.otherExpert,
                     /*firstExpert=*/experts);
}

Error WeightReader::readSinks() {
  int64_t count = layer.sinks, width = layer.hidden;
  NetworkNames names = {.gateUp = "shared_experts.shared_w13_weight",
                        .down = "shared_experts.shared_w2_weight",
                        .pairing = Pairing::Interleaved};
  if (!has(names.gateUp))
    names = {.gate = "shared_experts.gate_proj",
             .up = "shared_experts.up_proj",
             .down = "shared_experts.down_proj"};
  if (Error error = readNetwork(names, count, width, layer.sink))
    return error;
  MOEC_TRY(layer.globalScale, getVector("gate.global_scale", 1));
  return Error::success();
}

Error WeightReader::readSpecial() {
  int64_t hidden = layer.hidden;
  switch (architecture.special) {
  case Special::RouterNetwork:
    return readRouterNetwork();
  case Special::OwnInput:
    MOEC_TRY(layer.router.norm->scale, get("router.scale", {hidden}));
    MOEC_TRY(layer.router.expertScale,
             get("router.per_expert_scale", {layer.experts}));
    return Error::success();
  case Special::HashLayers:
    if (layer.router.vocabulary)
      MOEC_TRY(layer.router.table,
               checkpoint.getIntegers(find("gate.tid2eid"),
                                      {layer.router.vocabulary, layer.topK}));
    return Error::success();
  case Special::Sinks:
    return readSinks();
  case Special::TokenTypes:
    return readSecondExperts();
  case Special::Latent:
    if (!layer.intoLatent)
      return Error::success();
    MOEC_TRY(layer.intoLatent->weight,
             get("fc1_latent_proj.weight", {layer.intoLatent->size, hidden}));
    MOEC_TRY(layer.outOfLatent->weight,
             get("fc2_latent_proj.weight", {hidden, layer.intoLatent->size}));
    if (has("fc1_latent_proj.bias"))
      MOEC_TRY(layer.intoLatent->bias,
               get("fc1_latent_proj.bias", {layer.intoLatent->size}));
    if (has("fc2_latent_proj.bias"))
      MOEC_TRY(layer.outOfLatent->bias, get("fc2_latent_proj.bias", {hidden}));
    return Error::success();
  case Special::LatentNorm: {
    int64_t width = layer.intoLatent->size;
    MOEC_TRY(layer.intoLatent->weight,
             get("pre_expert_proj.weight", {width, hidden}));
    MOEC_TRY(layer.latentNorm->scale, get("pre_expert_norm.weight", {width}));
    MOEC_TRY(layer.outOfLatent->weight,
             get("post_expert_proj.weight", {hidden, width}));
    MOEC_TRY(layer.expertNorm->scale,
             get("experts.post_expert_norm.weight", {width}));
    return Error::success();
  }
  default:
    return Error::success();
  }
}

Error WeightReader::read() {
  if (Error error = readRouter())
    return error;
  if (architecture.special != Special::TokenTypes)
    if (Error error = readExperts())
      return error;
  if (Error error = readSpecial())
    return error;
  if (layer.shared)
    if (Error error = readShared())
      return error;
  if (!architecture.outputBias.empty())
    MOEC_TRY(layer.outputBias, get(architecture.outputBias, {layer.hidden}));
  if (!architecture.outputNorm.empty()) {
    RmsNormSpec norm;
    MOEC_TRY(norm.eps, config.getNumber("rms_norm_eps", 1e-6));
    MOEC_TRY(norm.scale, get(architecture.outputNorm, {layer.hidden}));
    layer.outputNorm = norm;
  }
  return Error::success();
}

Error moec::hf::readLayerWeights(Checkpoint &checkpoint,
                                 const ModelConfig &model, StringRef stack,
                                 int64_t number, LayerSpec &layer) {
  return WeightReader(checkpoint, model, stack, number, layer).read();
}
