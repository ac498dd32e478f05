# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import double, gelu, softmax, tokens, top_k


def cases(rng):
    for x in tokens(rng, (0, 1, 6, 33)):
        yield {"x": x}


def network(x, up, down):
    n = x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-5)
    return gelu(n @ up.T) @ down


def reference(inputs, params):
    w = double(params)
    x = inputs["x"].astype("f8")
    up, down = w["up"].reshape(32, 16), w["down"].reshape(32, 16)
    y = np.zeros(x.shape)
    q = (x @ w["depth_router"]).argmax(1)
    ids = np.full((len(x), 2), -1, "i4")
    for t in range(len(x)):
        deep, wide = x[t], np.zeros(16)
        for _ in range(q[t] + 1):
            deep = deep + network(deep, up, down)
        if q[t] < 3:
            s = x[t] @ w["width_router"]
            ids[t] = top_k(s, 2)
            for e, weight in zip(ids[t], softmax(s[ids[t]])):
                wide += weight * (x[t] + network(x[t], w["up"][e], w["down"][e]))
        share = (4 - (q[t] + 1)) / 4
        y[t] = (1 - share) * deep + share * wide
    return {"y": y, "q": q[:, None].astype("i4"), "width_ids": ids}


def properties(run, rng):
    # The parameters are those of one dense network and two routers.
    names = {part["symbol"] for p in run.stored_parameters() for part in p["parts"]}
    assert names == {"up", "down", "depth_router", "width_router"}
    assert run.params["up"].size + run.params["down"].size == 2 * 16 * 32
    # The deepest tokens never enter the width path.
    out = run({"x": rng.standard_normal((60, 16)).astype("f4")})
    deepest = out["q"][:, 0] == 3
    assert deepest.any() and (out["width_ids"][deepest] == -1).all()
    assert (out["width_ids"][~deepest] >= 0).all()
