# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import double, softmax, swiglu_linear, tokens, top_k


def cases(rng):
    for x in tokens(rng):
        yield {"x": x}
    for x in tokens(rng, (5,)):
        yield {"x": 10 * x}


def reference(inputs, params):
    w = double(params)
    y = np.zeros(inputs["x"].shape)
    ids = np.zeros((len(y), 4), "i4")
    for t, x in enumerate(inputs["x"]):
        p = softmax(np.concatenate([x @ w["true_router"], x @ w["null_router"]]))
        chosen = top_k(p, 4)
        true = chosen[chosen < 4]
        for e in true:
            y[t] += p[e] / p[true].sum() * swiglu_linear(x, w["gate"][e], w["up"][e], w["down"][e])
        ids[t] = np.where(chosen < 4, chosen, -1)
    # What experts compute: the assignments to true experts, and no others.
    return {"y": y, "ids": ids, "assignments": np.int32((ids >= 0).sum())}


def properties(run, rng):
    # A token that chose null experts only: the null logits are far above.
    x = np.ones((3, 16))
    out = run({"x": x}, params={"null_router": np.full((16, 4), 9.0),
                                "true_router": np.zeros((16, 4))})
    assert (out["ids"] == -1).all() and (out["y"] == 0).all()
    # All true: as plain top-4 of 4.
    out = run({"x": x}, params={"null_router": np.full((16, 4), -9.0)})
    assert (np.sort(out["ids"]) == np.arange(4)).all()
