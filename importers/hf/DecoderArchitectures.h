// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How each Hugging Face architecture differs around its MoE layers. A new one
// that is made of the same pieces is one more entry of the table.

#ifndef MOEC_IMPORTERS_HF_DECODERARCHITECTURES_H
#define MOEC_IMPORTERS_HF_DECODERARCHITECTURES_H

#include "llvm/ADT/StringRef.h"

namespace moec::hf {

/// Which layers see a window of positions only, of `sliding_window`.
enum class Window {
  None,
  All,        ///< every layer, where the field is set
  LayerTypes, ///< those that `layer_types` calls sliding_attention
  /// As LayerTypes; without it those from `max_window_layers` on, where
  /// `use_sliding_window` is set
  Flag
};

/// Which layers rotate queries and keys.
enum class Rotates {
  All,
  Sliding,      ///< those with a window, or all where no layer has one
  NoRopeLayers, ///< those that `no_rope_layers` has a 1 for
};

/// Normalisation of queries and keys, where the checkpoint has it.
enum class HeadNorm { EachHead, AllHeads, AfterRotary, WithoutWeight };

/// Names of tensors, relative to `layers.N.` but for the first four.
struct DecoderNames {
  llvm::StringRef embedding = "embed_tokens.weight";
  llvm::StringRef layers = "layers";
  llvm::StringRef norm = "norm";
  llvm::StringRef head = "lm_head";
  llvm::StringRef query = "self_attn.q_proj";
  llvm::StringRef key = "self_attn.k_proj";
  llvm::StringRef value = "self_attn.v_proj";
  llvm::StringRef output = "self_attn.o_proj";
  llvm::StringRef fused = ""; ///< query, key and value in one
  llvm::StringRef queryNorm = "self_attn.q_norm";
  llvm::StringRef keyNorm = "self_attn.k_norm";
  llvm::StringRef beforeAttention = "input_layernorm";
  llvm::StringRef afterAttention = "";
  llvm::StringRef beforeFeedForward = "post_attention_layernorm";
  llvm::StringRef afterFeedForward = "";
  llvm::StringRef dense = "mlp";
};

struct DecoderArchitecture {
  llvm::StringRef modelType;
  DecoderNames names = {};
  bool isLatent = false; ///< MLA
  bool isLayerNorm = false;
  bool isInterleaved = false; ///< pairs of rotary entries are neighbours
  bool isParallel = false;
  HeadNorm headNorm = HeadNorm::EachHead;
  Window window = Window::None;
  Rotates rotates = Rotates::All;
  llvm::StringRef denseSize = "intermediate_size";
  llvm::StringRef normEps = "rms_norm_eps";
  /// Fields of numbers, where the architecture has them.
  llvm::StringRef embeddingScale = "", residualScale = "", attentionScale = "";
  llvm::StringRef logitScale = "", logitDivisor = "";
  /// A fused shared expert beside the MoE block and the field of its size.
  llvm::StringRef shared = "", sharedSize = "";
};

/// The architecture of this `model_type`, or null.
const DecoderArchitecture *findDecoderArchitecture(llvm::StringRef modelType);

/// All `model_type`s, for a message.
std::string listDecoderArchitectures();

} // namespace moec::hf

#endif // MOEC_IMPORTERS_HF_DECODERARCHITECTURES_H
