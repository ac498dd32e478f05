// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "importers/hf/DecoderArchitectures.h"

using namespace moec::hf;

/// Norms after both halves only.
static constexpr DecoderNames kPostNormNames = {
    .beforeAttention = "",
    .afterAttention = "post_attention_layernorm",
    .beforeFeedForward = "",
    .afterFeedForward = "post_feedforward_layernorm"};

/// Norms before and after both halves.
static constexpr DecoderNames kSandwichNames = {
    .beforeAttention = "input_layernorm",
    .afterAttention = "post_attention_layernorm",
    .beforeFeedForward = "pre_mlp_layernorm",
    .afterFeedForward = "post_mlp_layernorm"};

static constexpr DecoderNames kHunyuanNames = {
    .queryNorm = "self_attn.query_layernorm",
    .keyNorm = "self_attn.key_layernorm"};

static constexpr DecoderNames kLlama4Names = {.dense = "feed_forward"};

static constexpr DecoderNames kDbrxNames = {
    .embedding = "wte.weight",
    .layers = "blocks",
    .norm = "norm_f",
    .output = "norm_attn_norm.attn.out_proj",
    .fused = "norm_attn_norm.attn.Wqkv",
    .beforeAttention = "norm_attn_norm.norm_1",
    .beforeFeedForward = "norm_attn_norm.norm_2"};

/// In alphabetical order.
static constexpr DecoderArchitecture kArchitectures[] = {
    {.modelType = "afmoe",
     .names = kSandwichNames,
     .window = Window::LayerTypes,
     .rotates = Rotates::Sliding},
    {.modelType = "cohere2_moe",
     .isLayerNorm = true,
     .isInterleaved = true,
     .isParallel = true,
     .window = Window::LayerTypes,
     .rotates = Rotates::Sliding,
     .normEps = "layer_norm_eps",
     .logitScale = "logit_scale"},
    {.modelType = "dbrx", .names = kDbrxNames, .isLayerNorm = true},
    {.modelType = "deepseek_v2", .isLatent = true, .isInterleaved = true},
    {.modelType = "deepseek_v3", .isLatent = true, .isInterleaved = true},
    {.modelType = "dots1", .window = Window::LayerTypes},
    {.modelType = "ernie4_5_moe", .isInterleaved = true},
    {.modelType = "exaone_moe",
     .window = Window::LayerTypes,
     .rotates = Rotates::Sliding},
    {.modelType = "flex_olmo",
     .names = kPostNormNames,
     .headNorm = HeadNorm::AllHeads},
    {.modelType = "glm4_moe"},
    {.modelType = "glm4_moe_lite", .isLatent = true, .isInterleaved = true},
    {.modelType = "gpt_oss", .window = Window::LayerTypes},
    {.modelType = "granitemoe",
     .embeddingScale = "embedding_multiplier",
     .residualScale = "residual_multiplier",
     .attentionScale = "attention_multiplier",
     .logitDivisor = "logits_scaling"},
    {.modelType = "granitemoeshared",
     .embeddingScale = "embedding_multiplier",
     .residualScale = "residual_multiplier",
     .attentionScale = "attention_multiplier",
     .logitDivisor = "logits_scaling",
     .shared = "shared_mlp",
     .sharedSize = "shared_intermediate_size"},
    {.modelType = "hunyuan_v1_moe",
     .names = kHunyuanNames,
     .headNorm = HeadNorm::AfterRotary},
    {.modelType = "hy_v3"},
    {.modelType = "llama4_text",
     .names = kLlama4Names,
     .isInterleaved = true,
     .headNorm = HeadNorm::WithoutWeight,
     .rotates = Rotates::NoRopeLayers,
     .denseSize = "intermediate_size_mlp"},
    {.modelType = "minimax_m2", .headNorm = HeadNorm::AllHeads},
    {.modelType = "mixtral", .window = Window::All},
    {.modelType = "olmoe", .headNorm = HeadNorm::AllHeads},
    {.modelType = "phimoe", .isLayerNorm = true, .window = Window::All},
    {.modelType = "qwen2_moe", .window = Window::Flag},
    {.modelType = "qwen3_moe", .window = Window::Flag},
    {.modelType = "solar_open"},
};

const DecoderArchitecture *
moec::hf::findDecoderArchitecture(llvm::StringRef modelType) {
  for (const DecoderArchitecture &architecture : kArchitectures)
    if (architecture.modelType == modelType)
      return &architecture;
  return nullptr;
}

std::string moec::hf::listDecoderArchitectures() {
  std::string names;
  for (const DecoderArchitecture &architecture : kArchitectures)
    names += (names.empty() ? "" : ", ") + architecture.modelType.str();
  return names;
}
