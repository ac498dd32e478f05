// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "importers/json/Description.h"
#include "importers/Config.h"
#include "importers/LayerBuilder.h"
#include "importers/Try.h"
#include "importers/json/LayerWeights.h"
#include "importers/json/Validate.h"
#include "importers/json/description_generated.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Path.h"
#include <cmath>

using namespace moec;
using namespace moec::json;
using llvm::createStringError;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

namespace {

/// The layers by name, and what each refers to.
class Resolver {
public:
  explicit Resolver(StringRef path) : path(path) {}

  Error add(StringRef name, const description::Layer &layer);
  /// The layer and what it is like, nearest first; an error where the chain
  /// does not end.
  Expected<std::vector<const description::Layer *>>
  resolve(StringRef name) const;

  Error fail(StringRef layer, const Twine &why) const {
    return createStringError(Twine(path) + ": layer '" + layer + "': " + why);
  }

private:
  StringRef path;
  llvm::StringMap<const description::Layer *> layers;
};

} // namespace

Error Resolver::add(StringRef name, const description::Layer &layer) {
  bool plain = !name.empty() && llvm::all_of(name, [](char c) {
    return llvm::isAlnum(c) || c == '.' || c == '_' || c == '-';
  });
  if (!plain)
    return fail(name, "field 'name': expected letters, digits, '.', '_', '-'");
  if (!layers.try_emplace(name, &layer).second)
    return fail(name, "field 'name': a second layer of this name");
  return Error::success();
}

Expected<std::vector<const description::Layer *>>
Resolver::resolve(StringRef name) const {
  std::vector<const description::Layer *> chain;
  llvm::StringSet<> visited;
  std::string steps;
  StringRef next = name;
  while (true) {
    steps += (steps.empty() ? "" : " -> ") + next.str();
    if (!visited.insert(next).second)
      return fail(name, "field 'like' refers in a circle: " + Twine(steps));
    auto found = layers.find(next);
    if (found == layers.end())
      return fail(name, "field 'like': no layer or definition '" + next + "'");
    chain.push_back(found->second);
    if (!found->second->like())
      return chain;
    next = found->second->like()->string_view();
  }
}

namespace {

/// Reads one layer: each field from the nearest of the chain that sets it.
class LayerReader {
public:
  LayerReader(StringRef name, const Resolver &resolver,
              std::vector<const description::Layer *> chain)
      : name(name), resolver(resolver), chain(std::move(chain)) {}

  Expected<LayerSpec> read(SourceFiles &files, mlir::MLIRContext &context);

private:
  using Size = flatbuffers::Optional<int64_t> (description::Layer::*)() const;

  Expected<int64_t> checkSize(StringRef field, int64_t value, int64_t max);
  Expected<int64_t> getSize(StringRef field, Size get, int64_t max);
  template <typename T>
  const T *nearest(const T *(description::Layer::*get)() const) const {
    for (const description::Layer *layer : chain)
      if (const T *value = (layer->*get)())
        return value;
    return nullptr;
  }
  Error readRouter(LayerSpec &layer);
  Error fail(StringRef field, const Twine &why) const {
    return resolver.fail(name, "field '" + field + "': " + why);
  }

  StringRef name;
  const Resolver &resolver;
  std::vector<const description::Layer *> chain;
};

} // namespace

Expected<int64_t> LayerReader::checkSize(StringRef field, int64_t value,
                                         int64_t max) {
  if (value < 1 || value > max)
    return fail(field, "expected a whole number from 1 to " + Twine(max) +
                           ", found " + Twine(value));
  return value;
}

Expected<int64_t> LayerReader::getSize(StringRef field, Size get, int64_t max) {
  for (const description::Layer *layer : chain)
    if (auto value = (layer->*get)(); value.has_value())
      return checkSize(field, *value, max);
  return fail(field, "expected a number, found none");
}

Error LayerReader::readRouter(LayerSpec &layer) {
  const auto *router = nearest(&description::Layer::router);
  if (!router)
    return fail("router", "expected an object, found none");
  MOEC_TRY(layer.topK, checkSize("router.top_k", router->top_k(), kMaxCount));
  if (layer.topK > layer.experts)
    return fail("router.top_k", "expected at most the number of experts (" +
                                    Twine(layer.experts) + "), found " +
                                    Twine(layer.topK));
  layer.router.score = router->score() == description::Score::softmax
                           ? ScoreFunction::Softmax
                           : ScoreFunction::Sigmoid;
  layer.router.normalize = router->normalize() == description::Normalize::sum
                               ? moe::WeightNorm::Sum
                               : moe::WeightNorm::None;
  layer.router.eps = router->eps();
  layer.router.scale = router->scale();
  if (!(layer.router.eps >= 0.0) || std::isinf(layer.router.eps))
    return fail("router.eps", "expected a number of at least 0");
  if (!std::isfinite(layer.router.scale))
    return fail("router.scale", "expected a finite number");
  const auto *groups = router->groups();
  if (!groups)
    return Error::success();
  GroupSpec spec;
  MOEC_TRY(spec.count,
           checkSize("router.groups.count", groups->count(), layer.experts));
  MOEC_TRY(spec.kept,
           checkSize("router.groups.kept", groups->kept(), spec.count));
  if (layer.experts % spec.count)
    return fail("router.groups.count", "expected a divisor of the number of "
                                       "experts (" +
                                           Twine(layer.experts) + "), found " +
                                           Twine(spec.count));
  bool canFill = groups->masked() == description::Masked::zero ||
                 layer.topK <= layer.experts / spec.count * spec.kept;
  if (!canFill)
    return fail("router.groups.kept",
                "expected at least top_k (" + Twine(layer.topK) +
                    ") experts in the kept groups, found " +
                    Twine(layer.experts / spec.count * spec.kept));
  if (groups->score() == description::GroupScore::sum2)
    spec.score = moe::GroupScore::Sum2;
  if (groups->masked() == description::Masked::zero)
    spec.masked = moe::MaskedScore::Zero;
  layer.router.groups = spec;
  return Error::success();
}

Expected<LayerSpec> LayerReader::read(SourceFiles &files,
                                      mlir::MLIRContext &context) {
  LayerSpec layer;
  layer.name = name.str();
  using L = description::Layer;
  MOEC_TRY(layer.hidden, getSize("hidden_size", &L::hidden_size, kMaxSize));
  MOEC_TRY(layer.experts, getSize("experts", &L::experts, kMaxCount));
  MOEC_TRY(layer.expert.size,
           getSize("intermediate_size", &L::intermediate_size, kMaxSize));
  if (Error error = readRouter(layer))
    return error;
  const auto *activation = nearest(&L::activation);
  StringRef function = activation ? activation->string_view() : "silu";
  layer.expert.body.activation = findActivation(function);
  if (!layer.expert.body.activation)
    return fail("activation",
                "'" + function + "' is not one of " + listActivations());
  bool gated = false;
  if (const auto *shared = nearest(&L::shared_expert)) {
    layer.shared.emplace();
    layer.shared->network.body = layer.expert.body;
    MOEC_TRY(layer.shared->network.size,
             checkSize("shared_expert.intermediate_size",
                       shared->intermediate_size(), kMaxSize));
    gated = shared->gated();
  }
  const auto *weights = nearest(&L::weights);
  if (!weights || !weights->random() == !weights->tensors())
    return fail("weights", "expected either 'random' or 'tensors'");
  if (const auto *random = weights->random()) {
    auto precision = description::Precision::f32;
    for (const description::Layer *link : llvm::reverse(chain))
      if (auto set = link->dtype(); set.has_value())
        precision = *set;
    if (Error error =
            fillRandomWeights(layer, *random, precision, gated, context))
      return fail("weights.random", llvm::toString(std::move(error)));
  } else if (Error error = fillTensorWeights(layer, *weights->tensors(), gated,
                                             files, context)) {
    return fail("weights.tensors", llvm::toString(std::move(error)));
  }
  return layer;
}

Expected<mlir::OwningOpRef<mlir::ModuleOp>>
moec::json::importDescription(StringRef path, mlir::MLIRContext &context) {
  auto text = readTextFile(path);
  if (!text)
    return text.takeError();
  auto bytes = validateDescription(*text, path);
  if (!bytes)
    return bytes.takeError();
  const auto &root =
      *flatbuffers::GetRoot<description::Description>(bytes->data());

  Resolver resolver(path);
  std::vector<std::string> names;
  if (root.definitions())
    for (const description::Layer *layer : *root.definitions()) {
      StringRef name = layer->name() ? layer->name()->string_view() : "";
      if (Error error = resolver.add(name, *layer))
        return error;
    }
  if (!root.layers() || root.layers()->size() == 0)
    return createStringError(path + ": field 'layers': expected at least one");
  for (const description::Layer *layer : *root.layers()) {
    names.push_back(layer->name() ? layer->name()->str()
                                  : "layers." + std::to_string(names.size()));
    if (Error error = resolver.add(names.back(), *layer))
      return error;
  }

  SourceFiles files(llvm::sys::path::parent_path(path));
  mlir::OwningOpRef<mlir::ModuleOp> module =
      mlir::ModuleOp::create(mlir::UnknownLoc::get(&context));
  for (const std::string &name : names) {
    auto chain = resolver.resolve(name);
    if (!chain)
      return chain.takeError();
    auto layer =
        LayerReader(name, resolver, std::move(*chain)).read(files, context);
    if (!layer)
      return layer.takeError();
    buildMoeLayer(*module, *layer);
  }
  return module;
}
