# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import attend, double, gelu, softmax, tokens


def cases(rng):
    for x in tokens(rng):
        yield "routed", {"x": x}
        yield "masked", {"x": x, "mask": rng.random(4).round().astype("f4")}
        yield "pruned", {"x": x}


def head_of(x, w, h):
    return attend(x @ w["q"][h], x @ w["k"][h], x @ w["v"][h], 0.5) @ w["o"][h]


def expander(h, w):
    return gelu(h @ w["up"]) @ w["down"]


def routed(inputs, params):
    w = double(params)
    x = inputs["x"].astype("f8")
    p = softmax(x @ w["router"])
    head = p.argmax(1)
    h = np.zeros(x.shape)
    for e in range(4):
        h[head == e] = (p[:, e:e + 1] * head_of(x, w, e))[head == e]
    return {"y": expander(h, w), "head": head[:, None]}


def masked(inputs, params):
    w = double(params)
    x = inputs["x"].astype("f8")
    h = sum(keep * head_of(x, w, e) for e, keep in enumerate(inputs["mask"]))
    return {"y": expander(h, w)}


def pruned(inputs, params):
    return masked({**inputs, "mask": [0, 1, 0, 1]}, params)


FUNCTIONS = {"routed": routed, "masked": masked, "pruned": pruned}


def properties(run, rng):
    # What is deployed is the whole model with two heads masked.
    x = rng.standard_normal((9, 16)).astype("f4")
    whole = run({"x": x, "mask": np.array([0, 1, 0, 1], "f4")}, function="masked")["y"]
    assert np.allclose(run({"x": x}, function="pruned")["y"], whole, atol=1e-5)
    # It does not read the heads that are gone.
    changed = {}
    for part in "qkvo":
        changed[part] = run.params[part].copy()
        changed[part][[0, 2]] = 100
    assert np.allclose(run({"x": x}, params=changed, function="pruned")["y"], whole, atol=1e-5)
