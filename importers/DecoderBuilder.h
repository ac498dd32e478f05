// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Builds a whole decoder around MoE layers: `forward`, which computes the
// logits of sequences, `decode`, which continues those of a session, and
// `prefill`, which does so and computes the logits of the last tokens only.
// Importers fill a DecoderSpec; what the IR looks like is decided here only.

#ifndef MOEC_IMPORTERS_DECODERBUILDER_H
#define MOEC_IMPORTERS_DECODERBUILDER_H

#include "importers/LayerBuilder.h"
#include <vector>

namespace moec {

/// RMS or layer normalisation of the last dimension.
struct NormSpec {
  bool isLayerNorm = false; ///< else divides by the root mean square
  bool addsOne = false;     ///< multiplies by 1 + weight
  double eps = 1e-6;
  std::optional<ParameterSpec> weight; ///< [width]; missing: 1
  std::optional<ParameterSpec> bias;   ///< [width]
};

/// x . weight^T + bias
struct LinearSpec {
  int64_t out = 0, in = 0;
  ParameterSpec weight; ///< [out, in]
  std::optional<ParameterSpec> bias;
};

/// Rotary positions of the first, or last (MLA), 2 * F entries of a head.
struct RotarySpec {
  std::vector<float> frequencies; ///< [F]
  bool interleaved = false;
  double magnitude = 1.0;
  /// Other frequencies for more than `above` tokens: those of a sequence of
  /// `forward`, or those for which a session has room, so that all its keys
  /// have the same ones.
  struct Longer {
    int64_t above = 0;
    std::vector<float> frequencies; ///< [F]; empty: the base grows
    /// For L tokens the base is multiplied by (growth * L / above - growth +
    /// 1)^(F / (F - 1)).
    double growth = 0.0;
  };
  std::optional<Longer> longer;
};

/// Queries, keys and values that come out of low-rank projections (MLA).
struct LatentSpec {
  std::optional<LinearSpec> queryDown; ///< missing: `query` takes the input
  std::optional<NormSpec> queryNorm;
  LinearSpec down; ///< [rank + rotary, H]
  NormSpec norm;   ///< of the rank
  LinearSpec up;   ///< [heads * (plain + value width), rank]
  int64_t rank = 0;
  int64_t plain = 0;  ///< entries of a head without positions
  int64_t rotary = 0; ///< entries with, which all heads of keys share
};

struct AttentionSpec {
  int64_t heads = 0, keyHeads = 0;
  int64_t width = 0;      ///< of a query's and key's head
  int64_t valueWidth = 0; ///< of a value's head
  LinearSpec query, output;
  LinearSpec key, value; ///< unless latent
  std::optional<LatentSpec> latent;
  std::optional<NormSpec> queryNorm, keyNorm;
  bool normsHeads = true; ///< each head; else all heads at once
  bool normsAfterRotary = false;
  /// Of queries, keys (both after norms before the positions) and values.
  std::optional<double> clip;
  std::optional<ParameterSpec> sinks; ///< [heads]
  std::optional<int64_t> window;
  std::optional<int64_t> chunk; ///< sees its own block of positions only
  std::optional<double> softcap;
  double scale = 1.0;
  std::optional<RotarySpec> rotary;
  /// Multiplies queries by 1 + scale * ln(1 + floor((position + 1) / floor)).
  struct Temperature {
    double scale, floor;
  };
  std::optional<Temperature> temperature;
  std::optional<LinearSpec> gate; ///< sigmoid of it multiplies the heads
};

struct DenseSpec {
  LinearSpec gate, up, down;
  const Activation *activation = nullptr;
};

/// x += attention(norm(x)); x += feed_forward(norm(x)), with norms where they
/// are.
struct BlockSpec {
  AttentionSpec attention;
  std::optional<NormSpec> beforeAttention, afterAttention;
  std::optional<NormSpec> beforeFeedForward, afterFeedForward;
  bool isParallel = false; ///< both halves read the first norm
  /// Missing: the function `layers.N.moe` of the module.
  std::optional<DenseSpec> dense;
  /// Added to what the MoE layer gives.
  std::optional<DenseSpec> shared;
};

struct DecoderSpec {
  int64_t hidden = 0, vocabulary = 0;
  int64_t context = 0; ///< tokens of a session that asks for no other number
  ParameterSpec embedding;        ///< [vocabulary, hidden]
  std::optional<LinearSpec> head; ///< missing: the embedding, transposed
  double embeddingScale = 1.0, residualScale = 1.0, logitScale = 1.0;
  std::optional<double> logitSoftcap;
  NormSpec norm;
  std::vector<BlockSpec> blocks;
};

/// Appends parameters, states, `forward` and `decode` to a module that has a
/// function for each MoE layer, which become private.
void buildDecoder(mlir::ModuleOp module, const DecoderSpec &spec);

} // namespace moec

#endif // MOEC_IMPORTERS_DECODERBUILDER_H
