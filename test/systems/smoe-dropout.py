# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import double, gelu, softmax, tokens, top_k


def cases(rng):
    for x in tokens(rng):
        for k in (1, 2, 4, 8):
            yield {"x": x, "k": np.array([k], "i4")}


def reference(inputs, params):
    w = double(params)
    x, k = inputs["x"].astype("f8"), inputs["k"][0]
    s = x @ w["router"]
    y = np.zeros(x.shape)
    for t in range(len(x)):
        chosen = top_k(s[t], k)
        for e, weight in zip(chosen, softmax(s[t, chosen])):
            y[t] += weight * (gelu(x[t] @ w["up"][e]) @ w["down"][e])
    return {"y": y, "rows": np.array(k * len(x), "i4")}


def properties(run, rng):
    # All logits equal, all experts active: their average.
    w = double(run.params)
    x = rng.standard_normal((9, 16)).astype("f4")
    y = run({"x": x, "k": np.array([8], "i4")}, params={"router": np.zeros((16, 8))})["y"]
    mean = sum(gelu(x @ w["up"][e]) @ w["down"][e] for e in range(8)) / 8
    assert np.allclose(y, mean, atol=1e-5)
