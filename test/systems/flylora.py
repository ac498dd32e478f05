# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import double, tokens, top_k


def parameter(name, shape, rng):
    if name == "a":  # frozen and sparse: 8 of 32 entries of a column
        a = rng.standard_normal(shape) * 0.3
        return a * (np.argsort(np.argsort(rng.random(shape), 0), 0) < 8)
    return None


def cases(rng):
    for x in tokens(rng, width=32):
        yield {"x": x}


def reference(inputs, params):
    w = double(params)
    a = inputs["x"] @ w["a"]
    y = inputs["x"] @ w["base"]
    ids = top_k(np.abs(a + w["d"]), 4)
    for t in range(len(y)):
        for i in ids[t]:
            y[t] += 0.5 * a[t, i] * w["b"][i]
    return {"y": y, "ids": ids}


def properties(run, rng):
    # A large bias chooses the ranks, and does not enter the product.
    x = rng.standard_normal((7, 32)).astype("f4")
    d = np.zeros(16)
    d[[1, 4, 5, 9]] = 1e3
    out = run({"x": x}, params={"d": d})
    w = double(run.params)
    chosen = [1, 4, 5, 9]
    assert (np.sort(out["ids"]) == chosen).all()
    plain = x @ w["base"] + 0.5 * (x @ w["a"][:, chosen]) @ w["b"][chosen]
    assert np.allclose(out["y"], plain, atol=1e-5)
    # A is multiplied once, for scores and for the experts.
    assert run.phase("grouped").count("rhs(%a :") == 1
