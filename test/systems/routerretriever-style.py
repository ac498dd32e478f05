# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import double, tokens


def cases(rng):
    for x in tokens(rng):
        for enabled in (np.ones(5, bool), np.array([True, False, True, True, False])):
            yield {"x": x, "enabled": enabled}


def scores(x, w):
    def cosine(a, b):
        return a @ b / np.sqrt((a @ a + 1e-12) * (b @ b + 1e-12))
    query = np.tanh(x @ w["base"])
    return np.array([np.mean([cosine(query, pilot) for pilot in pilots])
                     for pilots in w["pilots"]])


def reference(inputs, params):
    w = double(params)
    x = inputs["x"].astype("f8")
    y, s, ids = np.zeros(x.shape), np.zeros((len(x), 5)), np.zeros((len(x), 1), "i4")
    for t in range(len(x)):
        s[t] = scores(x[t], w)
        e = ids[t, 0] = np.where(inputs["enabled"], s[t], -np.inf).argmax()
        y[t] = np.tanh(x[t] @ (w["base"] + w["a"][e] @ w["b"][e]))
    return {"y": y, "s": s, "ids": ids}


def properties(run, rng):
    x = rng.standard_normal((30, 16)).astype("f4")
    on = np.ones(5, bool)
    out = run({"x": x, "enabled": on})
    # Switched off is as never there: the best of the others.
    without = run({"x": x, "enabled": np.arange(5) != 2})
    assert (without["ids"][:, 0] == np.delete(np.arange(5), 2)[
        np.delete(out["s"], 2, 1).argmax(1)]).all()
    kept = out["ids"][:, 0] != 2
    assert (without["y"][kept] == out["y"][kept]).all()
    # Another model in the fifth place leaves the scores of the others as they are.
    pilots = run.params["pilots"].copy()
    pilots[4] = rng.standard_normal((3, 16))
    other = run({"x": x, "enabled": on}, params={"pilots": pilots})
    assert (other["s"][:, :4] == out["s"][:, :4]).all()
    assert (other["s"][:, 4] != out["s"][:, 4]).any()
