# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import math

import numpy as np

from mathematics import double, erf, relu, softmax, tokens, top_k


def parameter(name, shape, rng):
    # Statistics of the experts' first matrices, which are drawn from the same seed.
    if name in ("m", "v", "w1"):
        w1 = np.random.default_rng(9).normal(0.05, 0.3, (6, 16, 24)).astype("f4")
        return {"w1": w1, "m": w1.mean(2).T, "v": w1.var(2).T}[name]
    return None


def cases(rng):
    for x in tokens(rng):
        yield {"x": x}


def reference(inputs, params):
    w = double(params)
    x = inputs["x"].astype("f8")
    s = -erf((x @ w["m"]) / (math.sqrt(2) * np.sqrt((x * x) @ w["v"])))
    y = np.zeros(x.shape)
    for t in range(len(x)):
        chosen = top_k(s[t], 2)
        for e, weight in zip(chosen, softmax(s[t, chosen])):
            y[t] += weight * (relu(x[t] @ w["w1"][e]) @ w["w2"][e])
    return {"y": y, "s": s}


def properties(run, rng):
    w = double(run.params)
    x = rng.standard_normal((40, 16)).astype("f4")
    out = run({"x": x})
    # The experts are blocks of one wide MLP whose other blocks are masked away.
    wide1, wide2 = np.concatenate(w["w1"], 1), np.concatenate(w["w2"], 0)
    chosen = top_k(out["s"], 2)
    weights = np.zeros((40, 6))
    np.put_along_axis(weights, chosen, softmax(np.take_along_axis(out["s"], chosen, 1)), 1)
    y = (relu(x @ wide1) * np.repeat(weights, 24, 1)) @ wide2
    assert np.allclose(out["y"], y, atol=1e-5)
    # The estimate ranks experts like the true fraction of positive activations.
    positive = np.stack([(x @ w["w1"][e] > 0).mean(1) for e in range(6)], 1)
    rank = lambda a: np.argsort(np.argsort(a.ravel()))
    assert np.corrcoef(rank(-out["s"]), rank(positive))[0, 1] > 0.8
