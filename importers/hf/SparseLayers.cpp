// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which layers of a model are MoE layers.

#include "importers/NearestNames.h"
#include "importers/Try.h"
#include "importers/hf/LayerConfig.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"

using namespace moec;
using namespace moec::hf;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

namespace {

using Layers = std::vector<int64_t>;

/// Reads the rule of one architecture; all functions answer with the numbers
/// of MoE layers.
class SparseReader {
public:
  SparseReader(const Config &config, const Architecture &architecture)
      : config(config), architecture(architecture) {}

  Expected<Layers> read();
  Expected<std::vector<LayerStack>> readEncoderDecoder();

private:
  template <typename Rule> Layers choose(Rule isSparse) const {
    Layers layers;
    for (int64_t layer = 0; layer < count; ++layer)
      if (isSparse(layer))
        layers.push_back(layer);
    return layers;
  }
  Error expectEntries(StringRef key, size_t entries) const {
    if (static_cast<int64_t>(entries) >= count)
      return Error::success();
    return config.fail(key, "expected an entry for each of " + Twine(count) +
                                " layers, found " + Twine(entries));
  }
  Expected<int64_t> sizeOr(StringRef key, int64_t otherwise, int64_t min = 0) {
    return config.getSizeOr(key, otherwise, min, kMaxCount);
  }

  Expected<Layers> readStep();
  Expected<Layers> readTypes();
  Expected<Layers> readFrequency(int64_t dense);
  Expected<Layers> readInterval();
  Expected<Layers> readPeriod();
  Expected<Layers> readInterleave();
  Expected<Layers> readBlocks();

  const Config &config;
  const Architecture &architecture;
  int64_t count = 0;
  StringRef blamed = "num_hidden_layers"; ///< field that left no layer
};

} // namespace

Expected<Layers> SparseReader::readStep() {
  int64_t step;
  Layers dense;
  MOEC_TRY(step, sizeOr("decoder_sparse_step", 1, 1));
  MOEC_TRY(dense, config.getNumbers("mlp_only_layers"));
  blamed = dense.empty() ? "decoder_sparse_step" : "mlp_only_layers";
  return choose([&](int64_t layer) {
    return (layer + 1) % step == 0 && !llvm::is_contained(dense, layer);
  });
}

Expected<Layers> SparseReader::readTypes() {
  blamed = "mlp_layer_types";
  if (config.has("mlp_layer_types")) {
    std::vector<std::string> types;
    MOEC_TRY(types, config.getStrings("mlp_layer_types"));
    if (Error error = expectEntries("mlp_layer_types", types.size()))
      return error;
    return choose([&](int64_t layer) { return types[layer] != "dense"; });
  }
  StringRef listed = "moe_layers_enum";
  if (config.has(listed)) {
    blamed = listed;
    Layers numbers;
    if (config.isList(listed)) {
      MOEC_TRY(numbers, config.getNumbers(listed));
    } else {
      std::string text;
      MOEC_TRY(text, config.getString(listed));
      llvm::SmallVector<StringRef> parts;
      StringRef(text).split(parts, ',', -1, /*KeepEmpty=*/false);
      for (StringRef part : parts) {
        int64_t number;
        if (part.trim().getAsInteger(10, number))
          return config.fail(listed,
                             "expected whole numbers, found '" + part + "'");
        numbers.push_back(number);
      }
    }
    return choose(
        [&](int64_t layer) { return llvm::is_contained(numbers, layer); });
  }
  for (StringRef key :
       {"first_k_dense_replace", "num_dense_layers", "dense_mlp_idx"})
    if (config.has(key)) {
      blamed = key;
      int64_t dense;
      MOEC_TRY(dense, sizeOr(key, 0));
      return readFrequency(dense);
    }
  blamed = "num_hidden_layers";
  return readFrequency(std::min(architecture.denseLayers, count));
}

/// moe_layer_freq is a step, or a list with 0 for dense layers.
Expected<Layers> SparseReader::readFrequency(int64_t dense) {
  StringRef key = "moe_layer_freq";
  if (config.isList(key)) {
    blamed = key;
    Layers flags;
    MOEC_TRY(flags, config.getNumbers(key));
    if (Error error = expectEntries(key, flags.size()))
      return error;
    bool listed = !config.has("first_k_dense_replace");
    return choose([&](int64_t layer) {
      return flags[layer] != 0 && (listed || layer >= dense);
    });
  }
  int64_t step;
  MOEC_TRY(step, sizeOr(key, 1, 1));
  return choose(
      [&](int64_t layer) { return layer >= dense && layer % step == 0; });
}

Expected<Layers> SparseReader::readInterval() {
  int64_t first, last, step;
  MOEC_TRY(first, sizeOr("moe_layer_start_index", 1));
  MOEC_TRY(last, config.getSizeOr("moe_layer_end_index", -1, -1, kMaxCount));
  MOEC_TRY(step, sizeOr("moe_layer_interval", 1, 1));
  blamed = "moe_layer_start_index";
  return choose([&](int64_t layer) {
    return (layer + 1) % step == 0 && layer >= first &&
           (last < 0 || layer <= last);
  });
}

Expected<Layers> SparseReader::readPeriod() {
  int64_t period, offset;
  MOEC_TRY(period, sizeOr("expert_layer_period", 2, 1));
  MOEC_TRY(offset, sizeOr("expert_layer_offset", 1));
  blamed = "expert_layer_period";
  return choose([&](int64_t layer) { return layer % period == offset; });
}

Expected<Layers> SparseReader::readInterleave() {
  blamed = "moe_layers";
  if (config.has("moe_layers")) {
    Layers numbers;
    MOEC_TRY(numbers, config.getNumbers("moe_layers"));
    return choose(
        [&](int64_t layer) { return llvm::is_contained(numbers, layer); });
  }
  blamed = "interleave_moe_layer_step";
  int64_t step;
  MOEC_TRY(step, sizeOr("interleave_moe_layer_step", 1, 1));
  return choose([&](int64_t layer) { return (layer + 1) % step == 0; });
}

Expected<Layers> SparseReader::readBlocks() {
  StringRef key = "hybrid_override_pattern";
  if (config.has(key)) {
    std::string pattern;
    MOEC_TRY(pattern, config.getString(key));
    blamed = key;
    count = pattern.size();
    return choose([&](int64_t layer) { return pattern[layer] == 'E'; });
  }
  blamed = config.findFirst({"layers_block_type", "layer_types"});
  if (blamed.empty())
    return config.fail("layers_block_type", "expected a list, found none");
  std::vector<std::string> types;
  MOEC_TRY(types, config.getStrings(blamed));
  count = types.size();
  return choose([&](int64_t layer) { return types[layer] == "moe"; });
}

Expected<Layers> SparseReader::read() {
  if (architecture.layers != SparseLayers::Blocks) {
    MOEC_TRY(count,
             config.getSize({"num_hidden_layers", "n_layers", "num_layers"},
                            "number of layers", kMaxCount));
  }
  for (StringRef flag : {"enable_moe_block", "is_moe"}) {
    bool there;
    MOEC_TRY(there, config.getFlag(flag, true));
    if (!there)
      return config.fail(flag, "leaves no MoE layer");
  }
  Layers layers;
  switch (architecture.layers) {
  case SparseLayers::All:
  case SparseLayers::Encoder:
    layers = choose([](int64_t) { return true; });
    break;
  case SparseLayers::SparseStep:
    MOEC_TRY(layers, readStep());
    break;
  case SparseLayers::LayerTypes:
    MOEC_TRY(layers, readTypes());
    break;
  case SparseLayers::Interval:
    MOEC_TRY(layers, readInterval());
    break;
  case SparseLayers::Period:
    MOEC_TRY(layers, readPeriod());
    break;
  case SparseLayers::Interleave:
    MOEC_TRY(layers, readInterleave());
    break;
  case SparseLayers::Blocks:
    MOEC_TRY(layers, readBlocks());
    break;
  }
  if (layers.empty())
    return config.fail(blamed, "leaves no MoE layer among " + Twine(count));
  return layers;
}

/// Switch: the step is layers / sparse layers where it is not given, and layer
/// N is one iff N % step == 1. NLLB: the step is given, and layer N is one iff
/// (N + 1) % step == 0.
Expected<std::vector<LayerStack>> SparseReader::readEncoderDecoder() {
  struct Side {
    const char *name, *layers, *sparse, *step;
  };
  bool byCount = architecture.special == Special::SwitchCapacity;
  static constexpr Side kSwitch[] = {
      {"encoder.", "num_layers", "num_sparse_encoder_layers",
       "encoder_sparse_step"},
      {"decoder.", "num_decoder_layers", "num_sparse_decoder_layers",
       "decoder_sparse_step"}};
  static constexpr Side kNllb[] = {
      {"encoder.", "encoder_layers", "", "encoder_sparse_step"},
      {"decoder.", "decoder_layers", "", "decoder_sparse_step"}};
  std::vector<LayerStack> stacks;
  for (const Side &side : byCount ? kSwitch : kNllb) {
    if (!config.has(side.layers) && byCount &&
        StringRef(side.name) == "decoder.") {
      MOEC_TRY(count,
               config.getSize({"num_layers"}, "number of layers", kMaxCount));
    } else {
      MOEC_TRY(count,
               config.getSize({side.layers}, "number of layers", kMaxCount));
    }
    int64_t step;
    if (byCount && !config.has(side.step)) {
      int64_t sparse;
      MOEC_TRY(sparse, sizeOr(side.sparse, 3));
      step = sparse > 0 ? count / sparse : count;
    } else {
      MOEC_TRY(step, sizeOr(side.step, 4));
    }
    Layers layers = choose([&](int64_t layer) {
      if (step <= 0)
        return false;
      return byCount ? layer % step == 1 || step == 1 : (layer + 1) % step == 0;
    });
    stacks.push_back({side.name, std::move(layers)});
  }
  if (stacks[0].layers.empty() && stacks[1].layers.empty())
    return config.fail(byCount ? "num_sparse_encoder_layers"
                               : "encoder_sparse_step",
                       "leaves no MoE layer");
  return stacks;
}

Expected<ModelConfig> moec::hf::readModelConfig(const Config &config) {
  std::string type;
  MOEC_TRY(type, config.getString("model_type"));
  ModelConfig model = {config, findArchitecture(type), {}};
  // Models of several kinds of input have the language model's configuration
  // inside.
  for (StringRef inner : {"text_config", "thinker_config.text_config",
                          "language_config", "llm_config"}) {
    if (!config.has(inner))
      continue;
    auto nested = config.getObject(inner);
    if (!nested)
      return nested.takeError();
    model.config = *nested;
    if (nested->has("model_type")) {
      std::string innerType;
      MOEC_TRY(innerType, nested->getString("model_type"));
      if (const Architecture *found = findArchitecture(innerType))
        model.architecture = found;
    }
    break;
  }
  if (!model.architecture) {
    std::vector<StringRef> names;
    for (const Architecture &architecture : getArchitectures())
      llvm::append_range(names, split(architecture.modelTypes));
    return config.fail(
        "model_type",
        "'" + Twine(type) + "' is not known; " + listNearest(type, names) +
            "; a JSON description with 'weights.tensors' can name this "
            "model's tensors (importers/json/description.fbs)");
  }
  SparseReader reader(model.config, *model.architecture);
  if (model.architecture->layers == SparseLayers::Encoder) {
    MOEC_TRY(model.stacks, reader.readEncoderDecoder());
    return model;
  }
  LayerStack stack;
  MOEC_TRY(stack.layers, reader.read());
  model.stacks.push_back(std::move(stack));
  return model;
}
