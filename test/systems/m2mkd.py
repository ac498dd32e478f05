# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import double, gelu, softmax, tokens


def cases(rng):
    for x in tokens(rng, (0, 1, 8, 33)):
        yield {"x": x}


def reference(inputs, params):
    w = double(params)
    x = inputs["x"].astype("f8")
    p = softmax(x @ w["router"])
    ids = p.argmax(1) if len(x) else np.zeros(0, int)
    capacity = -(-len(x) // 4)
    y = x.copy()
    for e in range(4):
        mine = np.flatnonzero(ids == e)
        order = mine[np.argsort(-p[mine, e], kind="stable")]
        for t in order[:capacity]:
            y[t] += p[t, e] * (gelu(x[t] @ w["w1"][e] + w["b1"][e]) @ w["w2"][e] + w["b2"][e])
        ids[order[capacity:]] = -1
    return {"y": y, "ids": ids[:, None].astype("i4")}


def properties(run, rng):
    # All tokens want one expert: the two most certain of eight stay, the others pass.
    x = rng.standard_normal((8, 16)).astype("f4")
    router = np.zeros((16, 4), "f4")
    router[0, 1] = 1
    x[:, 0] = [3, 9, 1, 4, 8, 2, 6, 5]
    out = run({"x": x}, params={"router": router})
    assert out["ids"][:, 0].tolist() == [-1, 1, -1, -1, 1, -1, -1, -1]
    dropped = out["ids"][:, 0] < 0
    assert (out["y"][dropped] == x[dropped]).all()
