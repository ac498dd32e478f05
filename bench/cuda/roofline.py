#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""roofline.py [--gpu=NAME] [--shapes=A,B] [--tokens=1,64,4096]: the least time that the
emitted bf16 kernels of a layer can take on a GPU, from counted work and published peaks.

An estimate, nothing is run: the longer of reading each byte once from memory and the
issued tensor operations at the data sheet's rate, of the layer's two grouped GEMMs and
what is around them. Bytes and operations are means over uniform random routings, by the
formulas that test/ptx/TilesCases.cpp compares with what the checker counts.
"""

import argparse
import sys
from dataclasses import dataclass

import numpy as np

# Name: (memory in GB/s, dense bf16 TFLOP/s with f32 sums), of NVIDIA's data sheets.
GPUS = {"A100-80GB": (2039, 312), "H100-SXM": (3350, 989), "B200": (8000, 2250),
        "RTX-5090": (1792, 209.5)}

# Name: (hidden, intermediate, experts, top-k, matrices of an expert). Shared experts
# are left out: they are dense.
SHAPES = {
    "Mixtral-8x7B": (4096, 14336, 8, 2, 3),
    "Qwen3-30B": (2048, 768, 128, 8, 3),
    "Qwen3-235B": (4096, 1536, 128, 8, 3),
    "Qwen3-Next": (2048, 512, 512, 10, 3),
    "DeepSeek-V3": (7168, 2048, 256, 8, 3),
    "DeepSeek-V4-Flash": (4096, 2048, 256, 6, 3),
    "OLMoE": (2048, 1024, 64, 8, 3),
    "GPT-OSS-20B": (2880, 2880, 32, 4, 3),
    "GPT-OSS-120B": (2880, 2880, 128, 4, 3),
    "Llama-4-Scout": (5120, 8192, 16, 1, 3),
    "Granite-1B": (1024, 512, 32, 8, 3),
    "Gemma-4-26B": (2816, 704, 128, 8, 3),
    "Qwen1.5-MoE": (2048, 1408, 60, 4, 3),
    "Nemotron-3-Nano": (2688, 1856, 128, 6, 2),
}

BF16, F32 = 2, 4
ROUTINGS = 20


@dataclass
class Work:
    """Bytes and tensor operations of one call of a layer."""
    requested: float  # by the products
    unique: float  # of these, each byte once
    around: float  # f32: tokens to be rounded; rows and sums of the combine
    issued: float  # operations of tiles, with the parts that hold no row or column
    useful: float  # operations of rows and columns


def round_up(value, multiple):
    return -(-value // multiple) * multiple


def draw_rows(tokens, experts, top_k, random):
    """Rows of each expert: each token takes `top_k` different ones."""
    order = np.argpartition(random.random((tokens, experts)), top_k - 1, axis=1)
    return np.bincount(order[:, :top_k].ravel(), minlength=experts)


def count(shape, tokens, random):
    hidden, wide, experts, top_k, matrices = shape
    pairs = tokens * top_k
    tile_rows = 128 if pairs > 32 * experts else 16
    # A tile has 256 columns; of gate and up together, 128 of each.
    first = (matrices - 1) * wide
    products = [(hidden, first, 256 // (matrices - 1), wide), (wide, hidden, 256, hidden)]
    requested = unique = issued = 0
    rows = draw_rows(tokens, experts, top_k, random)
    tiles = round_up(rows, tile_rows) // tile_rows
    for depth, columns, tile_columns, outputs in products:
        column_tiles = round_up(outputs, tile_columns) // tile_columns
        weights = depth * columns * BF16
        requested += rows.sum() * depth * BF16 * column_tiles + tiles.sum() * weights
        unique += np.count_nonzero(rows) * weights
        issued += tiles.sum() * tile_rows * column_tiles * 256 * 2 * round_up(depth, 32)
    unique += tokens * hidden * BF16 + pairs * wide * BF16
    around = tokens * hidden * F32 + 2 * pairs * hidden * F32
    return Work(requested, unique, around, issued, 2 * pairs * hidden * wide * matrices)


def mean(shape, tokens):
    random = np.random.default_rng(tokens)
    draws = [count(shape, tokens, random) for _ in range(ROUTINGS if tokens <= 4096 else 1)]
    return Work(*np.mean([list(vars(work).values()) for work in draws], axis=0))


def token_counts(text):
    counts = [int(part) for part in text.split(",")]
    if min(counts) < 1:
        raise argparse.ArgumentTypeError("expected numbers of tokens from 1")
    return counts


def choose(text, known, what):
    names = text.split(",") if text else list(known)
    for name in names:
        if name not in known:
            sys.exit(f"there is no {what} {name!r}; known: {', '.join(known)}")
    return names


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--gpu", default="H100-SXM", help=", ".join(GPUS))
    parser.add_argument("--shapes", help="of " + ", ".join(SHAPES))
    parser.add_argument("--tokens", type=token_counts, default="1,16,64,512,4096,32768")
    args = parser.parse_args()
    gbps, tflops = GPUS[choose(args.gpu, GPUS, "GPU")[0]]
    print(f"Estimate for {args.gpu}: {gbps} GB/s, {tflops} TFLOP/s (data sheet). "
          "Nothing was timed.\n")
    print("| shape | tokens | read by products, MB | unique | all kernels, MB "
          "| useful share | memory us | tensor us | bound by |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---|")
    for name in choose(args.shapes, SHAPES, "shape"):
        for tokens in args.tokens:
            work = mean(SHAPES[name], tokens)
            memory = (work.unique + work.around) / gbps / 1e3
            tensor = work.issued / tflops / 1e6
            print(f"| {name} | {tokens} | {work.requested / 1e6:.1f} "
                  f"| {work.unique / 1e6:.1f} | {(work.requested + work.around) / 1e6:.1f} "
                  f"| {work.useful / work.issued:.2f} | {memory:.1f} | {tensor:.1f} "
                  f"| {'memory' if memory > tensor else 'tensor'} |")


if __name__ == "__main__":
    main()
