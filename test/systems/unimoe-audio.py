# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import math

import numpy as np

from mathematics import double, softmax, swiglu, tokens, top_k


def cases(rng):
    for x in tokens(rng, (0, 1, 10, 33)):
        for function in FUNCTIONS:
            yield function, {"x": x}


def sequential(s, order):
    """Weights of the experts in this order: each one's softmax over those that are
    left and within the band of the best of them."""
    weights, left = [], np.ones(6, bool)
    for e in order:
        best = s[left].max()
        band = left & ((best - s) / np.maximum(np.abs(s), best) <= 0.2)
        weights.append(np.exp(s[e] - best) / np.exp(s[band] - best).sum())
        left[e] = False
    return np.array(weights)


def dropping(order):
    def reference(inputs, params):
        w = double(params)
        x = inputs["x"].astype("f8")
        y = np.zeros(x.shape)
        ids, weights, shared = np.full((len(x), 6), -1, "i4"), np.zeros((len(x), 6)), np.zeros((len(x), 1))
        probability = np.zeros((len(x), 6))
        for t in range(len(x)):
            s = x[t] @ w["router"]
            p = softmax(s)
            ranked = top_k(p, 6)
            count = min(6, 1 + int((np.cumsum(p[ranked]) < 0.6).sum()))
            chosen = ids[t, :count] = ranked[:count]
            probability[t] = p
            g = softmax(np.concatenate([s[chosen], x[t] @ w["shared.router"]]))
            r = sequential(s, chosen)
            weights[t, :count] = r / r.sum() * g[:-1].sum()
            shared[t] = g[-1]
        kept = ids.copy()
        capacity = math.ceil(len(x) / 6)
        for e in range(6) if order else ():
            mine = [t for t in range(len(x)) if e in ids[t]]
            if order == "score":
                mine.sort(key=lambda t: -probability[t, e])
            for t in mine[capacity:]:
                kept[t][ids[t] == e] = -1
        for t in range(len(x)):
            y[t] = shared[t] * swiglu(x[t], w["shared.gate"], w["shared.up"], w["shared.down"])
            for slot, e in enumerate(kept[t]):
                if 0 <= e < 4:
                    y[t] += weights[t, slot] * swiglu(x[t], w["gate"][e], w["up"][e], w["down"][e])
        return {"y": y, "ids": kept, "w": weights, "shared_w": shared}
    return reference


FUNCTIONS = {"main": dropping(None), "by_position": dropping("token"),
             "by_probability": dropping("score")}


def properties(run, rng):
    # Weights sum to 1 with the shared and the null experts.
    x = rng.standard_normal((40, 16)).astype("f4")
    out = run({"x": x})
    assert np.allclose(out["w"].sum(1) + out["shared_w"][:, 0], 1, atol=1e-6)
    assert (out["ids"] >= 4).any() and len(set((out["ids"] >= 0).sum(1))) > 1
