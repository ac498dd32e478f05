// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Builds the function of one MoE layer from what a layer is made of. Importers
// fill a LayerSpec; what the IR looks like is decided here only.

#ifndef MOEC_IMPORTERS_LAYERBUILDER_H
#define MOEC_IMPORTERS_LAYERBUILDER_H

#include "dialects/moe/Moe.h"
#include "importers/Activation.h"
#include "mlir/IR/BuiltinOps.h"
#include <optional>
#include <string>

namespace moec {

/// Largest numbers of things and sizes that importers accept: beyond any model,
/// and small enough that products of two do not overflow.
inline constexpr int64_t kMaxCount = 1 << 20;
inline constexpr int64_t kMaxSize = 1 << 28;

/// Value and element type of one parameter.
struct ParameterSpec {
  mlir::Attribute value;
  mlir::Type element;
};

/// down(activation(gate x) * up x)
struct GluSpec {
  int64_t size = 0;   ///< intermediate size I
  ParameterSpec gate; ///< [.., I, H]
  ParameterSpec up;   ///< [.., I, H]
  ParameterSpec down; ///< [.., H, I]
};

enum class ScoreFunction { Softmax, Sigmoid };

/// Selection in two steps: of groups, then of experts in them.
struct GroupSpec {
  int64_t count = 1;
  int64_t kept = 1;
  moe::GroupScore score = moe::GroupScore::Max;
  moe::MaskedScore masked = moe::MaskedScore::NegInf;
};

struct LayerSpec {
  std::string name; ///< "layers.0"
  int64_t hidden = 0;
  int64_t experts = 0;
  int64_t topK = 0;
  const Activation *activation = nullptr;

  ParameterSpec router; ///< [E, H]
  ScoreFunction score = ScoreFunction::Softmax;
  std::optional<GroupSpec> groups;
  bool normalize = false; ///< divide the selected scores by their sum
  double eps = 0.0;       ///< added to that sum
  double scale = 1.0;     ///< multiplies the routing weights

  GluSpec expert; ///< every parameter has the experts as dimension 0
  std::optional<GluSpec> shared;
  std::optional<ParameterSpec> sharedGate; ///< [1, H], behind a sigmoid
};

/// Appends the layer's parameters and its function `NAME.moe` to the module.
void buildMoeLayer(mlir::ModuleOp module, const LayerSpec &spec);

} // namespace moec

#endif // MOEC_IMPORTERS_LAYERBUILDER_H
