# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""quantized.py SOURCE_DIR WORK_DIR [FORMAT ...]

Makes a small checkpoint of each quantised format, names and shapes as on disk,
with a golden output from weights that numpy dequantises by itself; compiles it
and compares compiled code and interpreter with the golden output. Then spoils
the tensors of some, and prints the message of each.
"""

import json
import os
import shutil
import subprocess
import sys

import numpy as np

SOURCE, WORK = sys.argv[1:3]
sys.path += [os.path.join(SOURCE, "tools/dev"), os.path.join(SOURCE, "test/e2e")]

from compare import disagreement, load  # noqa: E402
from make_fixtures import (  # noqa: E402
    from_bf16, run_layer, sample_tokens, to_bf16, write_safetensors)

rng = np.random.default_rng(11)
HIDDEN, EXPERTS, TOP_K, GROUP = 64, 4, 2, 32
AWQ_ORDER = (0, 2, 4, 6, 1, 3, 5, 7)


def pack(codes, order=range(8)):
    """Eight codes of the last dimension in each I32, the first one lowest."""
    codes = codes.reshape(*codes.shape[:-1], -1, 8).astype(np.uint32)
    words = np.zeros(codes.shape[:-1], np.uint32)
    for bit, at in enumerate(order):
        words |= codes[..., at] << np.uint32(4 * bit)
    return words.view(np.int32)


def random_scales(depth, *shape):
    return (rng.random(shape) + 0.5) / np.sqrt(depth)


def int4(rows, depth, group, zero_range=(0, 16)):
    codes = rng.integers(0, 16, (rows, depth))
    zeros = rng.integers(*zero_range, (depth // group, rows))
    scales = (random_scales(depth, depth // group, rows) / 5).astype(np.float16)
    return codes, zeros, scales


def gptq(rows, depth, added=1, ordered=True, group=GROUP):
    codes, zeros, scales = int4(rows, depth, group)
    groups = np.arange(depth) // group
    if not ordered:
        groups = rng.permutation(groups)
    value = (codes - (zeros + added)[groups].T) * scales.astype(float)[groups].T
    return {
        ".qweight": ("I32", pack(codes).T), ".qzeros": ("I32", pack(zeros)),
        ".scales": ("F16", scales), ".g_idx": ("I32", groups.astype(np.int32)),
    }, value


def awq(rows, depth):
    codes, zeros, scales = int4(rows, depth, GROUP)
    value = (codes - np.repeat(zeros, GROUP, 0).T) * np.repeat(scales.astype(float), GROUP, 0).T
    return {
        ".qweight": ("I32", pack(codes.T, AWQ_ORDER)),
        ".qzeros": ("I32", pack(zeros, AWQ_ORDER)), ".scales": ("F16", scales),
    }, value


def packed(rows, depth, zero=False, group=GROUP):
    group = group or depth
    codes, zeros, scales = int4(rows, depth, group)
    if not zero:
        zeros[:] = 8
    bits = to_bf16(scales.T.astype(np.float32))
    value = (codes - np.repeat(zeros.T, group, 1)) * np.repeat(from_bf16(bits).astype(float), group, 1)
    tensors = {
        ".weight_packed": ("I32", pack(codes)), ".weight_scale": ("BF16", bits),
        ".weight_shape": ("I64", np.array([rows, depth])),
    }
    if zero:
        tensors[".weight_zero_point"] = ("I32", pack(zeros).T)
    return tensors, value


def float8(*shape):
    """Bytes of F8_E4M3 about 1, and their values."""
    exponent = rng.integers(3, 8, shape)
    fraction = rng.integers(0, 8, shape)
    sign = rng.integers(0, 2, shape)
    bits = (sign << 7 | exponent << 3 | fraction).astype(np.uint8)
    return bits, (1.0 - 2 * sign) * (1 + fraction / 8) * 2.0 ** (exponent - 7)


def tiled(*shape, tile):
    bits, value = float8(*shape)
    rows, depth = shape[-2:]
    counts = -(-rows // tile[0]), -(-depth // tile[1])
    scales = random_scales(depth, *shape[:-2], *counts).astype(np.float32)
    spread = np.repeat(np.repeat(scales.astype(float), tile[0], -2), tile[1], -1)
    return bits, scales, value * spread[..., :rows, :depth]


def fp8_tiles(rows, depth, tile):
    bits, scales, value = tiled(rows, depth, tile=tile)
    return {".weight": ("F8_E4M3", bits), ".weight_scale_inv": ("F32", scales)}, value


def fp8(rows, depth, scale_shape, dtype="F32"):
    """One scale for each row ([rows, 1], [rows]) or for all ([1], [])."""
    bits, value = float8(rows, depth)
    scales = np.asarray(random_scales(depth, *scale_shape(rows)), np.float32)
    stored = scales
    if dtype == "BF16":
        stored = to_bf16(scales)
        scales = from_bf16(stored)
    spread = scales.astype(float).reshape(-1, 1)
    return {".weight": ("F8_E4M3", bits), ".weight_scale": (dtype, stored.reshape(scales.shape))}, value * spread


def compressed(form):
    return {"quant_method": "compressed-tensors", "format": form, "config_groups": {"group_0": {"targets": ["Linear"]}}}


GPTQ = {"quant_method": "gptq", "bits": 4, "group_size": GROUP, "desc_act": False,
        "checkpoint_format": "gptq"}
FP8 = {"quant_method": "fp8", "activation_scheme": "dynamic"}

# name: architecture, intermediate size, quantization_config, quantised matrix
FORMATS = {
    "gptq": ("qwen2_moe", 96, GPTQ, gptq),
    "gptq-one-group": ("mixtral", 96, {**GPTQ, "group_size": -1}, lambda n, k: gptq(n, k, group=k)),
    "gptq-act-order": ("mixtral", 96, {**GPTQ, "desc_act": True}, lambda n, k: gptq(n, k, ordered=False)),
    "gptq_v2": ("qwen3_moe", 96, {**GPTQ, "checkpoint_format": "gptq_v2"}, lambda n, k: gptq(n, k, added=0)),
    "awq": ("qwen2_moe", 96, {"quant_method": "awq", "bits": 4, "group_size": GROUP, "version": "gemm"}, awq),
    "packed": ("qwen3_moe", 96, compressed("pack-quantized"), packed),
    "packed-zeros": ("mixtral", 96, compressed("pack-quantized"), lambda n, k: packed(n, k, zero=True)),
    "packed-rows": ("qwen2_moe", 96, compressed("pack-quantized"), lambda n, k: packed(n, k, group=0)),
    "fp8-tiles": ("qwen2_moe", 72, {**FP8, "weight_block_size": [40, 48]}, lambda n, k: fp8_tiles(n, k, (40, 48))),
    "fp8-fused": ("qwen3_moe", 72, {**FP8, "weight_block_size": [24, 32]}, None),
    "fp8-one": ("mixtral", 72, FP8, lambda n, k: fp8(n, k, lambda rows: ())),
    "fp8-rows": ("qwen3_moe", 72, {"quant_method": "fbgemm_fp8"}, lambda n, k: fp8(n, k, lambda rows: (rows, 1))),
    "float-rows": ("qwen2_moe", 72, compressed("float-quantized"), lambda n, k: fp8(n, k, lambda rows: (rows, 1), "BF16")),
    "float-one": ("qwen3_moe", 72, compressed("float-quantized"), lambda n, k: fp8(n, k, lambda rows: (1,))),
}


def make(directory, kind, size, quantization, matrix):
    config = {
        "model_type": kind, "hidden_size": HIDDEN, "num_hidden_layers": 1, "num_experts_per_tok": TOP_K,
        "hidden_act": "silu", "norm_topk_prob": True, "quantization_config": quantization,
        ("num_local_experts" if kind == "mixtral" else "num_experts"): EXPERTS,
        ("intermediate_size" if kind == "mixtral" else "moe_intermediate_size"): size,
        "shared_expert_intermediate_size": size,
    }
    block = "model.layers.0." + ("block_sparse_moe." if kind == "mixtral" else "mlp.")
    names = ("w1", "w3", "w2") if kind == "mixtral" else ("gate_proj", "up_proj", "down_proj")
    tensors = {}

    def plain(name, *shape):
        bits = to_bf16(rng.standard_normal(shape) * 2 / np.sqrt(shape[-1]))
        tensors[block + name] = ("BF16", bits)
        return from_bf16(bits).astype(float)

    def network(prefix):
        values = []
        for name, shape in zip(names, [(size, HIDDEN)] * 2 + [(HIDDEN, size)]):
            parts, value = matrix(*shape)
            tensors.update({f"{block}{prefix}.{name}{leaf}": part for leaf, part in parts.items()})
            values.append(value)
        return values

    layer = {"router": plain("gate.weight", EXPERTS, HIDDEN)}
    if matrix:
        layer["experts"] = [network(f"experts.{expert}") for expert in range(EXPERTS)]
    else:
        values = {}
        for name, shape in (("gate_up_proj", (2 * size, HIDDEN)), ("down_proj", (HIDDEN, size))):
            bits, scales, values[name] = tiled(EXPERTS, *shape, tile=quantization["weight_block_size"])
            tensors[f"{block}experts.{name}"] = ("F8_E4M3", bits)
            tensors[f"{block}experts.{name}_scale_inv"] = ("F32", scales)
        layer["experts"] = [(both[:size], both[size:], down) for both, down in zip(*values.values())]
    if kind == "qwen2_moe":
        layer["shared"] = network("shared_expert")
        layer["gate"] = plain("shared_expert_gate.weight", 1, HIDDEN)
    math = {"top_k": TOP_K, "normalize": True, "activation": "silu", "hidden": HIDDEN}
    x = sample_tokens(rng, 9, layer, math)
    save(directory, config, tensors)
    write_safetensors(os.path.join(directory, "x.safetensors"), {"x": ("F32", x)})
    return config, tensors, run_layer(x, layer, math)["moe_out"]


def save(directory, config, tensors):
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory)
    with open(os.path.join(directory, "config.json"), "w") as file:
        json.dump(config, file)
    write_safetensors(os.path.join(directory, "model.safetensors"), tensors)


def compile_(directory):
    return subprocess.run(["moec", directory, "-o", directory + ".moe", "--scope=moe"], text=True, capture_output=True)


def check(name, golden):
    directory = os.path.join(WORK, name)
    result = compile_(directory)
    if result.returncode:
        sys.exit(f"{name}: {result.stderr}")
    for mode in ([], ["--reference"]):
        out = os.path.join(WORK, "out.safetensors")
        subprocess.run(["moe-run", directory + ".moe", "--function=layers.0.moe", "--outputs=moe_out",
                        f"--input=hidden_states={directory}/x.safetensors:x", f"--output={out}", *mode],
                       check=True, stdout=subprocess.DEVNULL)
        wrong = disagreement(golden, load(out)["layers.0.moe_out"], exact=False)
        if wrong:
            sys.exit(f"{name} {mode}: {wrong}")
    print(f"{name}: agrees")


def refuse(made):
    """Tensors that are missing, of other shapes or of other types."""
    def cut(array):
        return np.ascontiguousarray(array[:-1])

    def spoiled(name, leaf, change):
        config, tensors, _ = made[name]
        tensors = dict(tensors)
        key = next(key for key in tensors if "experts.1." in key and key.endswith(leaf))
        change(tensors, key)
        directory = os.path.join(WORK, "spoiled")
        save(directory, config, tensors)
        result = compile_(directory)
        if result.returncode != 1 or os.path.exists(directory + ".moe"):
            sys.exit(f"{name} {leaf}: exit code {result.returncode}\n{result.stderr}")
        print(f"{name} {leaf}: {result.stderr.strip()}")

    def shorten(tensors, key):
        tensors[key] = tensors[key][0], cut(tensors[key][1])

    def remove(tensors, key):
        del tensors[key]

    def other_type(tensors, key):
        dtype, array = tensors[key]
        tensors[key] = {"I32": "F32", "F16": "I32", "F32": "I32", "F8_E4M3": "U8"}[dtype], (
            array.astype("<i4") if dtype == "F16" else array)

    def add_order(tensors, key):
        tensors[key.replace("weight_packed", "weight_g_idx")] = ("I32", np.zeros(HIDDEN, "<i4"))

    def group_of_nothing(tensors, key):
        tensors[key] = "I32", tensors[key][1] + 1

    for name in ("gptq", "awq"):
        for leaf in (".qweight", ".qzeros", ".scales"):
            spoiled(name, leaf, shorten)
        for leaf in (".qzeros", ".scales"):
            spoiled(name, leaf, remove)
        spoiled(name, ".qweight", other_type)
        spoiled(name, ".scales", other_type)
    spoiled("gptq-act-order", ".g_idx", shorten)
    spoiled("gptq-act-order", ".g_idx", group_of_nothing)
    for leaf in (".weight_packed", ".weight_scale", ".weight_zero_point"):
        spoiled("packed-zeros", leaf, shorten)
    spoiled("packed-zeros", ".weight_scale", remove)
    spoiled("packed-zeros", ".weight_packed", add_order)
    spoiled("fp8-tiles", ".weight", shorten)
    spoiled("fp8-tiles", ".weight_scale_inv", shorten)
    spoiled("fp8-rows", ".weight_scale", shorten)
    spoiled("fp8-rows", ".weight_scale", other_type)


def main():
    names = sys.argv[3:]
    made = {}
    for name in names or FORMATS:
        made[name] = make(os.path.join(WORK, name), *FORMATS[name])
        check(name, made[name][2])
    if not names:
        refuse(made)


main()
