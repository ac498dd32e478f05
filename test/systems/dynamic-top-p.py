# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import double, softmax, swiglu, tokens, top_k


def cases(rng):
    for x in tokens(rng, (0, 1, 8, 33)):
        for p in (0.1, 0.5, 0.99, 1.0, 1.5):
            yield {"x": x, "P": np.array([p], "f4")}


def reference(inputs, params):
    w = double(params)
    x, limit = inputs["x"].astype("f8"), inputs["P"][0]
    y = x + swiglu(x, w["dense.gate"], w["dense.up"], w["dense.down"])
    ids = np.full((len(x), 6), -1, "i4")
    for t, h in enumerate(y.copy()):
        p = softmax(h @ w["router"])
        total = 0
        for slot, e in enumerate(top_k(p, 6)):
            if total > limit:
                break
            ids[t, slot] = e
            y[t] += p[e] * swiglu(h, w["gate"][e], w["up"][e], w["down"][e])
            total += p[e]
    return {"y": y, "ids": ids}


def properties(run, rng):
    # More experts at a higher P, one at least, all at 1.
    x = rng.standard_normal((40, 16)).astype("f4")
    counts = [(run({"x": x, "P": np.array([p], "f4")})["ids"] >= 0).sum(1).mean()
              for p in (0, 0.2, 0.4, 0.6, 0.8, 1)]
    assert counts[0] == 1 and counts[-1] == 6 and counts == sorted(counts)
