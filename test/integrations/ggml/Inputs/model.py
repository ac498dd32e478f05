# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""model.py DIR: f32.gguf and q8_0.gguf, an MoE layer of 8 experts, hidden size 96,
intermediate size 64, top-2. The weights of f32.gguf are those that q8_0.gguf's
blocks decode to."""

import os
import sys

import numpy as np

sys.path.append(os.path.join(os.path.dirname(__file__), "../../../importers/gguf"))
from gguf_writer import write  # noqa: E402

EXPERTS, INNER, HIDDEN, BLOCK = 8, 64, 96, 32
KEYS = {"general.architecture": "llama", "llama.block_count": 1,
        "llama.embedding_length": HIDDEN, "llama.expert_count": EXPERTS,
        "llama.expert_used_count": 2, "llama.feed_forward_length": INNER}
rng = np.random.default_rng(3)


def tensors(shape):
    """The same numbers as f32 and as Q8_0 blocks."""
    codes = rng.integers(-127, 128, (*shape[:-1], shape[-1] // BLOCK, BLOCK), np.int8)
    scales = rng.uniform(0.5e-3, 2e-3, codes.shape[:-1] + (1,)).astype(np.float16)
    blocks = np.concatenate([scales.view(np.uint8), codes.view(np.uint8)], -1)
    values = codes.astype(np.float32) * scales.astype(np.float32)
    return values.reshape(shape), ("Q8_0", shape, blocks.tobytes())


f32 = {"ffn_gate_inp": rng.standard_normal((EXPERTS, HIDDEN), np.float32)}
q8_0 = dict(f32)
for name, shape in (("ffn_gate_exps", (EXPERTS, INNER, HIDDEN)),
                    ("ffn_up_exps", (EXPERTS, INNER, HIDDEN)),
                    ("ffn_down_exps", (EXPERTS, HIDDEN, INNER))):
    f32[name], q8_0[name] = tensors(shape)
for file, layer in (("f32", f32), ("q8_0", q8_0)):
    write(f"{sys.argv[1]}/{file}.gguf", KEYS,
          {f"blk.0.{name}.weight": tensor for name, tensor in layer.items()})
