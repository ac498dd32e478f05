// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What an MoE layer is made of. Importers fill it; LayerBuilder makes it IR.
// H is the width of a token, E the number of experts, C the number of classes
// that the router ranks, K the experts of one token.

#ifndef MOEC_IMPORTERS_LAYERSPEC_H
#define MOEC_IMPORTERS_LAYERSPEC_H

#include "dialects/moe/Moe.h"
#include "importers/Activation.h"
#include <optional>
#include <string>
#include <vector>

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
using OptionalParameter = std::optional<ParameterSpec>;

/// What happens between the projections: f(gate) * (up + upOffset), f(up) where
/// there is no gate. f is the activation, or x * sigmoid(swish * x).
struct FeedForwardBody {
  const Activation *activation = nullptr;
  std::optional<double> swish;
  double upOffset = 0.0;
  /// gate <= L and |up| <= L, before f.
  std::optional<double> limitBefore;
  /// f(gate) <= L and |up| <= L.
  std::optional<double> limitAfter;
  /// c * tanh(x / c) of gate and up, where they are factors; the sigmoid of f
  /// sees the gate as it is (f is then x * sigmoid(x)).
  std::optional<double> gateSoftcap, upSoftcap;
};

/// down(body(gate x, up x)); every projection may have a bias.
struct FeedForwardSpec {
  int64_t size = 0;                   ///< intermediate size I
  OptionalParameter gate;             ///< [.., I, H]; none: not gated
  ParameterSpec up;                   ///< [.., I, H]
  ParameterSpec down;                 ///< [.., H, I]
  OptionalParameter gateBias, upBias; ///< [.., I]
  OptionalParameter downBias;         ///< [.., H]
  FeedForwardBody body;
};

/// x / sqrt(mean(x^2) + eps), times `scale` [width] (1 + scale if `centered`).
struct RmsNormSpec {
  double eps = 0.0;
  OptionalParameter scale;
  bool centered = false;
  bool scaleFirst = false; ///< normalises what is scaled already
};

/// A projection [out, in], perhaps with a bias [out].
struct ProjectionSpec {
  int64_t size = 0; ///< out
  ParameterSpec weight;
  OptionalParameter bias;
};

enum class ScoreFunction { Softmax, Sigmoid, SqrtSoftplus, Logits };

/// Selection in two steps: of groups, then of experts in them.
struct GroupSpec {
  int64_t count = 1;
  int64_t kept = 1;
  moe::GroupScore score = moe::GroupScore::Max;
  moe::MaskedScore masked = moe::MaskedScore::NegInf;
};

/// A router that is a small network: a projection, plus what the layer before
/// carries over times a scale, a norm, two layers of GELU, a projection.
struct RouterNetworkSpec {
  ProjectionSpec down;          ///< [R, H]
  OptionalParameter stateScale; ///< [R]; there: argument router_states
  RmsNormSpec norm;
  ProjectionSpec first, second; ///< [R, R]
};

/// Two rows of `side` keys; expert i * side + j has the score x_i + y_j.
struct ProductKeySpec {
  int64_t side = 0;
};

struct RouterSpec {
  ParameterSpec weight;   ///< [C, H]
  OptionalParameter bias; ///< [C], of the projection
  bool ownInput = false;  ///< reads the argument router_input
  std::optional<RmsNormSpec> norm;
  double inputScale = 1.0; ///< multiplies the projection's input
  std::optional<RouterNetworkSpec> network;
  std::optional<ProductKeySpec> productKey;
  double logitScale = 1.0;
  std::optional<double> softcap; ///< of the logits

  ScoreFunction score = ScoreFunction::Softmax;
  bool ranksLogits = false;        ///< selects by logits, weighs by scores
  OptionalParameter selectionBias; ///< [C], added to what is ranked
  std::optional<GroupSpec> groups;
  /// [vocabulary, K]: the experts of a token's id (argument input_ids).
  OptionalParameter table;
  int64_t vocabulary = 0;

  moe::WeightNorm normalize = moe::WeightNorm::None;
  double eps = 0.0;
  moe::EpsMode epsMode = moe::EpsMode::Add;
  double p = 2.0;
  double jitter = 0.0;
  double scale = 1.0;            ///< multiplies the routing weights
  OptionalParameter expertScale; ///< [C], likewise
  bool weighsInput = false;      ///< weights multiply the experts' input
};

/// At most so many assignments an expert.
struct CapacitySpec {
  int64_t places = 0;       ///< 0: by the number of tokens
  double fraction = 0.0;    ///< ceil(fraction * T); 0: 2 * ceil(T / E)
  bool perSequence = false; ///< hidden_states is [B, S, H]
  bool byScore = false;     ///< likelier tokens go first
  bool normsFirst = false;  ///< weights are normalised before anything drops
};

/// An expert that every token visits.
struct SharedSpec {
  FeedForwardSpec network;
  OptionalParameter gate; ///< [1, H], behind a sigmoid
};

struct LayerSpec {
  std::string name; ///< "layers.0"
  int64_t hidden = 0;
  int64_t experts = 0;
  int64_t identities = 0; ///< classes after the experts: they yield their input
  int64_t skips = 0;      ///< classes after those: they yield nothing
  int64_t topK = 0;

  RouterSpec router;
  std::optional<CapacitySpec> capacity;
  /// Every parameter has the experts as dimension 0.
  FeedForwardSpec expert;
  std::optional<RmsNormSpec> expertNorm; ///< of each expert's rows
  /// Experts work on narrower rows.
  std::optional<ProjectionSpec> intoLatent, outOfLatent;
  std::optional<RmsNormSpec> latentNorm;
  double routedScale = 1.0; ///< multiplies the combined rows

  std::optional<SharedSpec> shared;
  /// Experts that every token visits with weights of the router: their logits
  /// follow those of the experts, and all weights are divided by one sum. Their
  /// weights multiply inside, behind the body. Stacks of `sinks`.
  int64_t sinks = 0;
  FeedForwardSpec sink;
  OptionalParameter globalScale; ///< [1], multiplies all weights
  /// A second set of experts and router, for tokens of type 1 (argument
  /// token_types).
  std::optional<FeedForwardSpec> otherExpert;
  std::optional<RouterSpec> otherRouter;

  double outputScale = 1.0;     ///< of routed and shared together
  OptionalParameter outputBias; ///< [H]
  std::optional<RmsNormSpec> outputNorm;

  int64_t getClasses() const { return experts + identities + skips; }
  /// Width of the rows that experts see.
  int64_t getExpertWidth() const {
    return intoLatent ? intoLatent->size : hidden;
  }
};

} // namespace moec

#endif // MOEC_IMPORTERS_LAYERSPEC_H
