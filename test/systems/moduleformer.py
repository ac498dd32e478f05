# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import double, gelu, sigmoid, softmax, tokens, top_k


def cases(rng):
    for x in tokens(rng, (0, 1, 6, 33)):
        yield "attention", {"x": x}
        yield "feed_forward", {"x": x}


def route(x, w, name):
    p = softmax(gelu(x @ w[f"{name}.router1"]) @ w[f"{name}.router2"])
    return p, top_k(p, 2)


def stick_breaking(logits):
    """Shares of keys 0..i, the nearest one first."""
    a, left = np.zeros(len(logits)), 1.0
    for j in reversed(range(len(logits))):
        a[j] = sigmoid(logits[j]) * left
        left *= 1 - sigmoid(logits[j])
    assert a.sum() <= 1 + 1e-12
    return a


def attention(inputs, params):
    w = double(params)
    x = inputs["x"].astype("f8")
    p, ids = route(x, w, "heads")
    k, v = x @ w["k"], x @ w["v"]
    y = np.zeros(x.shape)
    for t in range(len(x)):
        for e in ids[t]:
            a = stick_breaking(k[:t + 1] @ (x[t] @ w["heads.q"][e]))
            y[t] += p[t, e] * (a @ v[:t + 1] @ w["heads.o"][e])
    return {"y": y}


def feed_forward(inputs, params):
    w = double(params)
    x = inputs["x"].astype("f8")
    p, ids = route(x, w, "ffn")
    y = np.zeros(x.shape)
    for t in range(len(x)):
        for e in ids[t]:
            y[t] += p[t, e] * (gelu(x[t] @ w["ffn.up"][e]) @ w["ffn.down"][e])
    return {"y": y}


FUNCTIONS = {"attention": attention, "feed_forward": feed_forward}


def properties(run, rng):
    # A single token sees only itself: its share of v through the heads' output.
    x = rng.standard_normal((1, 16)).astype("f4")
    w = double(run.params)
    huge = {"k": np.zeros((16, 8))}  # all logits 0: the first key gets one half
    y = run({"x": x}, params=huge, function="attention")["y"]
    p, ids = route(x, w, "heads")
    plain = sum(p[0, e] * 0.5 * (x[0] @ w["v"] @ w["heads.o"][e]) for e in ids[0])
    assert np.allclose(y[0], plain, atol=1e-5)
    # Large logits: a token attends to itself only, and map then reduce is a
    # plain mixture of the output matrices.
    x = (1 + rng.random((6, 16))).astype("f4")
    alike = {"k": np.full((16, 8), 0.1), "heads.q": np.full((4, 16, 8), 0.1)}
    y = run({"x": x}, params=alike, function="attention")["y"]
    p, ids = route(x.astype("f8"), w, "heads")
    for t in range(6):
        plain = sum(p[t, e] * (x[t] @ w["v"] @ w["heads.o"][e]) for e in ids[t])
        assert np.allclose(y[t], plain, atol=1e-5)
