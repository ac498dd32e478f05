# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import double, gelu, sigmoid, softmax, tokens, top_k


def parameter(name, shape, rng):
    return [0.5] if name == "tau" else None


def cases(rng):
    for x in tokens(rng):
        yield {"x": x}


def reference(inputs, params):
    w = double(params)
    y = np.zeros(inputs["x"].shape)
    calls = 0
    for t, x in enumerate(inputs["x"]):
        z = np.zeros(8)
        if sigmoid(x @ w["gate"][:, 0]) > w["tau"][0]:
            calls += 1
            z = w["values"][(w["keys"] @ x).argmax()]
        h = np.concatenate([x, z])
        p = softmax(h @ w["router"])
        chosen = top_k(p, 2)
        for e in chosen:
            y[t] += p[e] / p[chosen].sum() * (gelu(h @ w["up"][e]) @ w["down"][e])
    return {"y": y, "calls": np.int32(calls)}


def properties(run, rng):
    # The expected cost, C_moe + P(retrieve) C_retrieval, is what was counted.
    x = rng.standard_normal((50, 16)).astype("f4")
    gate = sigmoid(x @ double(run.params)["gate"][:, 0])
    for tau in (0.0, 0.3, 0.6, 1.0):
        calls = run({"x": x}, params={"tau": [tau]})["calls"]
        assert 1.0 + calls / 50 * 7.0 == 1.0 + (gate > np.float32(tau)).mean() * 7.0
