# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import double, softmax, tokens, top_k


def parameter(name, shape, rng):
    return {"off": np.zeros(12)}.get(name)


def cases(rng):
    for x in tokens(rng):
        yield {"x": x}


def forward(x, w, ranks):
    y, ids = x @ w["base"], np.full((len(x), 4), -1, "i4")
    for t in range(len(x)):
        a = w["a"][ranks] @ x[t]
        z = a / np.sqrt(((w["a"][ranks] ** 2).sum(1) + 1e-12) * (x[t] @ x[t] + 1e-12))
        p = softmax(z / 0.25)
        chosen = [i for i in top_k(p, 4) if p[i] >= 0.1]
        ids[t, :len(chosen)] = np.asarray(ranks)[chosen]
        for i in chosen:
            y[t] += p[i] * a[i] * w["b"][ranks[i]]
    return {"y": y, "ids": ids}


def reference(inputs, params):
    return forward(inputs["x"].astype("f8"), double(params), list(range(12)))


def properties(run, rng):
    x = rng.standard_normal((20, 16)).astype("f4")
    # Ranks that were appended and are off: the adapter of 8 ranks that was there.
    off = np.where(np.arange(12) < 8, 0, -np.inf)
    y = run({"x": x}, params={"off": off})["y"]
    old = forward(x.astype("f8"), double(run.params), list(range(8)))
    assert np.allclose(y, old["y"], atol=1e-5)
    # And a rank without output changes nothing while it is off.
    b = run.params["b"].copy()
    b[8:] = 0
    assert (run({"x": x}, params={"off": off, "b": b})["y"] == y).all()
    # Ax is computed once.
    assert run.example.text.count("linalg.matmul") == 2
