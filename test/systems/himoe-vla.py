# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import double, softmax, swiglu_linear, top_k


def make(rng, samples, tokens):
    return {"x": rng.standard_normal((samples * tokens, 16)).astype("f4"),
            "sample": np.repeat(np.arange(samples), tokens),
            "mask": (rng.random((samples, 24)) < 0.5).astype("f4")}


def cases(rng):
    for samples, tokens in ((0, 0), (1, 1), (2, 4), (5, 7)):
        inputs = make(rng, samples, tokens)
        yield "action_space", inputs
        yield "balanced", {"x": inputs["x"]}


def bank(w, name, e):
    return (w[f"{name}.{part}"][e] for part in ("gate", "up", "down"))


def action_space(inputs, params):
    w = double(params)
    y = np.zeros(inputs["x"].shape)
    for t, x in enumerate(inputs["x"]):
        p = softmax(inputs["mask"][inputs["sample"][t]] @ w["action.router"])
        e = p.argmax()
        y[t] = p[e] * swiglu_linear(x, *bank(w, "action", e))
    return {"y": y}


def balanced(inputs, params):
    w = double(params)
    y = np.zeros(inputs["x"].shape)
    for t, x in enumerate(inputs["x"]):
        p = softmax(x @ w["balanced.router"])
        chosen = top_k(p, 4)
        for e in chosen:
            y[t] += p[e] / p[chosen].sum() * swiglu_linear(x, *bank(w, "balanced", e))
        y[t] += swiglu_linear(x, w["shared.gate"], w["shared.up"], w["shared.down"])
    return {"y": y}


FUNCTIONS = {"action_space": action_space, "balanced": balanced}


def properties(run, rng):
    # The decision is the sample's: permuted tokens of a sample give permuted results.
    inputs = make(rng, 2, 4)
    order = np.concatenate([rng.permutation(4), 4 + rng.permutation(4)])
    y = run(inputs, function="action_space")["y"]
    permuted = run({**inputs, "x": inputs["x"][order]}, function="action_space")["y"]
    assert np.allclose(permuted, y[order], atol=1e-6)
