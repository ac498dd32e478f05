#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares whole models with transformers on fresh random checkpoints.

    random_models.py compare DIR [NAME ...]
    random_models.py list

--seed=N draws other weights and tokens. For each architecture a small model is made with transformers and saved with
random weights; its logits are compared with those of `forward` and of `decode`
one token at a time. Needs torch and transformers, and moec and moe-run on the path.
"""

import argparse
import os
import subprocess
import sys

import numpy as np

COMMON = {
    "vocab_size": 48, "hidden_size": 32, "intermediate_size": 24,
    "moe_intermediate_size": 20, "num_hidden_layers": 3,
    "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8,
    "num_experts_per_tok": 2, "max_position_embeddings": 64,
    "num_experts": 6, "num_local_experts": 6, "n_routed_experts": 6,
    "moe_num_experts": 6, "moe_k": 2, "n_shared_experts": 1, "num_shared_experts": 1,
    "first_k_dense_replace": 1, "n_group": 1, "topk_group": 1,
    "shared_expert_intermediate_size": 28, "pad_token_id": 0, "bos_token_id": 1,
    "eos_token_id": 2, "sliding_window": 5, "kv_lora_rank": 8, "q_lora_rank": 8,
    "qk_rope_head_dim": 4, "qk_nope_head_dim": 4, "v_head_dim": 8,
}
# Frequencies that are others beyond 8 tokens.
LENGTHS = {"max_position_embeddings": 8, "rope_parameters": {
    "rope_type": "dynamic", "rope_theta": 1e4, "factor": 2.5}}
FACTORS = {"rope_type": "longrope", "rope_theta": 1e4, "short_factor": [1.0, 1.1, 1.2, 1.3],
           "long_factor": [2.0, 3.0, 4.0, 5.0]}
LONG = {"rope_parameters": {**FACTORS, "original_max_position_embeddings": 8}}
# transformers' own model never takes the long factors.
SHORT = {"rope_parameters": {**FACTORS, "short_mscale": 1.2, "long_mscale": 1.2,
                             "original_max_position_embeddings": 16}}
LATENT = {"num_key_value_heads": 4, "head_dim": 4}
# model_type: (class of the model, changed fields)
MODELS = {
    "mixtral": ("MixtralForCausalLM", {}),
    "olmoe": ("OlmoeForCausalLM", {"clip_qkv": 0.5}),
    "olmoe-dynamic": ("OlmoeForCausalLM", LENGTHS),
    "qwen3_moe-dynamic": ("Qwen3MoeForCausalLM", LENGTHS),
    "olmoe-longrope": ("OlmoeForCausalLM", LONG),
    "phimoe-longrope": ("PhimoeForCausalLM", SHORT),
    "qwen2_moe": ("Qwen2MoeForCausalLM", {}),
    "qwen3_moe": ("Qwen3MoeForCausalLM", {"tie_word_embeddings": True}),
    "gpt_oss": ("GptOssForCausalLM", {}),
    "deepseek_v2": ("DeepseekV2ForCausalLM", {"topk_method": "greedy", **LATENT}),
    "deepseek_v3": ("DeepseekV3ForCausalLM", {"q_lora_rank": None, **LATENT}),
    "glm4_moe": ("Glm4MoeForCausalLM", {"use_qk_norm": True}),
    "glm4_moe_lite": ("Glm4MoeLiteForCausalLM", LATENT),
    "dots1": ("Dots1ForCausalLM", {}),
    "granitemoe": ("GraniteMoeForCausalLM", {
        "embedding_multiplier": 2.0, "residual_multiplier": 0.5,
        "attention_multiplier": 0.3, "logits_scaling": 4.0}),
    "granitemoeshared": ("GraniteMoeSharedForCausalLM", {"shared_intermediate_size": 16}),
    "phimoe": ("PhimoeForCausalLM", {"attention_bias": True, "lm_head_bias": True}),
    "dbrx": ("DbrxForCausalLM", {
        "d_model": 32, "n_heads": 4, "n_layers": 3, "max_seq_len": 64,
        "attn_config": {"kv_n_heads": 2, "clip_qkv": 1.0, "rope_theta": 1e4},
        "ffn_config": {"ffn_hidden_size": 24, "moe_num_experts": 6, "moe_top_k": 2}}),
    "ernie4_5_moe": ("Ernie4_5_MoeForCausalLM", {}),
    "hunyuan_v1_moe": ("HunYuanMoEV1ForCausalLM", {"moe_topk": 2}),
    "minimax_m2": ("MiniMaxM2ForCausalLM", {}),
    "flex_olmo": ("FlexOlmoForCausalLM", {}),
    "llama4_text": ("Llama4ForCausalLM", {"intermediate_size_mlp": 40,
                                          "attention_chunk_size": 4}),
    "afmoe": ("AfmoeForCausalLM", {}),
    "exaone_moe": ("ExaoneMoeForCausalLM", {}),
    "cohere2_moe": ("Cohere2MoeForCausalLM", {}),
    "solar_open": ("SolarOpenForCausalLM", {}),
    "hy_v3": ("HYV3ForCausalLM", {}),
}


def make(name, folder, seed):
    """Saves the model and its tokens and logits."""
    import torch
    import transformers

    kind, changed = MODELS[name]
    model_class = getattr(transformers, kind)
    config_class = model_class.config_class
    known = config_class().to_dict()
    fields = {k: v for k, v in COMMON.items() if k in known} if name != "dbrx" else {
        "vocab_size": 48}
    config = config_class(**{**fields, **changed})
    config._attn_implementation = "eager"
    torch.manual_seed(seed)
    model = model_class(config).eval().float()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter) * (0.3 if parameter.dim() > 1 else 0.1)
                            + (1.0 if parameter.dim() == 1 else 0.0))
        ids = torch.randint(0, 48, (2, 11))
        logits = model(ids, use_cache=False).logits
    model.save_pretrained(folder)
    np.save(f"{folder}/ids.npy", ids.numpy())
    np.save(f"{folder}/logits.npy", logits.numpy().astype("f4"))


def compare(folder):
    artifact, out = f"{folder}/model.moe", f"{folder}/out.npy"
    subprocess.run(["moec", folder, "-o", artifact, "--scope=model"], check=True)
    golden = np.load(f"{folder}/logits.npy")
    worst = []
    # Rotary positions may depend on the room of the session.
    room = f"--context={golden.shape[1]}"
    for options in (["--function=forward"], ["--function=decode", "--chunk=1", room]):
        subprocess.run(["moe-run", artifact, *options, f"--input=input_ids={folder}/ids.npy",
                        f"--output={out}"], check=True)
        difference = np.abs(np.load(out) - golden) / (1e-4 + 1e-4 * np.abs(golden))
        worst.append(float(difference.max()))
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("command", choices=["compare", "list"])
    parser.add_argument("folder", nargs="?")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--seed", type=int, default=3)
    options = parser.parse_intermixed_args()
    if options.command == "list":
        print("\n".join(MODELS))
        return 0
    failed = 0
    for name in options.names or MODELS:
        folder = os.path.join(options.folder, name)
        os.makedirs(folder, exist_ok=True)
        try:
            make(name, folder, options.seed)
            worst = compare(folder)
        except Exception as error:  # one model's failure is a line, not the end
            print(f"{name}: {type(error).__name__}: {error}")
            failed += 1
            continue
        good = max(worst) <= 1
        failed += not good
        print(f"{name}: {'agrees' if good else 'DIFFERS'}, largest error "
              f"{worst[0]:.2f} (forward) and {worst[1]:.2f} (decode) of the tolerance",
              flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
