# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import double, sigmoid, tokens, top_k


def cases(rng):
    for x in tokens(rng):
        yield {"x": x}
        yield "all_ranks", {"x": x}


def adapt(x, w, active):
    y = x @ w["base"]
    for t, row in enumerate(x):
        s = sigmoid(row @ w["router"]) + w["bias"]
        chosen = top_k(s, active)
        for i in chosen:
            gate = s[i] / s[chosen].sum() * active
            y[t] += 8.0 / active * gate * w["b"][i] * (w["a"][i] @ row)
    # Each token touches as many ranks as are active.
    return {"y": y, "ranks": active * len(x)}


FUNCTIONS = {"main": lambda inputs, params: adapt(inputs["x"], double(params), 4),
             "all_ranks": lambda inputs, params: adapt(inputs["x"], double(params), 16)}


def properties(run, rng):
    # The bias moves the selection between calls: ranks 3, 7, 8, 12 for everybody.
    x = rng.standard_normal((9, 16)).astype("f4")
    bias = np.full(16, -5.0)
    chosen = [3, 7, 8, 12]
    bias[chosen] = 1e4  # all gates are then equal up to rounding
    w = double(run.params)
    plain = x @ w["base"] + 8.0 / 4 * (x @ w["a"][chosen].T) @ w["b"][chosen]
    assert np.allclose(run({"x": x}, params={"bias": bias})["y"], plain, atol=2e-3)
    # All ranks with equal gates: a plain low-rank adapter.
    equal = {"router": np.zeros((16, 16)), "bias": np.zeros(16)}
    plain = x @ w["base"] + 8.0 / 16 * (x @ w["a"].T) @ w["b"]
    assert np.allclose(run({"x": x}, params=equal, function="all_ranks")["y"], plain, atol=1e-5)
