# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the numpy references share. Everything is computed in double."""

import math

import numpy as np

erf = np.vectorize(math.erf, otypes=[float])


def softmax(s, axis=-1):
    e = np.exp(s - s.max(axis, keepdims=True, initial=-np.inf))
    return e / e.sum(axis, keepdims=True)


def sigmoid(s):
    return 1 / (1 + np.exp(-s))


def relu(x):
    return np.maximum(x, 0)


def silu(x):
    return x * sigmoid(x)


def gelu(x):
    return 0.5 * x * (1 + erf(x / math.sqrt(2)))


def top_k(scores, k):
    """Ids of the k highest of each row; of equal scores the lower id first."""
    return np.argsort(-scores, axis=-1, kind="stable")[..., :k]


def double(params):
    return {name: value.astype("f8") for name, value in params.items()}


def tokens(rng, sizes=(0, 1, 7, 33), width=16):
    """Normal inputs of [T, width] for some T."""
    for size in sizes:
        yield rng.standard_normal((size, width)).astype("f4")


def swiglu(x, gate, up, down):
    return (silu(x @ gate) * (x @ up)) @ down


def swiglu_linear(x, gate, up, down):
    """The same with weights [out, in]."""
    return swiglu(x, gate.T, up.T, down.T)


def norm(x, gain=1, bias=0, eps=1e-5):
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred ** 2).mean(-1, keepdims=True) + eps) * gain + bias


def attend(q, k, v, scale, visible=True):
    """Softmax attention of rows `q`; `visible` is a mask of scores."""
    s = np.where(visible, q @ np.swapaxes(k, -1, -2) * scale, -np.inf)
    return softmax(s) @ v if s.size else np.zeros((*q.shape[:-1], v.shape[-1]))


def causal(positions):
    return positions[:, None] >= positions[None, :]
