# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""compute.py make DIR [bf16] | check DIR FORMAT

`make` writes a layer of random weights, f32 or bf16, and its tokens; `check`
compares the output DIR/FORMAT.npy (q8_0, q4_0 or bf16) with the layer in double
precision over quantised or rounded weights and rows, as
dialects/grouped/Compute.h defines them.
"""

import json
import struct
import sys

import numpy as np

HIDDEN, EXPERTS, SIZE, TOKENS, TOP = 64, 8, 96, 150, 2
BLOCK = 32


def to_bf16(values):
    """The bits of f32 values rounded to nearest even; no NaN, no subnormals."""
    bits = values.astype("f4").view("u4")
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype("u2")


def from_bf16(bits):
    return (bits.astype("u4") << 16).view("f4")


def make(directory, dtype="f32"):
    random = np.random.default_rng(1)
    shapes = {
        "router": (EXPERTS, HIDDEN),
        "gate": (EXPERTS, SIZE, HIDDEN),
        "up": (EXPERTS, SIZE, HIDDEN),
        "down": (EXPERTS, HIDDEN, SIZE),
    }
    header, data = {}, b""
    for name, shape in shapes.items():
        values = (random.standard_normal(shape) * 0.1).astype("f4")
        stored = to_bf16(values) if dtype == "bf16" else values
        if dtype == "bf16":
            values = from_bf16(stored)
        np.save(f"{directory}/{name}.npy", values)
        end = len(data) + stored.nbytes
        header[name] = {"dtype": dtype.upper(), "shape": shape, "data_offsets": [len(data), end]}
        data += stored.tobytes()
    text = json.dumps(header).encode()
    with open(f"{directory}/weights.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)
    layer = {
        "name": "layers.0",
        "hidden_size": HIDDEN,
        "experts": EXPERTS,
        "intermediate_size": SIZE,
        "activation": "silu",
        "router": {"score": "softmax", "top_k": TOP, "normalize": "sum"},
        "weights": {"tensors": dict({name: name for name in shapes}, file="weights.safetensors")},
    }
    with open(f"{directory}/layer.json", "w") as file:
        json.dump({"layers": [layer]}, file)
    tokens = random.standard_normal((TOKENS, HIDDEN)).astype("f4")
    tokens[3, :BLOCK] = 0
    np.save(f"{directory}/x.npy", tokens)


def quantize_weights(values, kind):
    """What --quantize makes of rows, as doubles."""
    blocks = values.reshape(*values.shape[:-1], -1, BLOCK)
    extreme = np.take_along_axis(blocks, np.abs(blocks).argmax(-1)[..., None], -1)
    exact = np.abs(extreme) / np.float32(127) if kind == "q8_0" else extreme / np.float32(-8)
    scale = exact.astype("f2").astype("f4")
    least, most = (-127, 127) if kind == "q8_0" else (-8, 7)
    codes = np.clip(np.rint(blocks * (np.float32(1) / scale)), least, most)
    return (codes.astype("f8") * scale).reshape(values.shape)


def quantize_rows(values, kind):
    if kind == "bf16":
        return from_bf16(to_bf16(values)).astype("f8")
    blocks = values.astype("f4").reshape(len(values), -1, BLOCK)
    scale = np.abs(blocks).max(-1, keepdims=True) / np.float32(127)
    inverse = np.divide(np.float32(1), scale, out=np.zeros_like(scale), where=scale > 0)
    return (np.rint(blocks * inverse).astype("f8") * scale).reshape(values.shape)


def check(directory, kind):
    router, gate, up, down, tokens, actual = (
        np.load(f"{directory}/{name}.npy") for name in ("router", "gate", "up", "down", "x", kind)
    )
    gate, up, down = (
        weights.astype("f8") if kind == "bf16" else quantize_weights(weights, kind) for weights in (gate, up, down)
    )
    scores = np.exp(tokens.astype("f8") @ router.T.astype("f8"))
    expected = np.zeros(tokens.shape)
    chosen = np.argsort(-scores, -1)[:, :TOP]
    weights = np.take_along_axis(scores, chosen, -1)
    weights /= weights.sum(-1, keepdims=True)
    rows = quantize_rows(tokens, kind)
    for expert in range(EXPERTS):
        which, slots = np.nonzero(chosen == expert)
        inputs = rows[which]
        gates = inputs @ gate[expert].T
        hidden = gates / (1 + np.exp(-gates)) * (inputs @ up[expert].T)
        hidden = quantize_rows(hidden, kind)
        np.add.at(expected, which, hidden @ down[expert].T * weights[which, slots][:, None])
    error = np.abs(actual - expected).max(-1) / np.abs(expected).max()
    # A hidden value beside the middle of two codes may become either: a step of
    # 1/127 (1/256 of bf16) in one of 96 terms of a sum.
    assert (error < 1e-5).mean() > 0.9, np.sort(error)
    assert error.max() < 5e-3, error.max()


if sys.argv[1] == "make":
    make(*sys.argv[2:])
else:
    check(*sys.argv[2:])
