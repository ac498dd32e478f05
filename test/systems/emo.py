# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import double, softmax, swiglu, top_k


def make(rng, sizes):
    return {"x": rng.standard_normal((sum(sizes), 16)).astype("f4"),
            "document": np.repeat(np.arange(len(sizes)), sizes), "documents": np.arange(len(sizes))}


def cases(rng):
    for sizes in ((), (1,), (5, 2), (9, 11, 13)):
        yield make(rng, sizes)


def reference(inputs, params):
    w = double(params)
    p = softmax(inputs["x"] @ w["router"])
    y = np.zeros(inputs["x"].shape)
    ids = np.zeros((len(y), 2), "i4")
    for t, x in enumerate(inputs["x"]):
        own = inputs["document"] == inputs["document"][t]
        masked = np.zeros(8)
        pool = top_k(p[own].sum(0), 4)
        masked[pool] = p[t, pool]
        ids[t] = top_k(masked, 2)
        for e in ids[t]:
            y[t] += masked[e] / masked[ids[t]].sum() * swiglu(
                x, w["gate"][e], w["up"][e], w["down"][e])
    return {"y": y, "ids": ids}


def properties(run, rng):
    # A document uses 4 experts at most; another document changes nothing.
    one, two = make(rng, (40, 30)), make(rng, (40, 30))
    two["x"][:40] = one["x"][:40]
    first, second = run(one), run(two)
    assert all(len(np.unique(first["ids"][one["document"] == d])) <= 4 for d in (0, 1))
    assert np.allclose(first["y"][:40], second["y"][:40], atol=1e-6)
    # Restricted to a keep set: equal to experts outside of it being out of reach.
    router = run.params["router"].copy()
    keep = np.array([0, 2, 3, 6])
    router[:, np.setdiff1d(np.arange(8), keep)] = 0
    x = one["x"].copy()
    x[:, 0] = 1
    router[0, np.setdiff1d(np.arange(8), keep)] = -60
    ids = run({**one, "x": x}, params={"router": router})["ids"]
    assert np.isin(ids, keep).all()
