# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import double, gelu, tokens


def cases(rng):
    for x in tokens(rng):
        yield {"x": x, "factors": rng.random((len(x), 2)).astype("f4")}


def reference(inputs, params):
    w = double(params)
    x = inputs["x"].astype("f8")
    loss = gelu(x @ w["predict.w1"]) @ w["predict.w2"]
    ids = (loss + inputs["factors"] @ w["costs"]).argmin(1)
    y = np.array([gelu(row @ w["up"][m]) @ w["down"][m]
                  for row, m in zip(x, ids)]).reshape(x.shape)
    return {"y": y, "loss": loss, "ids": ids[:, None]}


def properties(run, rng):
    # The more the first cost counts, the less of it is paid and the more loss is taken.
    x = rng.standard_normal((50, 16)).astype("f4")
    paid, lost = [], []
    for factor in (0, 0.25, 0.5, 1, 2, 4, 100):
        factors = np.tile(np.array([factor, 0], "f4"), (50, 1))
        out = run({"x": x, "factors": factors})
        m = out["ids"][:, 0]
        paid.append(run.params["costs"][0, m].astype("f8").mean())
        lost.append(out["loss"][np.arange(50), m].astype("f8").mean())
    assert (np.diff(paid) <= 1e-9).all() and (np.diff(lost) >= -1e-6).all()
    assert np.isclose(paid[-1], run.params["costs"][0].min())
