# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import attend, causal, double, gelu, norm, softmax, tokens, top_k


def make(rng, x):
    return {"x": x, "instruction": rng.random(len(x)) < 0.2}


def cases(rng):
    for x in tokens(rng, (0, 1, 8, 33)):
        yield make(rng, x)
        yield "threshold", {"x": x}


def block(x, p, positions, i, w):
    n = norm(x)
    q, k, v = (n @ w[f"{i}.{part}"] for part in "qkv")
    x = x + attend(q, k, v, 0.25, causal(positions)) @ w[f"{i}.o"]
    return x + gelu(norm(x) @ w[f"{i}.up"]) @ w[f"{i}.down"] * p[:, None]


def run_layers(x, w, choose):
    x = x.astype("f8")
    for i in range(2):
        p = softmax(norm(x) @ w["router"])[:, 1]
        kept = np.sort(choose(p))
        y = x.copy()
        y[kept] = block(x[kept], p[kept], kept, i, w)
        x = y
    return {"y": x}


def best_half(inputs, params):
    keep = inputs["instruction"]
    return run_layers(inputs["x"], double(params),
                      lambda p: top_k(p + keep, max(-(-len(p) // 2), keep.sum())))


def threshold(inputs, params):
    return run_layers(inputs["x"], double(params), lambda p: np.flatnonzero(p >= 0.5))


FUNCTIONS = {"main": best_half, "threshold": threshold}


def properties(run, rng):
    # All tokens kept: the dense blocks, but for p in front of the MLP.
    x = rng.standard_normal((8, 16)).astype("f4")
    out = run({"x": x, "instruction": np.ones(8, bool)})["y"]
    everyone = run_layers(x, double(run.params), lambda p: np.arange(8))["y"]
    assert np.allclose(out, everyone, atol=1e-5)
    # With p = 1, too: the dense blocks themselves.
    x[:, 0] = 3  # the largest: above 0 after the norm
    router = np.zeros((16, 2))
    router[0, 1] = 1e4
    y = run({"x": x, "instruction": np.ones(8, bool)}, params={"router": router})["y"]
    dense = x.astype("f8")
    for i in range(2):
        dense = block(dense, np.ones(8), np.arange(8), i, double(run.params))
        assert (norm(dense)[:, 0] > 0).all()
    assert np.allclose(y, dense, atol=1e-5)
    # An instruction token is always kept, however low its score is.
    for t in range(8):
        y = run({"x": x, "instruction": np.arange(8) == t})["y"]
        assert not np.allclose(y[t], x[t], atol=1e-4)
