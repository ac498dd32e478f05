// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How each Hugging Face architecture differs in its MoE layers. A new one that
// is made of the same pieces is one more entry of the table.
//
// Words: several names in one string, separated by spaces, of which the first
// that is there counts.

#ifndef MOEC_IMPORTERS_HF_ARCHITECTURES_H
#define MOEC_IMPORTERS_HF_ARCHITECTURES_H

#include "importers/LayerSpec.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <vector>

namespace moec::hf {

using Words = llvm::StringRef;

std::vector<llvm::StringRef> split(Words words);

/// What the selected scores become.
enum class Normalize {
  Never,
  Always,    ///< divided by their sum
  FlagOrNo,  ///< likewise where norm_topk_prob says so
  FlagOrYes, ///< likewise, and where it is missing
  Softmax,   ///< of the selected ones
  Lp,        ///< divided by their L-p norm (`normKey`)
  SparseMixer,
  SoftmaxOrSigmoid ///< expert_selection_fn says which
};

/// Which groups of experts may be selected from.
enum class Groups {
  None,
  Sum2NegInf, ///< groups by their two best; others never
  Sum2Zero,   ///< groups by their two best; others score 0
  ByMethod    ///< topk_method: greedy, or groups by their best; others score 0
};

/// Which layers are MoE layers.
enum class SparseLayers {
  All,
  /// (N + 1) % decoder_sparse_step == 0, and N is not in mlp_only_layers
  SparseStep,
  /// mlp_layer_types says sparse; or moe_layer_freq and the number of dense
  /// layers before, `denseLayers` where there is none
  LayerTypes,
  /// moe_layer_start_index, .._end_index, .._interval
  Interval,
  Period,     ///< expert_layer_period, expert_layer_offset
  Interleave, ///< moe_layers, or interleave_moe_layer_step
  Blocks,     ///< layers_block_type or hybrid_override_pattern
  Encoder,    ///< encoder and decoder, by the sparse step of each
};

/// How a matrix of a network lies in its tensor.
enum class Layout { OutIn, InOut };

/// How gate and up share one tensor.
enum class Pairing { Halves, Interleaved };

/// The tensors of a network, relative to the block. `{e}` is the expert's
/// number; without it a stack of experts has them in dimension 0, or folded
/// into the rows (`flat`).
struct NetworkNames {
  llvm::StringRef gate = {}, up = {}; ///< or
  llvm::StringRef gateUp = {};
  llvm::StringRef down;
  Layout layout = Layout::OutIn; ///< of gate, up and gateUp
  Layout downLayout = Layout::OutIn;
  Pairing pairing = Pairing::Halves;
  bool flat = false;
  llvm::StringRef gateUpBias = {}, upBias = {}, downBias = {};
};

/// A shared expert: its size is sizes * counts.
struct SharedNames {
  Words sizes;           ///< none: no shared expert
  Words counts;          ///< none: 1
  int64_t otherwise = 1; ///< the count where there is none
  bool gated = false;    ///< by the sigmoid of a projection of the token
  Words prefixes = "shared_experts shared_expert shared_mlp";
};

/// How an expert's network works inside.
enum class Body {
  Plain,
  LimitBefore, ///< swiglu_limit
  LimitAfter,  ///< swiglu_limits of the layer
  Swish,       ///< swiglu_alpha, swiglu_limit, and 1 added to up
  Softcap      ///< mlp_gate_softcap, mlp_up_softcap
};

/// Pieces that few architectures have.
enum class Special {
  None,
  IdentityExperts, ///< zero_expert_num
  RouterNetwork,   ///< with a state that layers hand on, and a class that skips
  ProductKeys,
  HashLayers, ///< mlp_layer_types says hash_moe
  Sinks,      ///< shared experts that the router weighs
  TokenTypes, ///< experts for text and others for images
  OwnInput,   ///< the router normalises and scales its own input
  Latent,     ///< experts work on narrower rows: moe_latent_size
  LatentNorm, ///< likewise (moe_hidden_size), with norms
  SwitchCapacity,
  NllbCapacity,
};

struct Architecture {
  Words modelTypes; ///< without the `_text` of nested configurations

  SparseLayers layers = SparseLayers::All;
  int64_t denseLayers = 0;

  Words inputs = "hidden_size";
  Words sizes = "moe_intermediate_size";
  ScoreFunction score = ScoreFunction::Softmax;
  bool ranksLogits = false;
  Groups groups = Groups::None;
  Normalize normalize = Normalize::Never;
  double eps = 0.0;
  Words normKey = {};        ///< eps as a lower bound, or p
  Words scales = {};         ///< field with the factor of the weights
  bool scalesOutput = false; ///< the factor multiplies the combined rows
  bool weighsInput = false;
  bool dividesByTopK = false; ///< weights; the combined rows are multiplied
  Words logitScale = {}, softcap = {};

  Words activations = "hidden_act hidden_activation activation_function";
  llvm::StringRef activation = {}; ///< whatever the configuration says
  Body body = Body::Plain;
  bool sharedLikeExperts = true; ///< the shared expert's body
  double averages = 1.0; ///< factor, if shared_expert_combination_strategy says
  Special special = Special::None;

  // Tensors.
  llvm::StringRef layer = "layers.{n}";
  Words blocks = "mlp block_sparse_moe feed_forward";
  Words router = "gate.weight";
  Words routerBias = {};
  llvm::StringRef routerBiasFlag =
      {}; ///< the router's bias is there if it says so
  Words selectionBias = {};
  llvm::StringRef biasFlag = {}; ///< the selection bias is there if it says so
  bool biasMayMiss = false;      ///< without its tensor nothing is added
  llvm::ArrayRef<NetworkNames> experts = {};
  SharedNames shared = {};
  Words outputBias = {}, outputNorm = {};
};

/// The architecture of this `model_type`, or null.
const Architecture *findArchitecture(llvm::StringRef modelType);

llvm::ArrayRef<Architecture> getArchitectures();

} // namespace moec::hf

#endif // MOEC_IMPORTERS_HF_ARCHITECTURES_H
