# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Prints the PTX of a product by Triton, for an architecture such as 80."""
import sys

import triton
import triton.language as tl
from triton.compiler import ASTSource
from triton.backends.compiler import GPUTarget

@triton.jit
def expert_matmul(a, rows, b, c, m, n, depth, BM: tl.constexpr, BN: tl.constexpr,
                  BK: tl.constexpr):
    i = tl.program_id(1) * BM + tl.arange(0, BM)
    j = tl.program_id(0) * BN + tl.arange(0, BN)
    k = tl.arange(0, BK)
    row = tl.load(rows + i, mask=i < m, other=0)
    x = a + row[:, None] * depth + k[None, :]
    y = b + j[None, :] * depth + k[:, None]
    total = tl.zeros((BM, BN), dtype=tl.float32)
    for step in range(0, tl.cdiv(depth, BK)):
        inside = k < depth - step * BK
        p = tl.load(x, mask=(i < m)[:, None] & inside[None, :], other=0.0)
        q = tl.load(y, mask=inside[:, None] & (j < n)[None, :], other=0.0)
        total = tl.dot(p, q, total)
        x += BK
        y += BK
    tl.store(c + i[:, None] * n + j[None, :], total,
             mask=(i < m)[:, None] & (j < n)[None, :])

TYPES = {"a": "*bf16", "rows": "*i32", "b": "*bf16", "c": "*fp32",
         "m": "i32", "n": "i32", "depth": "i32"}
TILE = {"BM": 64, "BN": 32, "BK": 32}
source = ASTSource(
    expert_matmul, TYPES | {name: "constexpr" for name in TILE},
    constexprs=TILE,
    attrs={(i,): [["tt.divisibility", 16]] for i in (0, 1, 2, 3, 6)})
compiled = triton.compile(source, target=GPUTarget("cuda", int(sys.argv[1]), 32),
                          options={"num_warps": 4, "num_stages": 3})
print(compiled.asm["ptx"])
