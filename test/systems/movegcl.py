# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import double, gelu, softmax, tokens, top_k


def make(rng, h):
    return {"h": h, "city": rng.integers(0, 3, len(h)), "features": rng.standard_normal((len(h), 5))}


def cases(rng):
    for h in tokens(rng):
        yield make(rng, h)


def reference(inputs, params):
    w = double(params)
    y = np.zeros(inputs["h"].shape)
    for t, h in enumerate(inputs["h"]):
        z = np.concatenate([h, w["cities"][inputs["city"][t]], inputs["features"][t]])
        s = z @ w["router"] + w["router_bias"]
        chosen = top_k(s, 2)
        for e, weight in zip(chosen, softmax(s[chosen])):
            y[t] += weight * (gelu(h @ w["w1"][e] + w["b1"][e]) @ w["w2"][e] + w["b2"][e])
    return {"y": y}


def properties(run, rng):
    # Appended experts that no logit reaches: the outputs stay the same bits,
    # whatever the new experts' weights are.
    inputs = make(rng, rng.standard_normal((12, 16)).astype("f4"))
    grown = {"router_bias": run.params["router_bias"].copy()}
    grown["router_bias"][4:] = -np.inf
    before = run(inputs, params=grown)["y"]
    for name in ("w1", "b1", "w2", "b2"):
        grown[name] = run.params[name].copy()
        grown[name][4:] = rng.standard_normal(grown[name][4:].shape)
    assert (run(inputs, params=grown)["y"] == before).all()
