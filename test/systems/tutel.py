# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import math

import numpy as np

from mathematics import double, gelu, softmax, tokens, top_k


def cases(rng):
    for x in tokens(rng, (0, 1, 13, 33)):
        for k, factor in ((1, 1.0), (2, 0.5), (3, 0.0), (2, -1.25), (8, 0.75)):
            yield {"x": x, "k": np.array([k], "i4"), "factor": np.array([factor], "f4")}


def reference(inputs, params):
    w = double(params)
    x, k, factor = inputs["x"].astype("f8"), int(inputs["k"][0]), float(inputs["factor"][0])
    unit = lambda v: v / np.sqrt((v * v).sum(-1, keepdims=True) + 1e-12)
    temperature = math.exp(min(w["log_temperature"][0], math.log(100)))
    p = softmax(temperature * unit(x @ w["project"]) @ unit(w["experts"]).T)
    chosen = top_k(p, k)

    needed = np.bincount(chosen.ravel(), minlength=8).max()
    capacity = math.ceil(k * math.ceil(len(x) / 8) * abs(factor))
    if factor == 0:
        capacity = needed
    elif factor < 0:
        capacity = min(capacity, needed)
    y, ids, taken = np.zeros(x.shape), np.full((len(x), 8), -1, "i4"), np.zeros(8, int)
    for slot in range(k):
        for t in range(len(x)):
            e = chosen[t, slot]
            taken[e] += 1
            if taken[e] <= capacity:
                ids[t, slot] = e
                y[t] += p[t, e] / p[t, chosen[t]].sum() * (
                    gelu(x[t] @ w["up"][e]) @ w["down"][e])
    return {"y": y, "ids": ids}


def properties(run, rng):
    x = rng.standard_normal((40, 16)).astype("f4")

    def loads(k, factor):
        ids = run({"x": x, "k": np.array([k], "i4"), "factor": np.array([factor], "f4")})["ids"]
        return np.bincount(ids[ids >= 0], minlength=8)

    assert loads(2, 0).sum() == 80  # as many as needed: none is dropped
    assert loads(2, 1).max() == 10  # k ceil(T / E)
    assert (loads(2, -1) == loads(2, 1)).all() and (loads(2, -100) == loads(2, 0)).all()
    # The temperature is bounded.
    same = [run({"x": x, "k": np.array([2], "i4"), "factor": np.array([0], "f4")},
                params={"log_temperature": [t]})["y"] for t in (5, 50)]
    assert (same[0] == same[1]).all()
