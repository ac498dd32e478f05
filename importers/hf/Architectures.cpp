// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "importers/hf/Architectures.h"

using namespace moec;
using namespace moec::hf;

static constexpr TensorNames kMixtralNames = {
    "block_sparse_moe", "gate.weight", "experts.{e}.w1.weight",
    "experts.{e}.w3.weight", "experts.{e}.w2.weight"};

static constexpr TensorNames kQwenNames = {
    "mlp", "gate.weight", "experts.{e}.gate_proj.weight",
    "experts.{e}.up_proj.weight", "experts.{e}.down_proj.weight"};

static constexpr Architecture kArchitectures[] = {
    {"mixtral", ScoreFunction::Softmax, Renormalize::Always, SparseLayers::All,
     /*hasSharedExpert=*/false, "intermediate_size", kMixtralNames},
    {"olmoe", ScoreFunction::Softmax, Renormalize::Flag, SparseLayers::All,
     /*hasSharedExpert=*/false, "intermediate_size", kQwenNames},
    {"qwen2_moe", ScoreFunction::Softmax, Renormalize::Flag,
     SparseLayers::SparseStep, /*hasSharedExpert=*/true,
     "moe_intermediate_size", kQwenNames},
    {"qwen3_moe", ScoreFunction::Softmax, Renormalize::Flag,
     SparseLayers::SparseStep, /*hasSharedExpert=*/false,
     "moe_intermediate_size", kQwenNames},
};

const Architecture *moec::hf::findArchitecture(llvm::StringRef modelType) {
  for (const Architecture &architecture : kArchitectures)
    if (architecture.modelType == modelType)
      return &architecture;
  return nullptr;
}

llvm::ArrayRef<Architecture> moec::hf::getArchitectures() {
  return kArchitectures;
}
