# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import double, softmax, swiglu, tokens, top_k


def cases(rng):
    for x in tokens(rng, (0, 1, 7, 33, 70)):
        yield {"x": x}


def reference(inputs, params):
    w = double(params)
    y = np.zeros(inputs["x"].shape)
    ids = np.zeros((len(y), 8), "i4")
    for t, x in enumerate(inputs["x"].astype("f8")):
        p = softmax(x @ w["router"])
        ids[t] = top_k(p, 8)
        for e in ids[t]:
            y[t] += p[e] / p[ids[t]].sum() * swiglu(x, w["gate"][e], w["up"][e], w["down"][e])
    return {"y": y, "ids": ids}


def properties(run, rng):
    # The first eight experts are slices of one network: with equal weights, an eighth of it.
    x = rng.standard_normal((9, 16)).astype("f4")
    out = run({"x": x}, params={"router": np.zeros((16, 64))})
    assert (out["ids"] == np.arange(8)).all()
    w = double(run.params)
    whole = swiglu(x, np.concatenate(w["gate"][:8], 1), np.concatenate(w["up"][:8], 1),
                   np.concatenate(w["down"][:8], 0))
    assert np.allclose(out["y"], whole / 8, atol=1e-5)
