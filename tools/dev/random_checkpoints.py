#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares moec with transformers on fresh random checkpoints.

    random_checkpoints.py make DIR [NAME ...]      checkpoints with golden outputs
    random_checkpoints.py compare DIR [NAME ...]   makes them, compiles and runs
                                                   them, and compares
    random_checkpoints.py list

For each architecture a small model is made with transformers, its weights are
drawn at random, it is saved as save_pretrained does, and every MoE block is run
on random tokens. `compare` needs moec and moe-run on the path; it runs the
compiled code and the reference interpreter. Needs torch and transformers.
--fused saves what transformers has in memory (save_original_format=False);
--seed=N draws other weights and tokens; --reference runs the interpreter only.
"""

import argparse
import importlib
import inspect
import os
import re
import shutil
import subprocess
import sys

import numpy as np

# A block is found by its class. Fields that a configuration lacks are left out.
COMMON = {
    "vocab_size": 48, "hidden_size": 32, "intermediate_size": 24,
    "moe_intermediate_size": 20, "num_hidden_layers": 3,
    "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8,
    "num_experts_per_tok": 3, "max_position_embeddings": 64,
    "n_shared_experts": 2, "num_shared_experts": 2, "first_k_dense_replace": 1,
    "shared_expert_intermediate_size": 28, "pad_token_id": 0,
    "bos_token_id": 1, "eos_token_id": 2, "rms_norm_eps": 1e-6,
    "kv_lora_rank": 8, "q_lora_rank": 8, "qk_rope_head_dim": 4,
    "qk_nope_head_dim": 4, "v_head_dim": 8, "index_topk": 4,
    "index_n_heads": 2, "index_head_dim": 8,
}

EXPERTS = ("num_experts", "num_local_experts", "n_routed_experts",
           "moe_num_experts")
GROUPED = {"experts": 8, "n_group": 4, "topk_group": 2}


class Model:
    """One architecture: where it is in transformers and what is changed.

    config: fields; model: the class of the model; block: a pattern of the
    blocks' class names; text: the fields are those of a part of the
    configuration; extra(block, config, generator): further arguments by name."""

    def __init__(self, module, model, block, **config):
        self.module, self.model, self.block = module, model, block
        self.inputs = config.pop("_inputs", None)
        self.experts = config.pop("experts", 6)
        self.hidden = config.pop("_hidden", None)
        self.text = config.pop("_text", None)
        self.config_class = config.pop("_config", None)
        self.prepare = config.pop("_prepare", None)
        self.config = config


MODELS = {
    "mixtral": Model("mixtral", "MixtralForCausalLM", "MixtralSparseMoeBlock"),
    "minimax": Model("minimax", "MiniMaxForCausalLM", "MiniMaxSparseMoeBlock"),
    "olmoe": Model("olmoe", "OlmoeForCausalLM", "OlmoeSparseMoeBlock"),
    "olmoe-norm": Model("olmoe", "OlmoeForCausalLM", "OlmoeSparseMoeBlock", norm_topk_prob=True),
    "flex_olmo": Model("flex_olmo", "FlexOlmoForCausalLM", "FlexOlmoSparseMoeBlock"),
    "qwen2_moe": Model("qwen2_moe", "Qwen2MoeForCausalLM", "Qwen2MoeSparseMoeBlock"),
    "qwen3_moe": Model("qwen3_moe", "Qwen3MoeForCausalLM", "Qwen3MoeSparseMoeBlock", norm_topk_prob=True),
    "qwen3_next": Model("qwen3_next", "Qwen3NextForCausalLM", "Qwen3NextSparseMoeBlock"),
    "qwen3_5_moe": Model("qwen3_5_moe", "Qwen3_5MoeForCausalLM", "Qwen3_5MoeSparseMoeBlock", _config="Qwen3_5MoeTextConfig"),
    "qwen3_vl_moe": Model("qwen3_vl_moe", "Qwen3VLMoeForConditionalGeneration", "Qwen3VLMoeTextSparseMoeBlock", _text="text_config"),
    "qwen3_vl_moe-square": Model("qwen3_vl_moe", "Qwen3VLMoeForConditionalGeneration", "Qwen3VLMoeTextSparseMoeBlock", _text="text_config", moe_intermediate_size=16),
    "qwen3_omni_moe": Model("qwen3_omni_moe", "Qwen3OmniMoeThinkerForConditionalGeneration", "Qwen3OmniMoeThinkerTextSparseMoeBlock", _text="text_config", _config="Qwen3OmniMoeThinkerConfig"),
    "qwen4_exp": Model("qwen4_exp", "Qwen4ExpForCausalLM", "Qwen4ExpTextSparseMoeBlock", _config="Qwen4ExpTextConfig"),
    "mellum": Model("mellum", "MellumForCausalLM", "MellumSparseMoeBlock"),
    "deepseek_v2": Model("deepseek_v2", "DeepseekV2ForCausalLM", "DeepseekV2Moe", routed_scaling_factor=1.5),
    "deepseek_v2-groups": Model("deepseek_v2", "DeepseekV2ForCausalLM", "DeepseekV2Moe", topk_method="group_limited_greedy", routed_scaling_factor=1.5, **GROUPED),
    "deepseek_v3": Model("deepseek_v3", "DeepseekV3ForCausalLM", "DeepseekV3MoE", **GROUPED),
    "deepseek_v32": Model("deepseek_v32", "DeepseekV32ForCausalLM", "DeepseekV32MoE", **GROUPED),
    "glm4_moe": Model("glm4_moe", "Glm4MoeForCausalLM", "Glm4MoeMoE", routed_scaling_factor=1.7),
    "glm4_moe_lite": Model("glm4_moe_lite", "Glm4MoeLiteForCausalLM", "Glm4MoeLiteMoE"),
    "glm4v_moe": Model("glm4v_moe", "Glm4vMoeForConditionalGeneration", "Glm4vMoeTextMoE", _text="text_config"),
    "glm_moe_dsa": Model("glm_moe_dsa", "GlmMoeDsaForCausalLM", "GlmMoeDsaMoE"),
    "glm5_next": Model("glm5_next", "Glm5NextTextModel", "Glm5NextTextMoE", _config="Glm5NextTextConfig", num_key_value_heads=4, qk_rope_head_dim=0, index_topk=16, swiglu_limit=1.0, mlp_layer_types=["dense", "sparse", "sparse"]),
    "dots1": Model("dots1", "Dots1ForCausalLM", "Dots1MoE", norm_topk_prob=True),
    "dots3_note": Model("dots3_note", "Dots3NoteForCausalLM", "Dots3NoteTextMoE", _config="Dots3NoteTextConfig", num_key_value_heads=4),
    "solar_open": Model("solar_open", "SolarOpenForCausalLM", "SolarOpenMoE"),
    "kimi_linear": Model("kimi_linear", "KimiLinearForCausalLM", "KimiLinearMoE"),
    "bailing_hybrid": Model("bailing_hybrid", "BailingHybridForCausalLM", "BailingHybridMoE", **GROUPED),
    "axk1": Model("axk1", "AXK1ForCausalLM", "AXK1MoE", **GROUPED),
    "axk2": Model("axk2", "AXK2ForCausalLM", "AXK2MoE"),
    "axk2-groups": Model("axk2", "AXK2ForCausalLM", "AXK2MoE", **GROUPED),
    "exaone_moe": Model("exaone_moe", "ExaoneMoeForCausalLM", "ExaoneMoeSparseMoEBlock"),
    "mimo_v2_flash": Model("mimo_v2_flash", "MiMoV2FlashForCausalLM", "MiMoV2FlashMoE"),
    "beam": Model("beam", "BeamForCausalLM", "BeamMoE", mlp_layer_types=["dense", "sparse", "sparse"], **GROUPED),
    "mistral4": Model("mistral4", "Mistral4ForCausalLM", "Mistral4MoE", **GROUPED),
    "mistral_large4": Model("mistral_large4", "MistralLarge4ForConditionalGeneration", "MistralLarge4TextMoE", _text="text_config", **GROUPED),
    "deepseek_v4": Model("deepseek_v4", "DeepseekV4ForCausalLM", "DeepseekV4SparseMoeBlock", swiglu_limit=1.0, num_hash_layers=1, _inputs="input_ids"),
    "hy_v3": Model("hy_v3", "HYV3ForCausalLM", "HYV3MoE"),
    "hy_v4": Model("hy_v4", "HYV4ForCausalLM", "HYV4MoE", swiglu_limit=1.0),
    "gpt_oss": Model("gpt_oss", "GptOssForCausalLM", "GptOssMLP", swiglu_limit=1.0),
    "openai_privacy_filter": Model("openai_privacy_filter", "OpenAIPrivacyFilterForTokenClassification", "OpenAIPrivacyFilterMLP", swiglu_limit=1.0),
    "minimax_m2": Model("minimax_m2", "MiniMaxM2ForCausalLM", "MiniMaxM2SparseMoeBlock"),
    "minimax_m3_vl": Model("minimax_m3_vl", "MiniMaxM3VLForCausalLM", "MiniMaxM3VLSparseMoeBlock", _config="MiniMaxM3VLTextConfig", swiglu_limit=1.0),
    "llama4": Model("llama4", "Llama4ForCausalLM", "Llama4TextMoe", _config="Llama4TextConfig", num_experts_per_tok=2, interleave_moe_layer_step=2, num_hidden_layers=4),
    "phimoe": Model("phimoe", "PhimoeForCausalLM", "PhimoeSparseMoeBlock", num_experts_per_tok=2, router_jitter_noise=0.1),
    "granitemoe": Model("granitemoe", "GraniteMoeForCausalLM", "GraniteMoeMoE"),
    "granitemoeshared": Model("granitemoeshared", "GraniteMoeSharedForCausalLM", "GraniteMoeSharedMoE"),
    "granitemoehybrid": Model("granitemoehybrid", "GraniteMoeHybridForCausalLM", "GraniteMoeHybridMoE", mamba_n_heads=4, mamba_d_head=16, layer_types=["full_attention"] * 3),
    "granitemoe_swa": Model("granitemoe_swa", "GraniteMoeSWAForCausalLM", "GraniteMoeSWAMoE"),
    "jetmoe": Model("jetmoe", "JetMoeForCausalLM", "JetMoeMoE", kv_channels=8),
    "dbrx": Model("dbrx", "DbrxForCausalLM", "DbrxFFN", d_model=32, n_heads=4, n_layers=2, max_seq_len=64, ffn_config={"ffn_hidden_size": 20, "moe_num_experts": 6, "moe_top_k": 3, "hidden_size": 32}, attn_config={"kv_n_heads": 2, "clip_qkv": 8, "rope_theta": 1e4}),
    "dbrx-p2": Model("dbrx", "DbrxForCausalLM", "DbrxFFN", d_model=32, n_heads=4, n_layers=1, max_seq_len=64, ffn_config={"ffn_hidden_size": 20, "moe_num_experts": 6, "moe_top_k": 3, "hidden_size": 32, "moe_normalize_expert_weights": 2.0}, attn_config={"kv_n_heads": 2, "rope_theta": 1e4}),
    "jamba": Model("jamba", "JambaForCausalLM", "JambaSparseMoeBlock", attn_layer_period=2, attn_layer_offset=1),
    "ernie4_5_moe": Model("ernie4_5_moe", "Ernie4_5_MoeForCausalLM", "Ernie4_5_MoeSparseMoeBlock", moe_k=3),
    "ernie4_5_vl_moe": Model("ernie4_5_vl_moe", "Ernie4_5_VLMoeTextModel", "Ernie4_5_VLMoeMoeBlock", _config="Ernie4_5_VLMoeTextConfig", head_dim=128, moe_k=3, moe_intermediate_size=[20, 12], mlp_layer_types=["dense", "sparse", "sparse"], _inputs="token_types"),
    "hunyuan_v1_moe": Model("hunyuan_v1_moe", "HunYuanMoEV1ForCausalLM", "HunYuanMoEV1Moe", moe_topk=[1, 2, 3]),
    "longcat_flash": Model("longcat_flash", "LongcatFlashForCausalLM", "LongcatFlashMoE", num_layers=2, zero_expert_num=3, expert_ffn_hidden_size=20, ffn_hidden_size=24, moe_topk=4),
    "zaya": Model("zaya", "ZayaForCausalLM", "ZayaSparseMoeBlock", num_experts_per_tok=1, router_hidden_size=16, _inputs="router_states"),
    "switch": Model("switch_transformers", "SwitchTransformersForConditionalGeneration", "SwitchTransformersSparseMLP", d_model=32, d_ff=24, d_kv=8, num_heads=4, num_layers=4, num_hidden_layers=4, num_decoder_layers=4, num_sparse_encoder_layers=2, num_sparse_decoder_layers=2, expert_capacity=2),
    "aria": Model("aria", "AriaTextForCausalLM", "AriaTextMoELayer", _config="AriaTextConfig", moe_topk=3),
    "lfm2_moe": Model("lfm2_moe", "Lfm2MoeForCausalLM", "Lfm2MoeSparseMoeBlock", num_dense_layers=1, layer_types=["full_attention"] * 3, routed_scaling_factor=1.3),
    "lfm2_moe-plain": Model("lfm2_moe", "Lfm2MoeForCausalLM", "Lfm2MoeSparseMoeBlock", num_dense_layers=1, layer_types=["full_attention"] * 3, use_expert_bias=False, norm_topk_prob=False),
    "afmoe": Model("afmoe", "AfmoeForCausalLM", "AfmoeSparseMoeBlock", route_scale=1.4),
    "cohere2_moe": Model("cohere2_moe", "Cohere2MoeForCausalLM", "Cohere2MoeSparseMoeBlock"),
    "cohere2_moe-sigmoid": Model("cohere2_moe", "Cohere2MoeForCausalLM", "Cohere2MoeSparseMoeBlock", expert_selection_fn="sigmoid", shared_expert_combination_strategy="sum"),
    "nemotron_h": Model("nemotron_h", "NemotronHForCausalLM", "NemotronHMoE", layers_block_type=["moe", "full_attention", "moe"], moe_shared_expert_intermediate_size=28, routed_scaling_factor=1.5),
    "nemotron_h-latent": Model("nemotron_h", "NemotronHForCausalLM", "NemotronHMoE", layers_block_type=["moe", "full_attention", "moe"], moe_shared_expert_intermediate_size=28, moe_latent_size=12, mlp_bias=True),
    "gemma4": Model("gemma4", "Gemma4ForCausalLM", "Gemma4TextDecoderLayer", _config="Gemma4TextConfig", enable_moe_block=True, top_k_experts=3, _inputs="gemma", hidden_size_per_layer_input=0),
    "diffusion_gemma": Model("diffusion_gemma", "DiffusionGemmaForBlockDiffusion", "DiffusionGemma.*TextLayer$", _text="text_config", top_k_experts=3, _inputs="gemma"),
    "laguna": Model("laguna", "LagunaForCausalLM", "LagunaSparseMoeBlock", moe_router_logit_softcapping=3.0, moe_routed_scaling_factor=1.6),
    "step3p7": Model("step3p7", "Step3p7ForConditionalGeneration", "Step3p7SparseMoeBlock", _text="text_config", swiglu_limits=[0.0, 0.4, 0.0], swiglu_limits_shared=[0.0, 0.0, 0.3], share_expert_dim=28, mlp_layer_types=["dense", "sparse", "sparse"], moe_router_scaling_factor=1.2),
    "kolibri1": Model("kolibri1", "Kolibri1ForCausalLM", "Kolibri1SparseMoeBlock"),
    "flint": Model("flint", "FlintForCausalLM", "FlintSparseMoeBlock"),
    "inkling": Model("inkling", "InklingForCausalLM", "InklingMoE$", _config="InklingTextConfig", mlp_layer_types=["dense", "sparse", "sparse"]),
    "inkling2": Model("inkling2", "Inkling2ForCausalLM", "Inkling2SparseMoeBlock", _config="Inkling2TextConfig", mlp_gate_softcap=0.5, mlp_up_softcap=0.7),
    "muse_spark": Model("muse_spark", "MuseSparkTextModel", "MuseSparkMoE", _config="MuseSparkTextConfig", moe_hidden_size=12),
    "doge": Model("doge", "DogeForCausalLM", "DogeCDMoE", is_moe=True, experts=17),
    "unlimited_ocr": Model("unlimited_ocr", "UnlimitedOcrForConditionalGeneration", "UnlimitedOcrTextMoe", _text="text_config"),
    "deepseek_ocr2": Model("deepseek_ocr2", "DeepseekOcr2ForConditionalGeneration", "DeepseekOcr2TextMoe", _text="text_config", mlp_layer_types=["dense", "sparse", "sparse"]),
}


def config_of(model, library):
    """A configuration whose fields are set as far as it has them."""
    names = [n for n in dir(library) if n.endswith("Config")]
    name = model.config_class or re.sub(
        "(For[A-Z].*|Model|Text)$", "", model.model) + "Config"
    kind = getattr(library, name)
    inner = kind
    fields = {**COMMON, **{key: model.experts for key in EXPERTS}, **model.config}

    def accepted(cls):
        known = set(inspect.signature(cls.__init__).parameters) | set(dir(cls)) | set(
            getattr(cls, "__dataclass_fields__", {})) | set(getattr(cls, "attribute_map", {}))
        return {k: v for k, v in fields.items() if k in known or k in model.config}

    if model.text:
        parts = kind.sub_configs if hasattr(kind, "sub_configs") else {}
        inner = parts.get(model.text)
        if not isinstance(inner, type) or inner.__name__ == "AutoConfig":
            inner = getattr(library, next(
                n for n in names if n.endswith("TextConfig")))
        return kind(**{model.text: {**accepted(inner), "model_type": inner.model_type}}), inner
    return kind(**accepted(kind)), inner


def make_model(name, seed):
    import torch
    model = MODELS[name]
    base = f"transformers.models.{model.module}"
    modeling = importlib.import_module(f"{base}.modeling_{model.module}")
    library = importlib.import_module(f"{base}.configuration_{model.module}")
    config, _ = config_of(model, library)
    torch.manual_seed(seed)
    with torch.device("meta"):
        skeleton = getattr(modeling, model.model)(config)
    # Towers of other inputs are not looked at: they stay small by dropping them.
    network = skeleton.to_empty(device="cpu").to(torch.float32).eval()
    return network, config, model


def randomize(blocks, torch, seed):
    generator = torch.Generator().manual_seed(seed)
    for _, block in blocks:
        tensors = list(block.named_parameters()) + list(block.named_buffers())
        for name, tensor in tensors:
            if name.endswith("tid2eid"):
                for row in tensor:
                    row.copy_(torch.randperm(block.gate.num_experts, generator=generator)[:len(row)])
            if not tensor.is_floating_point():
                continue
            fan_in = tensor.shape[-1] if tensor.dim() > 1 else 1
            deviation = 1.5 / fan_in ** 0.5 if tensor.dim() > 1 else 0.3
            values = torch.randn(tensor.shape, generator=generator) * deviation
            if "norm" in name or name.endswith("scale"):
                values = values + 1.0
            tensor.data.copy_(values)


def golden_of(name, model, blocks, config, torch, seed, batch):
    """moe_in, moe_out and the other arguments of each block."""
    generator = torch.Generator().manual_seed(seed + 1)
    result = {}
    for place, block in blocks:
        number = int(re.search(r"(?:layers|blocks|block)\.(\d+)", place).group(1))
        side = re.match(r"(?:model\.)?(encoder|decoder)\.block", place)
        prefix = (side.group(1) + "." if side else "") + f"layers.{number}."
        text = config.get_text_config() if hasattr(config, "get_text_config") else config
        hidden = model.hidden or getattr(text, "hidden_size", None) or text.d_model
        x = torch.randn((*batch, hidden), generator=generator)
        extra = {}
        with torch.no_grad():
            if model.inputs == "input_ids" and getattr(block, "is_hash", False):
                ids = torch.randint(0, text.vocab_size, batch, generator=generator)
                out = block(x, input_ids=ids)
                extra["input_ids"] = ids
            elif model.inputs == "token_types":
                types = torch.randint(0, 2, batch, generator=generator)
                types[0, 0] = 0  # transformers needs a token of text
                out = block(x, types)
                extra["token_types"] = types
            elif model.inputs == "router_states":
                if block.gate.use_eda:
                    states = torch.randn((*batch, text.router_hidden_size), generator=generator)
                    extra["router_states"] = states
                    out = block(x, states)
                else:
                    out = block(x, None)
                result[prefix + "router_states_out"] = out[1]
            elif model.inputs == "gemma":
                own = torch.randn((*batch, hidden), generator=generator)
                flat = own.reshape(-1, hidden)
                _, weights, ids = block.router(flat)
                out = block.experts(x.reshape(-1, hidden), ids, weights)
                extra["router_input"] = own
            else:
                out = block(x)
        if isinstance(out, tuple):
            out = out[0]
        result[prefix + "moe_in"] = x
        result[prefix + "moe_out"] = out
        for key, value in extra.items():
            result[prefix + key] = value
    return {k: v.contiguous().numpy() for k, v in result.items()}


def make(name, directory, seed, fused):
    import torch
    from safetensors.numpy import save_file
    network, config, model = make_model(name, seed)
    blocks = [(place, part) for place, part in network.named_modules()
              if re.search(model.block, type(part).__name__)
              and (model.inputs != "gemma" or hasattr(part, "router"))]
    if not blocks:
        raise RuntimeError(f"{name}: no block of class {model.block}")
    randomize(blocks, torch, seed)
    # Everything outside of the blocks is zero: it is not looked at.
    inside = {id(t) for _, b in blocks for t in list(b.parameters()) + list(b.buffers())}
    for tensor in list(network.parameters()) + list(network.buffers()):
        if id(tensor) not in inside:
            tensor.data.zero_()
    goldens = {}
    for suffix, batch in (("", (1, 11)), ("_b2", (2, 7)), ("_t1", (1, 1))):
        goldens["golden" + suffix] = golden_of(
            name, model, blocks, config, torch, seed, batch)
    shutil.rmtree(directory, ignore_errors=True)
    network.save_pretrained(directory, save_original_format=not fused)
    for file, tensors in goldens.items():
        save_file(tensors, os.path.join(directory, file + ".safetensors"))
    return goldens


def run(*command):
    result = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if result.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit code {result.returncode}: {result.stdout.strip()[:600]}")


def compare(directory, goldens, modes):
    from safetensors.numpy import load_file
    artifact = os.path.join(directory, "model.moe")
    run("moec", directory, "-o", artifact, "--scope=moe")
    worst, checked = 0.0, 0
    for file, golden in goldens.items():
        for key in golden:
            if not key.endswith("moe_in"):
                continue
            layer = key[: -len("moe_in")]
            inputs = {"hidden_states": key}
            for extra in ("router_input", "router_states", "input_ids", "token_types"):
                if layer + extra in golden:
                    inputs[extra] = layer + extra
            for mode in modes:
                out = os.path.join(directory, "out.safetensors")
                run("moe-run", artifact, f"--function={layer}moe", f"--output={out}", *mode,
                    *[f"--input={k}={directory}/{file}.safetensors:{v}" for k, v in inputs.items()])
                got = load_file(out)[layer + "moe_out"].reshape(golden[layer + "moe_out"].shape)
                wanted = golden[layer + "moe_out"]
                error = np.abs(got - wanted) / (1e-4 + 1e-4 * np.abs(wanted))
                if not np.isfinite(wanted).all():
                    raise RuntimeError(f"{layer}: the golden output is not finite")
                if not (error <= 1).all():
                    rows = np.unique(np.argwhere(~(error.reshape(-1, error.shape[-1]) <= 1))[:, 0])
                    raise RuntimeError(
                        f"{file} {layer}moe_out {' '.join(mode)}: {error.max():.3g} of the tolerance, "
                        f"rows {rows[:12].tolist()}, {int((error > 1).sum())} of {error.size} elements")
                worst = max(worst, float(error.max()))
                checked += 1
    return checked, worst


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("command", choices=("make", "compare", "list"))
    parser.add_argument("directory", nargs="?")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--fused", action="store_true")
    parser.add_argument("--reference", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_intermixed_args()
    if options.command == "list":
        print("\n".join(MODELS))
        return 0
    import transformers
    transformers.logging.set_verbosity_error()
    modes = [("--reference",)] if options.reference else [("--reference",), ()]
    failed = passed = 0
    for name in options.names or MODELS:
        directory = os.path.join(options.directory, name)
        try:
            goldens = make(name, directory, options.seed, options.fused)
            if options.command == "compare":
                checked, worst = compare(directory, goldens, modes)
                shutil.rmtree(directory)  # towers beside the text model are large
                print(f"{name}: {checked} runs agree, {worst:.2f} of the tolerance at most", flush=True)
            passed += 1
        except Exception as error:  # every architecture is tried
            failed += 1
            print(f"{name}: FAILED: {type(error).__name__}: {str(error)[:900]}", flush=True)
    print(f"{passed} architectures agree, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
