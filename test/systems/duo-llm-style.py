# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import itertools

import numpy as np

from mathematics import double, gelu, tokens


def cases(rng):
    for x in tokens(rng, (0, 1, 4, 33)):
        yield "given", {"x": x, "routes": rng.integers(0, 3, (len(x), 3))}
        yield "learned", {"x": x}


def layer(x, choice, i, w):
    y = x.copy()
    for t, c in enumerate(choice):
        if c < 2:
            kind = ("small", "big")[c]
            y[t] += gelu(x[t] @ w[f"layers.{i}.{kind}_up"][0]) @ w[f"layers.{i}.{kind}_down"][0]
    return y


def given(inputs, params):
    w = double(params)
    x = inputs["x"].astype("f8")
    for i in range(3):
        x = layer(x, inputs["routes"][:, i], i, w)
    return {"y": x}


def learned(inputs, params):
    w = double(params)
    x = inputs["x"].astype("f8")
    for i in range(3):
        x = layer(x, (x @ w[f"layers.{i}.router"]).argmax(1), i, w)
    return {"y": x}


FUNCTIONS = {"given": given, "learned": learned}


def properties(run, rng):
    # All 27 routes at once, as 27 copies of 4 tokens; the oracle's route is the one
    # with the least loss, which the learned router cannot beat.
    x, target = rng.standard_normal((2, 4, 16)).astype("f4")
    every = np.array(list(itertools.product(range(3), repeat=3)))
    inputs = {"x": np.tile(x, (27, 1)), "routes": np.repeat(every, 4, 0)}
    y = run(inputs, function="given")["y"]
    assert np.allclose(y, given(inputs, run.params)["y"], atol=1e-5)
    loss = ((y.reshape(27, 4, 16) - target) ** 2).mean(2)
    oracle = run({"x": x, "routes": every[loss.argmin(0)]}, function="given")["y"]
    assert np.allclose(((oracle - target) ** 2).mean(1), loss.min(0), atol=1e-5)
    by_router = run({"x": x}, function="learned")["y"]
    assert (loss.min(0) <= ((by_router - target) ** 2).mean(1) + 1e-6).all()
