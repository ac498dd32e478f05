// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How each Hugging Face architecture differs in its MoE layers. A new one that
// is made of the same pieces is one more entry of the table.

#ifndef MOEC_IMPORTERS_HF_ARCHITECTURES_H
#define MOEC_IMPORTERS_HF_ARCHITECTURES_H

#include "importers/LayerBuilder.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace moec::hf {

/// Whether the selected scores are divided by their sum.
enum class Renormalize {
  Always,
  Flag ///< as `norm_topk_prob` says, no where it is missing
};

/// Which layers are MoE layers.
enum class SparseLayers {
  All,
  /// (N + 1) % decoder_sparse_step == 0, and N is not in mlp_only_layers
  SparseStep
};

/// Names of the tensors of an MoE block, relative to `layers.N.`. `{e}` is the
/// expert's number.
struct TensorNames {
  llvm::StringRef block;
  llvm::StringRef router;
  llvm::StringRef gate, up, down;
};

struct Architecture {
  llvm::StringRef modelType;
  ScoreFunction score;
  Renormalize renormalize;
  SparseLayers layers;
  bool hasSharedExpert; ///< behind a sigmoid of its own linear gate
  llvm::StringRef sizeKey;
  TensorNames names;
};

/// The architecture of this `model_type`, or null.
const Architecture *findArchitecture(llvm::StringRef modelType);

llvm::ArrayRef<Architecture> getArchitectures();

} // namespace moec::hf

#endif // MOEC_IMPORTERS_HF_ARCHITECTURES_H
