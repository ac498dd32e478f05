# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import double, softmax, top_k


def cases(rng):
    for size in (0, 1, 2, 7):
        yield {"x": rng.standard_normal((size, 8, 8, 4)).astype("f4")}


def convolution(x, kernel, bias):
    y = np.zeros(x.shape) + bias
    for i in range(8):
        for j in range(8):
            for a in range(3):
                for b in range(3):
                    if 0 <= i + a - 1 < 8 and 0 <= j + b - 1 < 8:
                        y[i, j] += x[i + a - 1, j + b - 1] @ kernel[a, b]
    return y


def reference(inputs, params):
    w = double(params)
    x = inputs["x"].astype("f8")
    y, ids = x.copy(), np.zeros((len(x), 2), "i4")
    for n in range(len(x)):
        s = x[n].mean((0, 1)) @ w["router"]
        ids[n] = top_k(s, 2)
        for e, weight in zip(ids[n], softmax(s[ids[n]])):
            y[n] += weight * convolution(x[n], w["kernel"][e], w["bias"][e])
    return {"y": y, "ids": ids}


def properties(run, rng):
    # A convolution that no map selects does not run: not even its NaN gets through.
    x = rng.standard_normal((1, 8, 8, 4)).astype("f4")
    out = run({"x": x})
    kernel = run.params["kernel"].copy()
    kernel[np.setdiff1d(range(3), out["ids"])] = np.nan
    assert (run({"x": x}, params={"kernel": kernel})["y"] == out["y"]).all()
