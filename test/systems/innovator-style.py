# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import double, softmax, swiglu, tokens, top_k


def cases(rng):
    for x in tokens(rng):
        yield {"x": x}


def reference(inputs, params):
    w = double(params)
    x = inputs["x"].astype("f8")
    y = swiglu(x, w["general.gate"], w["general.up"], w["general.down"])
    ids = np.zeros((len(x), 8), "i4")
    for t in range(len(x)):
        s = x[t] @ w["router"]
        ids[t] = top_k(s, 8)
        for e, weight in zip(ids[t], softmax(s[ids[t]])):
            j, units = e // 4, slice(e % 4 * 8, e % 4 * 8 + 8)
            y[t] += weight * swiglu(x[t], w["gate"][j][:, units], w["up"][j][:, units],
                                    w["down"][j][units])
    return {"y": y, "ids": ids}


def properties(run, rng):
    # All slices of two disciplines, with equal weights: their networks, divided by 8.
    x = np.abs(rng.standard_normal((9, 16))).astype("f4")
    router = np.zeros((16, 16))
    router[:, 4:12] = 1
    out = run({"x": x}, params={"router": router})
    assert (out["ids"] == np.arange(4, 12)).all()
    w = double(run.params)
    networks = [swiglu(x, w["gate"][j], w["up"][j], w["down"][j]) for j in (1, 2)]
    general = swiglu(x, w["general.gate"], w["general.up"], w["general.down"])
    assert np.allclose(out["y"], general + sum(networks) / 8, atol=1e-5)
