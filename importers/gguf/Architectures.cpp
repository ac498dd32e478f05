// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From llama.cpp's calls of build_moe_ffn.

#include "importers/gguf/Architectures.h"

using namespace moec::gguf;

static constexpr DecoderTraits kHalves = {.isSupported = true};
static constexpr DecoderTraits kNeighbours = {.isSupported = true,
                                              .isInterleaved = true};

/// In alphabetical order.
static constexpr Architecture kArchitectures[] = {
    {.name = "afmoe", .gating = Gating::Sigmoid, .normalizes = true},
    {.name = "arctic", .normalizes = true},
    {.name = "bailingmoe", .decoder = kNeighbours},
    {.name = "bailingmoe2", .gating = Gating::Sigmoid},
    {.name = "cohere2moe", .gating = Gating::Sigmoid},
    {.name = "dbrx", .normalizes = true},
    {.name = "deepseek", .decoder = kNeighbours},
    {.name = "deepseek2",
     .decoder = {.isSupported = true, .isInterleaved = true, .isLatent = true}},
    {.name = "deepseek4", .gating = Gating::SqrtSoftplus, .normalizes = true},
    {.name = "dots1", .decoder = kHalves},
    {.name = "ernie4_5-moe", .normalizes = true, .decoder = kNeighbours},
    {.name = "exaone-moe", .gating = Gating::Sigmoid},
    {.name = "gemma4",
     .normalizes = true,
     .normsInput = true,
     .activation = "gelu_pytorch_tanh"},
    {.name = "glm-dsa", .gating = Gating::Sigmoid},
    {.name = "glm4moe",
     .gating = Gating::Sigmoid,
     .decoder = {.isSupported = true,
                 .feedForwardNorm = "post_attention_norm"}},
    {.name = "gpt-oss",
     .gating = Gating::SoftmaxOfSelected,
     .limits = Limits::Swish,
     .decoder = {.isSupported = true,
                 .alternatesWindow = true,
                 .truncatesYarn = false,
                 .feedForwardNorm = "post_attention_norm"}},
    {.name = "granitehybrid", .normalizes = true, .shared = Shared::Outside},
    {.name = "granitemoe", .normalizes = true, .shared = Shared::Outside},
    {.name = "grok", .normalizes = true, .activation = "gelu_pytorch_tanh"},
    {.name = "hunyuan-moe",
     .normalizes = true,
     .decoder = {.isSupported = true, .normsAfterRotary = true}},
    {.name = "hy-v3", .gating = Gating::Sigmoid, .normalizes = true},
    {.name = "jamba"},
    {.name = "kimi-linear", .gating = Gating::Sigmoid},
    {.name = "lfm2moe", .gating = Gating::Sigmoid, .normalizes = true},
    {.name = "llada-moe"},
    {.name = "llama", .normalizes = true, .decoder = kNeighbours},
    {.name = "llama4",
     .gating = Gating::Sigmoid,
     .ranksLogits = true,
     .weighsInput = true},
    {.name = "mellum", .normalizes = true},
    {.name = "mimo2", .gating = Gating::Sigmoid, .normalizes = true},
    {.name = "minimax-m2",
     .gating = Gating::Sigmoid,
     .normalizes = true,
     .decoder = {.isSupported = true, .normsAllHeads = true}},
    {.name = "mistral3", .normalizes = true, .decoder = kNeighbours},
    {.name = "nemotron_h_moe",
     .gating = Gating::Sigmoid,
     .activation = "relu2",
     .isGated = false},
    {.name = "nomic-bert-moe",
     .activation = "gelu_pytorch_tanh",
     .isGated = false},
    {.name = "olmoe", .decoder = {.isSupported = true, .normsAllHeads = true}},
    {.name = "phimoe", .normalizes = true},
    {.name = "qwen2moe", .splitsSize = true, .decoder = kHalves},
    {.name = "qwen35moe", .normalizes = true, .splitsSize = true},
    {.name = "qwen3moe",
     .normalizes = true,
     .splitsSize = true,
     .decoder = kHalves},
    {.name = "qwen3next", .normalizes = true, .splitsSize = true},
    {.name = "qwen3vlmoe", .normalizes = true, .splitsSize = true},
    {.name = "rnd1", .normalizes = true, .splitsSize = true},
    {.name = "smallthinker",
     .normalizes = true,
     .ownInput = true,
     .activation = "relu"},
    {.name = "step35",
     .gating = Gating::Sigmoid,
     .normalizes = true,
     .limits = Limits::After},
};

const Architecture *moec::gguf::findArchitecture(llvm::StringRef name) {
  for (const Architecture &architecture : kArchitectures)
    if (architecture.name == name)
      return &architecture;
  return nullptr;
}

llvm::ArrayRef<Architecture> moec::gguf::getArchitectures() {
  return kArchitectures;
}
