#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""triton_loop.py: the grouped GEMM of a fused MoE layer as Triton compiles it, counted by
tools/dev/count_sass.py like moec's own.

Needs no GPU: the package triton compiles for any architecture and brings nvdisasm. The
kernel has the form of the one in vLLM (rows gathered through sorted ids, an expert a
tile of rows, bf16 with f32 sums, routing weights in the epilogue), with the tiles that
vLLM ships for 128 experts of 768 on an H100.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

os.environ.setdefault("TRITON_DEFAULT_FP_FUSION", "1")  # else it warns

import triton
import triton.backends.nvidia
import triton.language as tl
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

ROOT = pathlib.Path(__file__).resolve().parents[2]
NVDISASM = pathlib.Path(triton.backends.nvidia.__file__).parent / "bin" / "nvdisasm"

# Tokens: rows, columns, depth of a tile; tiles of rows that share columns; warps; stages.
TILES = {1: (16, 32, 64, 1, 4, 4), 64: (16, 256, 128, 1, 8, 3), 4096: (128, 256, 64, 16, 8, 4)}


@triton.jit
def grouped_gemm(rows, weights, out, scores, sorted_ids, tile_experts, num_padded, columns,
                 depth, num_pairs, row_stride, expert_stride, column_stride, out_stride,
                 TOP_K: tl.constexpr, SCALE: tl.constexpr, ROWS: tl.constexpr,
                 COLUMNS: tl.constexpr, DEPTH: tl.constexpr, GROUP: tl.constexpr):
    tile = tl.program_id(0)
    column_tiles = tl.cdiv(columns, COLUMNS)
    first = tile // (GROUP * column_tiles) * GROUP
    group = min(tl.cdiv(num_padded, ROWS) - first, GROUP)
    row_tile = first + tile % (GROUP * column_tiles) % group
    column_tile = tile % (GROUP * column_tiles) // group
    if row_tile * ROWS >= num_padded:
        return
    pair = tl.load(sorted_ids + row_tile * ROWS + tl.arange(0, ROWS)).to(tl.int64)
    is_pair = pair < num_pairs
    expert = tl.load(tile_experts + row_tile).to(tl.int64)
    column = (column_tile * COLUMNS + tl.arange(0, COLUMNS).to(tl.int64)) % columns
    step = tl.arange(0, DEPTH)
    a = rows + (pair // TOP_K)[:, None] * row_stride + step[None, :]
    b = weights + expert * expert_stride + column[None, :] * column_stride + step[:, None]
    sums = tl.zeros((ROWS, COLUMNS), dtype=tl.float32)
    for k in range(0, tl.cdiv(depth, DEPTH)):
        inside = step < depth - k * DEPTH
        sums += tl.dot(tl.load(a, mask=is_pair[:, None] & inside[None, :], other=0.0),
                       tl.load(b, mask=inside[:, None], other=0.0))
        a += DEPTH
        b += DEPTH
    if SCALE:
        sums *= tl.load(scores + pair, mask=is_pair, other=0)[:, None]
    at = column_tile * COLUMNS + tl.arange(0, COLUMNS)
    tl.store(out + pair[:, None] * out_stride + at[None, :], sums.to(tl.bfloat16),
             mask=is_pair[:, None] & (at[None, :] < columns))


def build(arch, tokens, scale):
    rows, columns, depth, group, warps, stages = TILES[tokens]
    types = ["*bf16"] * 3 + ["*fp32", "*i32", "*i32"] + ["i32"] * 8
    constants = {"TOP_K": 1 if scale else 8, "SCALE": scale, "ROWS": rows,
                 "COLUMNS": columns, "DEPTH": depth, "GROUP": group}
    signature = dict(zip(grouped_gemm.arg_names, types)) | dict.fromkeys(constants, "constexpr")
    # All but the number of pairs are multiples of 16.
    aligned = {(i,): [["tt.divisibility", 16]] for i in range(len(types)) if i != 9}
    source = ASTSource(grouped_gemm, signature, constants, attrs=aligned)
    compiled = triton.compile(source, target=GPUTarget("cuda", arch, 32),
                              options={"num_warps": warps, "num_stages": stages})
    return compiled.asm["cubin"]


def main():
    print(f"Triton {triton.__version__}: instructions of a warp for each 4096 tensor-core "
          "operations. Counted, not timed.", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for arch in (80, 90):
            for tokens, (rows, columns, depth, *_) in TILES.items():
                for product in ("gate and up", "down"):
                    print(f"sm_{arch}, {rows}x{columns}x{depth}, {product}: ", end="", flush=True)
                    cubin = pathlib.Path(folder) / "kernel.cubin"
                    cubin.write_bytes(build(arch, tokens, product == "down"))
                    subprocess.run([sys.executable, ROOT / "tools/dev/count_sass.py", NVDISASM,
                                    cubin], check=False)


if __name__ == "__main__":
    main()
