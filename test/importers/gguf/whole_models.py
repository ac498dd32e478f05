# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""whole_models.py MOEC MOE-RUN FIXTURES DIRECTORY

The whole models of the fixtures, as GGUF files of their architectures have the same
weights: logits of compiled code and of the interpreter against transformers' own.
"""

import glob
import json
import os
import struct
import subprocess
import sys

import numpy as np
from gguf_writer import write

sys.path.append(os.path.join(os.path.dirname(__file__), "..", "..", "e2e"))
from compare import disagreement, load  # noqa: E402

MOEC, RUN, FIXTURES, WORK = sys.argv[1:]


class Checkpoint:
    """Tensors of a checkpoint by name, as f32."""

    def __init__(self, folder):
        with open(f"{folder}/config.json") as file:
            self.config = json.load(file)
        self.tensors = {}
        for path in glob.glob(f"{folder}/model*.safetensors"):
            with open(path, "rb") as file:
                data = file.read()
            size = struct.unpack("<Q", data[:8])[0]
            for name, entry in json.loads(data[8 : 8 + size]).items():
                if name == "__metadata__":
                    continue
                begin, end = (8 + size + at for at in entry["data_offsets"])
                raw = data[begin:end]
                if entry["dtype"] == "BF16":
                    values = (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32)
                else:
                    values = np.frombuffer(raw, "<f4")
                self.tensors[name] = values.reshape(entry["shape"])

    def has(self, name):
        return name in self.tensors

    def get(self, name):
        return self.tensors[name]

    def stack(self, prefix, part):
        return np.stack([self.get(f"{prefix}.{e}.{part}.weight")
                         for e in range(self.config.get("num_experts")
                                        or self.config["n_routed_experts"])])


def copy(c, names, tensors):
    """`names`: GGUF's name to transformers'; weights, and biases where there are any."""
    for ours, theirs in names.items():
        for kind in ("weight", "bias"):
            if c.has(f"{theirs}.{kind}"):
                tensors[f"{ours}.{kind}"] = c.get(f"{theirs}.{kind}")


def ends(c):
    tensors = {}
    copy(c, {"token_embd": "model.embed_tokens", "output_norm": "model.norm",
             "output": "lm_head"}, tensors)
    return tensors


def attention(c, n, tensors, post="ffn_norm"):
    ours, theirs = f"blk.{n}.", f"model.layers.{n}."
    copy(c, {ours + "attn_norm": theirs + "input_layernorm",
             ours + post: theirs + "post_attention_layernorm",
             ours + "attn_output": theirs + "self_attn.o_proj",
             **{ours + f"attn_{x}": theirs + f"self_attn.{x}_proj" for x in "qkv"},
             **{ours + f"attn_{x}_norm": theirs + f"self_attn.{x}_norm" for x in "qk"}}, tensors)


def experts(c, n, tensors):
    ours, theirs = f"blk.{n}.", f"model.layers.{n}.mlp."
    tensors[ours + "ffn_gate_inp.weight"] = c.get(theirs + "gate.weight")
    for part in ("gate", "up", "down"):
        tensors[ours + f"ffn_{part}_exps.weight"] = c.stack(theirs + "experts", part + "_proj")


def keys_of(c, arch, **more):
    config = c.config
    keys = {"block_count": config["num_hidden_layers"],
            "context_length": config["max_position_embeddings"],
            "embedding_length": config["hidden_size"],
            "feed_forward_length": config["intermediate_size"],
            "expert_count": config.get("num_experts") or config.get("n_routed_experts")
            or config["num_local_experts"],
            "expert_used_count": config["num_experts_per_tok"],
            "attention.head_count": config["num_attention_heads"],
            "attention.head_count_kv": config["num_key_value_heads"],
            "attention.layer_norm_rms_epsilon": config["rms_norm_eps"],
            "rope.freq_base": float(config.get("rope_theta")
                                    or config["rope_parameters"]["rope_theta"]), **more}
    return {"general.architecture": arch, **{f"{arch}.{k}": v for k, v in keys.items()}}


def olmoe(c):
    tensors = ends(c)
    for n in range(c.config["num_hidden_layers"]):
        attention(c, n, tensors)
        experts(c, n, tensors)
    return keys_of(c, "olmoe"), tensors


def qwen2moe(c):
    tensors = ends(c)
    for n in range(c.config["num_hidden_layers"]):
        attention(c, n, tensors)
        experts(c, n, tensors)
        theirs = f"model.layers.{n}.mlp."
        for part in ("gate", "up", "down"):
            tensors[f"blk.{n}.ffn_{part}_shexp.weight"] = c.get(
                theirs + f"shared_expert.{part}_proj.weight")
        tensors[f"blk.{n}.ffn_gate_inp_shexp.weight"] = c.get(
            theirs + "shared_expert_gate.weight").reshape(-1)
    return keys_of(c, "qwen2moe", expert_feed_forward_length=c.config["moe_intermediate_size"],
                   expert_shared_feed_forward_length=c.config["shared_expert_intermediate_size"]
                   ), tensors


def qwen3moe(c):
    _, tensors = olmoe(c)
    width = c.config["head_dim"]
    return keys_of(c, "qwen3moe", expert_feed_forward_length=c.config["moe_intermediate_size"],
                   **{"attention.key_length": width, "attention.value_length": width}), tensors


def gpt_oss(c):
    tensors = ends(c)
    for n in range(c.config["num_hidden_layers"]):
        attention(c, n, tensors, "post_attention_norm")
        ours, theirs = f"blk.{n}.", f"model.layers.{n}."
        copy(c, {ours + "ffn_gate_inp": theirs + "mlp.router"}, tensors)
        tensors[ours + "attn_sinks.weight"] = c.get(theirs + "self_attn.sinks")
        # [E, in, out], and columns of gate and up in turn.
        both = c.get(theirs + "mlp.experts.gate_up_proj").transpose(0, 2, 1)
        bias = c.get(theirs + "mlp.experts.gate_up_proj_bias")
        for i, part in enumerate(("gate", "up")):
            tensors[ours + f"ffn_{part}_exps.weight"] = both[:, i::2]
            tensors[ours + f"ffn_{part}_exps.bias"] = bias[:, i::2]
        tensors[ours + "ffn_down_exps.weight"] = c.get(
            theirs + "mlp.experts.down_proj").transpose(0, 2, 1)
        tensors[ours + "ffn_down_exps.bias"] = c.get(theirs + "mlp.experts.down_proj_bias")
    rope = c.config["rope_parameters"]
    return keys_of(c, "gpt-oss", expert_feed_forward_length=c.config["intermediate_size"], **{
        "attention.key_length": c.config["head_dim"],
        "attention.value_length": c.config["head_dim"],
        "attention.sliding_window": c.config["sliding_window"], "rope.scaling.type": "yarn",
        "rope.scaling.factor": rope["factor"],
        "rope.scaling.original_context_length": rope["original_max_position_embeddings"]}), tensors


def deepseek2(c, splits=False):
    """`splits`: one head of keys, and what makes keys and values apart, as new files do."""
    config, tensors = c.config, ends(c)
    heads, plain = config["num_attention_heads"], config["qk_nope_head_dim"]
    rank, rotary, value = (config["kv_lora_rank"], config["qk_rope_head_dim"],
                           config["v_head_dim"])
    for n in range(config["num_hidden_layers"]):
        ours, theirs = f"blk.{n}.", f"model.layers.{n}."
        attention(c, n, tensors)
        copy(c, {ours + "attn_q_a": theirs + "self_attn.q_a_proj",
                 ours + "attn_q_a_norm": theirs + "self_attn.q_a_layernorm",
                 ours + "attn_q_b": theirs + "self_attn.q_b_proj",
                 ours + "attn_kv_a_mqa": theirs + "self_attn.kv_a_proj_with_mqa",
                 ours + "attn_kv_a_norm": theirs + "self_attn.kv_a_layernorm"}, tensors)
        both = c.get(theirs + "self_attn.kv_b_proj.weight")
        if splits:
            both = both.reshape(heads, plain + value, rank)
            tensors[ours + "attn_k_b.weight"] = both[:, :plain].transpose(0, 2, 1)
            tensors[ours + "attn_v_b.weight"] = both[:, plain:]
        else:
            tensors[ours + "attn_kv_b.weight"] = both
        if n < config["first_k_dense_replace"]:
            copy(c, {ours + f"ffn_{part}": theirs + f"mlp.{part}_proj"
                     for part in ("gate", "up", "down")}, tensors)
            continue
        experts(c, n, tensors)
        copy(c, {ours + f"ffn_{part}_shexp": theirs + f"mlp.shared_experts.{part}_proj"
                 for part in ("gate", "up", "down")}, tensors)
        tensors[ours + "exp_probs_b.bias"] = c.get(theirs + "mlp.gate.e_score_correction_bias")
    more = {"attention.head_count_kv": 1, "attention.key_length": rank + rotary,
            "attention.value_length": rank, "attention.key_length_mla": plain + rotary,
            "attention.value_length_mla": value} if splits else {
                "attention.key_length": plain + rotary, "attention.value_length": value}
    return keys_of(c, "deepseek2", **{
        "attention.q_lora_rank": config["q_lora_rank"], "attention.kv_lora_rank": rank,
        "rope.dimension_count": rotary, "leading_dense_block_count": config["first_k_dense_replace"],
        "expert_feed_forward_length": config["moe_intermediate_size"],
        "expert_shared_count": config["n_shared_experts"], "expert_gating_func": 2,
        "expert_group_count": config["n_group"], "expert_group_used_count": config["topk_group"],
        "expert_weights_norm": True, "expert_weights_scale": config["routed_scaling_factor"],
        **more}), tensors


MODELS = {"olmoe": (olmoe, "olmoe"), "qwen2moe": (qwen2moe, "qwen2_moe"),
          "qwen3moe": (qwen3moe, "qwen3_moe"), "gpt-oss": (gpt_oss, "gpt_oss"),
          "deepseek2": (deepseek2, "deepseek_v3"),
          "deepseek2-split": (lambda c: deepseek2(c, splits=True), "deepseek_v3")}
RUNS = [["--function=forward"], ["--function=decode", "--chunk=1"],
        ["--function=forward", "--reference"]]

os.makedirs(WORK, exist_ok=True)
for name, (convert, fixture) in MODELS.items():
    folder, path = f"{FIXTURES}/{fixture}", f"{WORK}/{name}"
    write(f"{path}.gguf", *convert(Checkpoint(folder)))
    subprocess.run([MOEC, f"{path}.gguf", "-o", f"{path}.moe", "--scope=model"], check=True)
    for golden in sorted(glob.glob(f"{folder}/golden*.safetensors")):
        for options in RUNS:
            subprocess.run([RUN, f"{path}.moe", f"--input=input_ids={golden}:input_ids",
                            f"--output={path}.safetensors", *options], check=True)
            found = load(f"{path}.safetensors")["logits"]
            wrong = disagreement(load(golden)["logits"], found, exact=False)
            if wrong:
                sys.exit(f"{name} {os.path.basename(golden)} {options}: {wrong}")
    print(f"{name}: agrees", flush=True)
