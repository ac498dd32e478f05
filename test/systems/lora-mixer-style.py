# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import double, softmax, tokens, top_k


def cases(rng):
    for x in tokens(rng):
        yield {"x": x}


def reference(inputs, params):
    w = double(params)
    out = {}
    for name in ("q", "v"):
        y = inputs["x"] @ w[f"{name}.base"]
        for t, x in enumerate(inputs["x"]):
            p = softmax(x @ w[f"{name}.router"])
            chosen = top_k(p, 2)
            for e in chosen:
                y[t] += p[e] / p[chosen].sum() * 2.0 * (x @ w[f"{name}.a"][e] @ w[f"{name}.b"][e])
        out[name] = y
    return out


def properties(run, rng):
    # A router that always gives expert 2 everything equals the merged matrix.
    x = np.abs(rng.standard_normal((9, 16))).astype("f4")
    router = np.zeros((16, 4), "f4")
    router[:, 2] = 100
    w = double(run.params)
    for name in ("q", "v"):
        merged = w[f"{name}.base"] + 2.0 * w[f"{name}.a"][2] @ w[f"{name}.b"][2]
        y = run({"x": x}, params={f"{name}.router": router})[name]
        assert np.allclose(y, x @ merged, atol=1e-5)
