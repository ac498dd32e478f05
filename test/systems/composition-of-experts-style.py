# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import double, gelu, relu, tokens

TABLE = np.array([0, 1, 1, 2, 0, 2, 1, 0], "i4")


def cases(rng):
    for x in tokens(rng):
        yield {"x": x}


def reference(inputs, params):
    w = double(params)
    x = inputs["x"].astype("f8")
    category = (relu(x @ w["classify.w1"]) @ w["classify.w2"]).argmax(1)[:, None]
    ids = TABLE[category]
    y = np.array([row + gelu(row @ w[f"up{e}"][0]) @ w[f"down{e}"][0]
                  for row, e in zip(x, ids[:, 0])]).reshape(x.shape)
    return {"y": y, "category": category, "ids": ids}


def properties(run, rng):
    # Requests may be batched in any order, by model for instance.
    x = rng.standard_normal((40, 16)).astype("f4")
    out = run({"x": x})
    order = np.argsort(out["ids"][:, 0], kind="stable")
    assert (run({"x": x[order]})["y"] == out["y"][order]).all()
    # Average active parameters, by the frequency of each model.
    sizes = np.array([run.params[f"up{e}"].size + run.params[f"down{e}"].size for e in range(3)])
    frequency = np.bincount(out["ids"][:, 0], minlength=3) / 40
    assert sizes.min() < frequency @ sizes < sizes.sum()
    assert np.isclose(frequency @ sizes, sizes[out["ids"][:, 0]].mean())
