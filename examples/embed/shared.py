#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""shared.py tiny.so TOKENS.npy: prints the first numbers of a layer's result.

    moec examples/checkpoints/tiny-qwen2-moe -o tiny.so --emit=shared
"""

import ctypes
import sys

import numpy as np

library = ctypes.CDLL(sys.argv[1])
library.tiny_layers_0_moe_workspace.restype = ctypes.c_int64


def pointer(array):
    return ctypes.c_void_p(array.ctypes.data)


def moe(x):
    """The result of layers.0.moe for rows of 48 f32."""
    x = np.ascontiguousarray(x, np.float32)
    tokens = ctypes.c_int64(len(x))
    out = np.empty_like(x)
    logits = np.empty((len(x), 8), np.float32)
    ids = np.empty((len(x), 3), np.int32)
    weights = np.empty((len(x), 3), np.float32)
    size = library.tiny_layers_0_moe_workspace(tokens, None)
    space = np.empty(size + 64, np.uint8)
    space = space[-space.ctypes.data % 64:]
    status = library.tiny_layers_0_moe(
        pointer(x), tokens, pointer(out), pointer(logits), pointer(ids), pointer(weights),
        pointer(space), ctypes.c_int64(size), None)
    if status:
        raise ValueError(f"status {status}")
    return out


print(*[f"{value:.6f}" for value in moe(np.load(sys.argv[2])).ravel()[:4]])
