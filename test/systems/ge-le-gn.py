# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import double, relu


def cases(rng):
    for size in (0, 1, 7, 33):
        yield {"x": rng.standard_normal((size, 8, 8)).astype("f4")}


def reference(inputs, params):
    w = double(params)
    x = inputs["x"].astype("f8")
    s = relu(x.reshape(-1, 64) @ w["gate.w1"]) @ w["gate.w2"]
    ids = s.argmax(1)
    y = np.zeros((len(x), 5))
    for b, image in enumerate(x):
        if ids[b] == 1:
            y[b] = image.reshape(64) @ w["small.linear"][0]
            continue
        out = np.zeros((6, 6, 4))
        for i in range(6):
            for j in range(6):
                out[i, j] = (image[i:i + 3, j:j + 3, None] * w["big.kernel"][0]).sum((0, 1))
        y[b] = relu(out).reshape(144) @ w["big.classes"][0]
    return {"y": y, "ids": ids[:, None].astype("i4")}


def properties(run, rng):
    # A sample of the local expert never meets the global one: not even its NaNs.
    x = rng.standard_normal((20, 8, 8)).astype("f4")
    broken = {"big.kernel": np.full((1, 3, 3, 4), np.nan)}
    out = run({"x": x}, params=broken)
    assert np.isnan(out["y"][out["ids"][:, 0] == 0]).all()
    assert np.isfinite(out["y"][out["ids"][:, 0] == 1]).all()
    sizes = {name: value.size for name, value in run.params.items()}
    extra = sizes["small.linear"] + sizes["gate.w1"] + sizes["gate.w2"]
    print(f"ge-le-gn: local expert and gate have {extra} parameters, the global expert "
          f"{sizes['big.kernel'] + sizes['big.classes']}")
