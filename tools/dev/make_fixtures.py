#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes small random checkpoints of the architectures that moec imports, with
golden outputs of their MoE layers, computed here in double precision and apart
from everything else in this project.

    make_fixtures.py make OUTPUT_DIR [NAME ...]   all, or the named variants
    make_fixtures.py list                         the names of the variants
    make_fixtures.py strip SOURCE_DIR OUTPUT_DIR  a checkpoint's MoE tensors only

A variant is a directory with config.json, safetensors and one golden file for
each token count: golden_t7.safetensors holds, for each MoE layer,
layers.N.{moe_in,router_logits,topk_ids,topk_weights,routed_out,shared_out,moe_out}.
"""
import argparse
import glob
import json
import math
import os
import struct
import sys

import numpy as np

# --- safetensors ------------------------------------------------------------

DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4",
          "U8": "u1", "F8_E4M3": "u1"}


def to_bf16(values):
    """The nearest bfloat16, ties to even, as uint16."""
    bits = np.ascontiguousarray(values, "<f4").view("<u4").astype(np.uint64)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2")


def from_bf16(bits):
    return (bits.astype("<u4") << 16).view("<f4")


def write_safetensors(path, tensors):
    """tensors: name -> (dtype name, array of that dtype; uint16 for BF16)."""
    header, blobs, offset = {}, [], 0
    for name, (dtype, array) in tensors.items():
        blob = np.ascontiguousarray(array).tobytes()
        header[name] = {"dtype": dtype, "shape": list(array.shape),
                        "data_offsets": [offset, offset + len(blob)]}
        blobs.append(blob)
        offset += len(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def read_safetensors(path):
    with open(path, "rb") as file:
        data = file.read()
    length = struct.unpack("<Q", data[:8])[0]
    tensors = {}
    for name, entry in json.loads(data[8:8 + length]).items():
        if name == "__metadata__":
            continue
        begin, end = (8 + length + x for x in entry["data_offsets"])
        kind = "<u2" if entry["dtype"] == "BF16" else DTYPES[entry["dtype"]]
        array = np.frombuffer(data[begin:end], kind).reshape(entry["shape"])
        tensors[name] = (entry["dtype"], array)
    return tensors


# --- the layers' mathematics ------------------------------------------------


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


erf = np.vectorize(math.erf, otypes=[float])

ACTIVATIONS = {
    "silu": lambda x: x * sigmoid(x),
    "gelu": lambda x: 0.5 * x * (1.0 + erf(x / np.sqrt(2.0))),
    "gelu_pytorch_tanh": lambda x: 0.5 * x * (1.0 + np.tanh(
        np.sqrt(2.0 / np.pi) * (x + 0.044715 * x**3))),
    "relu": lambda x: np.maximum(x, 0.0),
}


def glu(x, weights, activation):
    gate, up, down = weights
    return (ACTIVATIONS[activation](x @ gate.T) * (x @ up.T)) @ down.T


def run_layer(x, layer, config):
    """One MoE layer on x [T, H]: the golden tensors without their prefix."""
    x = x.astype(np.float64)
    logits = x @ layer["router"].T
    scores = np.exp(logits - logits.max(-1, keepdims=True))
    scores /= scores.sum(-1, keepdims=True)
    top_k = config["top_k"]
    ids = np.sort(np.argsort(-scores, axis=-1, kind="stable")[:, :top_k], -1)
    weights = np.take_along_axis(scores, ids, -1)
    if config["normalize"]:
        weights = weights / weights.sum(-1, keepdims=True)
    routed = np.zeros_like(x)
    for token in range(x.shape[0]):
        for expert, weight in zip(ids[token], weights[token]):
            routed[token] += weight * glu(
                x[token:token + 1], layer["experts"][expert],
                config["activation"])[0]
    golden = {"router_logits": logits, "topk_ids": ids,
              "topk_weights": weights, "routed_out": routed, "moe_out": routed}
    if "shared" in layer:
        shared = glu(x, layer["shared"], config["activation"])
        golden["shared_out"] = shared
        golden["moe_out"] = routed + sigmoid(x @ layer["gate"].T) * shared
    return golden


def margin(logits, top_k):
    """Distance of the last selected logit from the first one that is not."""
    if logits.size == 0 or top_k == logits.shape[-1]:
        return np.inf
    ordered = -np.sort(-logits, axis=-1)
    return (ordered[:, top_k - 1] - ordered[:, top_k]).min()


def sample_tokens(rng, count, layer, config):
    """Tokens whose selections do not depend on rounding."""
    rows = []
    while len(rows) < count:
        x = rng.standard_normal((1, config["hidden"])).astype("<f4")
        logits = x.astype(np.float64) @ layer["router"].T
        if margin(logits, config["top_k"]) >= 2e-3:
            rows.append(x)
    return np.concatenate(rows) if rows else np.zeros((0, config["hidden"]),
                                                      "<f4")


# --- checkpoints ------------------------------------------------------------

BLOCKS = {"mixtral": "block_sparse_moe"}
EXPERT_NAMES = {"mixtral": ("w1", "w3", "w2")}
QWEN_NAMES = ("gate_proj", "up_proj", "down_proj")


def is_sparse(config, layer):
    return ((layer + 1) % config["sparse_step"] == 0
            and layer not in config["dense_layers"])


def make_config(config):
    """config.json, as transformers 4.x or 5.x writes it."""
    kind = config["type"]
    result = {
        "model_type": kind,
        "hidden_size": config["hidden"],
        "num_hidden_layers": config["layers"],
        "num_experts_per_tok": config["top_k"],
        "hidden_act": config["activation"],
    }
    new = config["version"] == 5
    renamed = kind == "mixtral" or (new and kind == "qwen3_moe")
    result["num_local_experts" if renamed else "num_experts"] = config["experts"]
    if kind in ("mixtral", "olmoe"):
        result["intermediate_size"] = config["size"]
    else:
        result["moe_intermediate_size"] = config["size"]
        result["intermediate_size"] = 4 * config["size"]
        result["decoder_sparse_step"] = config["sparse_step"]
        result["mlp_only_layers"] = config["dense_layers"]
    if kind == "qwen2_moe":
        result["shared_expert_intermediate_size"] = config["shared"]
    if kind != "mixtral" and config["normalize_key"] is not None:
        result["norm_topk_prob"] = config["normalize_key"]
    dtype = {"BF16": "bfloat16", "F32": "float32"}[config["dtype"]]
    if new:
        result.update(dtype=dtype, transformers_version="5.23.0",
                      rope_parameters={"rope_theta": 1e4,
                                       "rope_type": "default"})
    else:
        result.update(torch_dtype=dtype, transformers_version="4.51.0",
                      rope_theta=1e4, rope_scaling=None)
    return result


def make_checkpoint(config):
    """The tensors of a checkpoint, and each layer's weights as doubles."""
    rng = np.random.default_rng(config["seed"])
    tensors, layers = {}, {}

    def add(name, array):
        if config["dtype"] == "BF16":
            tensors[name] = ("BF16", to_bf16(array))
            return from_bf16(tensors[name][1]).astype(np.float64)
        tensors[name] = ("F32", array.astype("<f4"))
        return tensors[name][1].astype(np.float64)

    def random(*shape):
        return rng.standard_normal(shape) / np.sqrt(shape[-1])

    kind, hidden, size = config["type"], config["hidden"], config["size"]
    names = EXPERT_NAMES.get(kind, QWEN_NAMES)
    for number in range(config["layers"]):
        if not is_sparse(config, number):
            continue
        fused = config["fused"]
        block = "mlp" if fused else BLOCKS.get(kind, "mlp")
        prefix = f"model.layers.{number}.{block}."
        layer = {"router": add(prefix + "gate.weight",
                               2 * random(config["experts"], hidden))}
        if fused:
            both = add(prefix + "experts.gate_up_proj",
                       random(config["experts"], 2 * size, hidden))
            down = add(prefix + "experts.down_proj",
                       random(config["experts"], hidden, size))
            layer["experts"] = [(both[e, :size], both[e, size:], down[e])
                                for e in range(config["experts"])]
        else:
            layer["experts"] = [
                tuple(add(f"{prefix}experts.{e}.{name}.weight", random(*shape))
                      for name, shape in zip(names, [(size, hidden)] * 2 +
                                             [(hidden, size)]))
                for e in range(config["experts"])]
        if kind == "qwen2_moe":
            shared = config["shared"]
            layer["shared"] = tuple(
                add(f"{prefix}shared_expert.{name}.weight", random(*shape))
                for name, shape in zip(QWEN_NAMES, [(shared, hidden)] * 2 +
                                       [(hidden, shared)]))
            layer["gate"] = add(prefix + "shared_expert_gate.weight",
                                random(1, hidden))
        layers[number] = layer
    return tensors, layers


def write_checkpoint(directory, tensors, shards):
    if shards == 1:
        write_safetensors(os.path.join(directory, "model.safetensors"), tensors)
        return
    weight_map, parts = {}, [{} for _ in range(shards)]
    for index, (name, value) in enumerate(tensors.items()):
        file = f"model-{index % shards + 1:05d}-of-{shards:05d}.safetensors"
        weight_map[name] = file
        parts[index % shards][name] = value
    for index, part in enumerate(parts):
        write_safetensors(os.path.join(
            directory, f"model-{index + 1:05d}-of-{shards:05d}.safetensors"),
            part)
    size = sum(array.nbytes for _, array in tensors.values())
    with open(os.path.join(directory, "model.safetensors.index.json"),
              "w") as file:
        json.dump({"metadata": {"total_size": size}, "weight_map": weight_map},
                  file, indent=1)


def golden_tensors(count, layers, config):
    rng = np.random.default_rng(config["seed"] + 1000 * (count + 1))
    result = {}
    for number, layer in layers.items():
        x = sample_tokens(rng, count, layer, config)
        prefix = f"layers.{number}."
        result[prefix + "moe_in"] = ("F32", x)
        for name, value in run_layer(x, layer, config).items():
            kind = "I64" if name == "topk_ids" else "F32"
            result[prefix + name] = (kind, value.astype(DTYPES[kind]))
    return result


DEFAULTS = {
    "hidden": 48, "experts": 5, "top_k": 3, "size": 20, "layers": 1,
    "dtype": "F32", "version": 5, "activation": "silu", "shared": 28,
    "normalize_key": None, "sparse_step": 1, "dense_layers": [], "fused": False,
    "shards": 1, "tokens": (0, 1, 7, 33), "seed": 1,
}

VARIANTS = {
    "mixtral": {"type": "mixtral"},
    "mixtral-fused": {"type": "mixtral", "fused": True, "dtype": "BF16"},
    "mixtral-top1": {"type": "mixtral", "top_k": 1, "activation": "gelu"},
    "olmoe": {"type": "olmoe", "dtype": "BF16", "layers": 2},
    "olmoe-normalized": {"type": "olmoe", "normalize_key": True,
                         "shards": 3},
    "olmoe-all-experts": {"type": "olmoe", "top_k": 5, "version": 4,
                          "normalize_key": False},
    "qwen2-default-flag": {"type": "qwen2_moe", "version": 4},
    "qwen2-one-of-four": {"type": "qwen2_moe", "layers": 4, "sparse_step": 4,
                          "normalize_key": True, "dtype": "BF16"},
    "qwen2-fused-sharded": {"type": "qwen2_moe", "fused": True, "shards": 2,
                            "normalize_key": False, "shared": 33},
    "qwen3-default-flag": {"type": "qwen3_moe"},
    "qwen3-hub": {"type": "qwen3_moe", "version": 4, "normalize_key": True,
                  "dtype": "BF16", "top_k": 1},
    "qwen3-mlp-only": {"type": "qwen3_moe", "layers": 3, "dense_layers": [0, 2],
                       "normalize_key": True, "hidden": 33, "size": 17,
                       "activation": "gelu_pytorch_tanh"},
    "qwen3-fused": {"type": "qwen3_moe", "fused": True, "dtype": "BF16",
                    "normalize_key": True, "experts": 1, "top_k": 1,
                    "activation": "relu"},
    # The checkpoint of the examples: two layers, and a size to look at.
    "tiny-qwen2-moe": {"type": "qwen2_moe", "layers": 2, "experts": 8,
                       "size": 24, "shared": 40, "dtype": "BF16",
                       "normalize_key": False, "tokens": (16,), "seed": 7},
}


def make_variant(name, output):
    config = {**DEFAULTS, **VARIANTS[name]}
    config["normalize"] = (config["type"] == "mixtral"
                           or bool(config["normalize_key"]))
    directory = os.path.join(output, name)
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, "config.json"), "w") as file:
        json.dump(make_config(config), file, indent=2)
        file.write("\n")
    tensors, layers = make_checkpoint(config)
    write_checkpoint(directory, tensors, config["shards"])
    for count in config["tokens"]:
        single = len(config["tokens"]) == 1
        golden = "golden" if single else f"golden_t{count}"
        write_safetensors(os.path.join(directory, golden + ".safetensors"),
                          golden_tensors(count, layers, config))


# --- stripping --------------------------------------------------------------


def strip(source, output):
    """Copies a checkpoint and its goldens without what is not of MoE layers."""
    os.makedirs(output, exist_ok=True)
    dropped = set()
    for path in sorted(glob.glob(os.path.join(source, "*.safetensors"))):
        name = os.path.basename(path)
        golden = name.startswith("golden")
        tensors = read_safetensors(path)
        kept = {key: value for key, value in tensors.items()
                if (key.startswith("layers.") if golden else
                    ".mlp." in key or ".block_sparse_moe." in key)}
        dropped |= set(tensors) - set(kept)
        write_safetensors(os.path.join(output, name), kept)
    for name in ("config.json", "model.safetensors.index.json"):
        path = os.path.join(source, name)
        if not os.path.exists(path):
            continue
        with open(path) as file:
            content = json.load(file)
        if "weight_map" in content:
            content["weight_map"] = {key: value for key, value in
                                     content["weight_map"].items()
                                     if key not in dropped}
        with open(os.path.join(output, name), "w") as file:
            json.dump(content, file, indent=1)
            file.write("\n")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser("make")
    make.add_argument("output")
    make.add_argument("names", nargs="*")
    commands.add_parser("list")
    stripper = commands.add_parser("strip")
    stripper.add_argument("source")
    stripper.add_argument("output")
    arguments = parser.parse_args()
    if arguments.command == "list":
        print("\n".join(VARIANTS))
    elif arguments.command == "strip":
        strip(arguments.source, arguments.output)
    else:
        for name in arguments.names or VARIANTS:
            if name not in VARIANTS:
                sys.exit(f"make_fixtures.py: no variant '{name}'")
            make_variant(name, arguments.output)


if __name__ == "__main__":
    main()
