// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How the architectures of GGUF files differ where their metadata do not say
// so: programs that run these files have it in code. A new one that is made of
// the same pieces is one more entry of the table.

#ifndef MOEC_IMPORTERS_GGUF_ARCHITECTURES_H
#define MOEC_IMPORTERS_GGUF_ARCHITECTURES_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>

namespace moec::gguf {

/// The numbers of `expert_gating_func`.
enum class Gating : int64_t {
  Softmax = 1,
  Sigmoid = 2,
  SoftmaxOfSelected = 3,
  SqrtSoftplus = 4
};

/// What bounds the insides of experts.
enum class Limits {
  Before, ///< gate and up, by swiglu_clamp_exp where it is there
  After,  ///< f(gate) and up, likewise
  Swish   ///< x * sigmoid(1.702 x), bounds of 7, 1 added to up
};

/// Whose tensors the shared expert is.
enum class Shared {
  Inside, ///< the MoE layer's
  Outside ///< its result is added by the decoder
};

/// A decoder that whole models are made of.
struct DecoderTraits {
  bool isSupported = false;
  /// Positions turn neighbours, not halves, of a head. Files of `llama` have
  /// the rows of queries and keys in the order that this needs.
  bool isInterleaved = false;
  bool isLatent = false;      ///< low-rank queries, keys and values
  bool normsAllHeads = false; ///< queries and keys, not each head of them
  bool normsAfterRotary = false;
  bool alternatesWindow = false; ///< even layers have a sliding window
  bool truncatesYarn = true;     ///< the ramp begins and ends at whole entries
  llvm::StringRef feedForwardNorm = "ffn_norm";
};

struct Architecture {
  llvm::StringRef name; ///< of general.architecture

  Gating gating = Gating::Softmax; ///< without expert_gating_func
  bool normalizes = false;         ///< without expert_weights_norm
  bool ranksLogits = false;
  bool weighsInput = false;
  bool ownInput = false;   ///< the router reads rows of its own
  bool normsInput = false; ///< likewise, and normalises and scales them
  llvm::StringRef activation = "silu";
  bool isGated = true;
  Limits limits = Limits::Before;
  /// Without expert_feed_forward_length an expert is feed_forward_length /
  /// expert_used_count wide.
  bool splitsSize = false;
  Shared shared = Shared::Inside;
  DecoderTraits decoder = {};
};

/// The architecture of this name, or null.
const Architecture *findArchitecture(llvm::StringRef name);

llvm::ArrayRef<Architecture> getArchitectures();

} // namespace moec::gguf

#endif // MOEC_IMPORTERS_GGUF_ARCHITECTURES_H
