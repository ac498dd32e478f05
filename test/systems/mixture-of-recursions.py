# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import causal, double, gelu, norm, sigmoid, softmax, tokens, top_k


def cases(rng):
    for x in tokens(rng, (0, 1, 8, 33)):
        yield "expert_choice", {"x": x}
        yield "token_choice", {"x": x}


def block(x, positions, w):
    n = norm(x)
    q, k, v = (n @ w[part] for part in "qkv")
    s = q @ k.T * 0.25 - 0.1 * (positions[:, None] - positions)
    s = np.where(causal(positions), s, -np.inf)
    x = x + (softmax(s) @ v if len(x) else v) @ w["o"]
    return x + gelu(norm(x) @ w["up"]) @ w["down"]


def expert_choice(inputs, params):
    w = double(params)
    x = inputs["x"].astype("f8")
    alive = np.arange(len(x))
    out = {}
    for step in range(3):
        g = 0.1 * sigmoid(x @ w[f"router.{step}"][:, 0])
        count = max(1, len(x) * (3 - step) // 3)
        alive = np.sort(alive[top_k(g[alive], count)])
        y = x.copy()
        y[alive] += g[alive, None] * block(x[alive], alive, w)
        x = y
        out[f"alive_{step}"] = np.isin(np.arange(len(x)), alive)[:, None]
    return {"y": x, **out}


def token_choice(inputs, params):
    w = double(params)
    x = inputs["x"].astype("f8")
    p = softmax(x @ w["depth_router"])
    depth = p.argmax(1) if len(x) else np.zeros(0, int)
    h = x.copy()
    for step in range(3):
        active = np.flatnonzero(depth >= step)
        h[active] = block(h[active], active, w)
    return {"y": x + p.max(1, keepdims=True, initial=0) * h, "depth": depth[:, None].astype("i4")}


FUNCTIONS = {"expert_choice": expert_choice, "token_choice": token_choice}


def properties(run, rng):
    x = rng.standard_normal((12, 16)).astype("f4")
    out = run({"x": x}, function="expert_choice")
    sets = [out[f"alive_{step}"][:, 0] for step in range(3)]
    assert [s.sum() for s in sets] == [12, 8, 4]
    assert not (sets[1] & ~sets[0]).any() and not (sets[2] & ~sets[1]).any(), "nested"
    # All tokens at full depth: plain recursion of the block.
    deepest = np.zeros((16, 3), "f4")
    deepest[0, 2] = 50
    x[:, 0] = 1
    y = run({"x": x}, params={"depth_router": deepest}, function="token_choice")["y"]
    h = x.astype("f8")
    for _ in range(3):
        h = block(h, np.arange(12), double(run.params))
    assert np.allclose(y, x + h, atol=1e-4)
