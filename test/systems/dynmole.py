# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import double, softmax, tokens, top_k


def parameter(name, shape, rng):
    return {"q": [1.5], "tau": [0.85]}.get(name)


def cases(rng):
    for x in tokens(rng, (0, 1, 8, 33)):
        yield {"x": x}


def reference(inputs, params):
    w = double(params)
    x = inputs["x"].astype("f8")
    y, ids, entropy = x @ w["base"], np.full((len(x), 6), -1, "i4"), np.zeros(len(x))
    for t in range(len(x)):
        p = softmax(x[t] @ w["router"])
        entropy[t] = (1 - (p ** w["q"]).sum()) / (w["q"][0] - 1)
        order = top_k(p, 6)
        count = 6
        if entropy[t] <= w["tau"][0]:
            count = max(2, int((np.cumsum(p[order]) <= 0.6).sum()))
        ids[t, :count] = order[:count]
        for e in order[:count]:
            y[t] += p[e] * 2.0 * (x[t] @ w["a"][e] @ w["b"][e])
    return {"y": y, "ids": ids, "entropy": entropy}


def properties(run, rng):
    x = rng.standard_normal((60, 16)).astype("f4")
    out = run({"x": x})
    unsure = out["entropy"] > 0.85
    count = (out["ids"] >= 0).sum(1)
    assert unsure.any() and not unsure.all()
    assert (count[unsure] == 6).all() and (count[~unsure] >= 2).all() and (count[~unsure] < 6).all()
    # Near q = 1 the entropy is Shannon's.
    p = softmax(x @ double(run.params)["router"])
    near = run({"x": x}, params={"q": [1.01]})["entropy"]
    assert np.abs(near + (p * np.log(p)).sum(1)).max() < 0.02
