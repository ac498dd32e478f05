#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""compile_large.py DIR [--gigabytes=30] [--scope=moe]: time and peak memory of
compiling a checkpoint of Mixtral's layer sizes that is as large as asked, bf16, in
files of one layer each.

The checkpoint is made of sparse files in DIR and takes no space there; the artifact
is as large as the checkpoint. It is all zeros, so a file system that compresses
holds it, too:

  truncate -s 80G image && mkfs.btrfs image
  mount -o loop,compress-force=zstd image DIR
"""

import argparse
import json
import pathlib
import shutil

from compile import ROOT, run

HIDDEN, INTERMEDIATE, EXPERTS, HEADS, GROUPS = 4096, 14336, 8, 32, 8
VOCABULARY = 32000
CONFIG = {
    "model_type": "mixtral", "architectures": ["MixtralForCausalLM"],
    "hidden_size": HIDDEN, "intermediate_size": INTERMEDIATE,
    "num_local_experts": EXPERTS, "num_experts_per_tok": 2,
    "num_attention_heads": HEADS, "num_key_value_heads": GROUPS,
    "vocab_size": VOCABULARY, "rms_norm_eps": 1e-5, "rope_theta": 1e6,
    "hidden_act": "silu", "max_position_embeddings": 32768,
    "tie_word_embeddings": False, "torch_dtype": "bfloat16",
}


def layer_tensors(layer):
    """Name -> shape, as Mixtral's checkpoints name them."""
    head = f"model.layers.{layer}."
    side = GROUPS * HIDDEN // HEADS
    tensors = {head + "input_layernorm.weight": [HIDDEN],
               head + "post_attention_layernorm.weight": [HIDDEN],
               head + "block_sparse_moe.gate.weight": [EXPERTS, HIDDEN]}
    for name, rows in (("q", HIDDEN), ("k", side), ("v", side), ("o", HIDDEN)):
        tensors[f"{head}self_attn.{name}_proj.weight"] = [rows, HIDDEN]
    for expert in range(EXPERTS):
        for name, shape in (("w1", [INTERMEDIATE, HIDDEN]), ("w2", [HIDDEN, INTERMEDIATE]),
                            ("w3", [INTERMEDIATE, HIDDEN])):
            tensors[f"{head}block_sparse_moe.experts.{expert}.{name}.weight"] = shape
    return tensors


def write_sparse(path, tensors):
    """A safetensors file whose data is a hole; its size in bytes."""
    header, end = {}, 0
    for name, shape in tensors.items():
        size = 2
        for dimension in shape:
            size *= dimension
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + end)
    return end


def make_checkpoint(directory, size):
    """Layers until there are `size` bytes; the number of bytes."""
    index = {}
    bytes_there = layers = 0
    tensors = {"model.embed_tokens.weight": [VOCABULARY, HIDDEN],
               "model.norm.weight": [HIDDEN], "lm_head.weight": [VOCABULARY, HIDDEN]}
    while True:
        name = f"model-{layers:05}.safetensors"
        bytes_there += write_sparse(directory / name, tensors)
        index.update(dict.fromkeys(tensors, name))
        if layers and bytes_there >= size:
            break
        tensors = layer_tensors(layers)
        layers += 1
    (directory / "model.safetensors.index.json").write_text(
        json.dumps({"metadata": {"total_size": bytes_there}, "weight_map": index}))
    (directory / "config.json").write_text(json.dumps({**CONFIG, "num_hidden_layers": layers}))
    return bytes_there


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--gigabytes", type=float, default=30)
    parser.add_argument("--scope", default="moe")
    options = parser.parse_args()
    checkpoint = options.directory / "checkpoint"
    checkpoint.mkdir()
    try:
        size = make_checkpoint(checkpoint, options.gigabytes * 1e9)
        seconds, peak = run(str(ROOT / "build/bin/moec"), str(checkpoint), "-o",
                            str(options.directory / "large.moe"), f"--scope={options.scope}")
        written = (options.directory / "large.moe").stat().st_size
        print(f"{size / 1e9:.1f} GB in, {written / 1e9:.1f} GB out, {seconds:.1f} s "
              f"({written / seconds / 1e9:.2f} GB/s), peak {peak:.0f} MiB")
    finally:
        shutil.rmtree(checkpoint)
        (options.directory / "large.moe").unlink(missing_ok=True)


if __name__ == "__main__":
    main()
