# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import double, softmax, tokens, top_k


def cases(rng):
    for x in tokens(rng):
        for function in ("dense", "sparse"):
            yield function, {"x": x, "chosen": rng.permutation(6)[:3].astype("i4")}


def adapter(x, w, e):
    return 2.0 * (w["a"][e] @ x) @ w["b"][e]


def dense(inputs, params):
    w = double(params)
    x, chosen = inputs["x"].astype("f8"), inputs["chosen"]
    y = x @ w["base"]
    for t in range(len(x)):
        p = softmax(w["router"][chosen] @ x[t])
        for weight, e in zip(p, chosen):
            y[t] += weight * adapter(x[t], w, e)
    return {"y": y}


def sparse(inputs, params):
    w = double(params)
    x, chosen = inputs["x"].astype("f8"), inputs["chosen"]
    y, ids = x @ w["base"], np.zeros((len(x), 2), "i4")
    for t in range(len(x)):
        p = softmax(w["router"][chosen] @ x[t])
        best = top_k(p, 2)
        ids[t] = chosen[best]
        for slot in best:
            y[t] += p[slot] / p[best].sum() * adapter(x[t], w, chosen[slot])
    return {"y": y, "ids": ids}


FUNCTIONS = {"dense": dense, "sparse": sparse}


def properties(run, rng):
    # The order in which adapters are named does not matter, adapters that are not
    # named do not either.
    x = rng.standard_normal((9, 16)).astype("f4")
    for function in FUNCTIONS:
        y = run({"x": x, "chosen": np.array([4, 0, 3], "i4")}, function=function)["y"]
        other = run({"x": x, "chosen": np.array([3, 4, 0], "i4")}, function=function)["y"]
        assert np.allclose(y, other, atol=1e-5)
        changed = run.params["b"].copy()
        changed[[1, 2, 5]] = 100
        other = run({"x": x, "chosen": np.array([4, 0, 3], "i4")}, params={"b": changed},
                    function=function)["y"]
        assert (y == other).all()
