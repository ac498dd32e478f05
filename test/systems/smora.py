# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import double, sigmoid, tokens, top_k


def cases(rng):
    for x in tokens(rng):
        yield {"x": x}


def reference(inputs, params):
    w = double(params)
    y = inputs["x"] @ w["base"]
    for t, x in enumerate(inputs["x"]):
        s = sigmoid(x @ w["router"]) + w["bias"]
        chosen = top_k(s, 4)
        for i in chosen:
            gate = s[i] / s[chosen].sum() * 4
            y[t] += 8.0 / 4 * gate * w["b"][i] * (w["a"][i] @ x)
    return {"y": y}


def properties(run, rng):
    # The bias moves the selection between calls: ranks 3, 7, 8, 12 for everybody.
    x = rng.standard_normal((9, 16)).astype("f4")
    bias = np.full(16, -5.0)
    chosen = [3, 7, 8, 12]
    bias[chosen] = 1e4  # all gates are then equal up to rounding
    w = double(run.params)
    plain = x @ w["base"] + 8.0 / 4 * (x @ w["a"][chosen].T) @ w["b"][chosen]
    assert np.allclose(run({"x": x}, params={"bias": bias})["y"], plain, atol=2e-3)
