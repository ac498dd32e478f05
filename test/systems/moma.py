# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import double, gelu, sigmoid, swiglu, tokens, top_k

OWN = np.array([[True, True, False, False], [False, False, True, True]])


def make(rng, x):
    return {"x": x, "modality": rng.integers(0, 2, len(x))}


def cases(rng):
    for x in tokens(rng, (0, 1, 16, 33)):
        for function in ("main", "depths", "causal"):
            yield function, make(rng, x)


def combine(x, chosen, scores, w):
    y = x.copy()
    for t, e in np.argwhere(chosen):
        y[t] += scores[t, e] * swiglu(x[t], w["gate"][e], w["up"][e], w["down"][e])
    return y


def choose(inputs, params, alive):
    w = double(params)
    x = inputs["x"].astype("f8")
    scores = sigmoid(x @ w["router"])
    own = OWN[inputs["modality"]] & alive[:, None]
    chosen = np.zeros(own.shape, bool)
    for e in range(4):
        mine = np.flatnonzero(own[:, e])
        chosen[mine[top_k(scores[mine, e], -(-len(mine) // 2))], e] = True
    return {"y": combine(x, chosen, scores, w), "chosen": chosen}


def expert_choice(inputs, params):
    return choose(inputs, params, np.ones(len(inputs["x"]), bool))


def depths(inputs, params):
    s = inputs["x"] @ double(params)["depth_router"][:, 0]
    alive = np.zeros(len(s), bool)
    alive[top_k(s, -(-len(s) // 2))] = True
    return choose(inputs, params, alive)


def causal(inputs, params):
    w = double(params)
    x = inputs["x"].astype("f8")
    a = sigmoid(gelu(x @ w["auxiliary1"]) @ w["auxiliary2"])
    chosen = (a > 0.5) & OWN[inputs["modality"]]
    return {"y": combine(x, chosen, sigmoid(x @ w["router"]), w),
            "ids": np.where(chosen, np.arange(4), -1)}


FUNCTIONS = {"main": expert_choice, "depths": depths, "causal": causal}


def properties(run, rng):
    # Each expert has exactly its share of its modality's tokens.
    inputs = make(rng, rng.standard_normal((16, 16)).astype("f4"))
    share = [-(-(inputs["modality"] == m).sum() // 2) for m in (0, 0, 1, 1)]
    assert run(inputs)["chosen"].sum(0).tolist() == share
    # Later tokens do not change earlier ones in the causal mode, and do otherwise.
    for function, leaks in (("causal", False), ("main", True)):
        changed = 0
        for _ in range(6):
            other = {**inputs, "x": inputs["x"].copy()}
            other["x"][10:] = 3 * rng.standard_normal((6, 16))
            before, after = (run(i, function=function)["y"][:10] for i in (inputs, other))
            changed += not np.allclose(before, after, atol=1e-6)
        assert (changed > 0) == leaks, function
