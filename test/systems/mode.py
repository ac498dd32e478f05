# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import double, silu, softmax, swiglu, tokens, top_k

SHAPES = {"noise": (4, 8), "router.w1": (8, 12), "router.w2": (12, 4), "gate": (4, 16, 24),
          "up": (4, 16, 24), "down": (4, 24, 16)}


def route(level, w):
    p = softmax(silu(w["noise"][level] @ w["router.w1"]) @ w["router.w2"])
    ids = top_k(p, 2)
    return ids, p[ids] / p[ids].sum()


def parameter(name, shape, rng):
    # The tables of fused networks follow from the other parameters.
    source = np.random.default_rng(5)
    w = {key: source.normal(0, 1 if key == "noise" else 0.3, size).astype("f4")
         for key, size in SHAPES.items()}
    for part, axis in (("gate", 1), ("up", 1), ("down", 0)):
        w[f"fused.{part}"] = np.stack([
            np.concatenate([w[part][e] * (weight if part == "down" else 1)
                            for e, weight in zip(*route(level, w))], axis)
            for level in range(4)])
    return w[name]


def cases(rng):
    for x in tokens(rng):
        for level in range(4):
            for function in FUNCTIONS:
                yield function, {"x": x, "level": np.array([level], "i4")}


def reference(inputs, params):
    w = double(params)
    x = inputs["x"].astype("f8")
    ids, weights = route(inputs["level"][0], w)
    y = x + sum(weight * swiglu(x, w["gate"][e], w["up"][e], w["down"][e])
                for e, weight in zip(ids, weights))
    return {"y": y, "ids": ids[None]}


def fused(inputs, params):
    return {"y": reference(inputs, params)["y"]}


FUNCTIONS = {"main": reference, "fused": fused}


def properties(run, rng):
    # Neither router nor dispatch is left in the fused function.
    text = run.phase("moe")
    body = text[text.index("@fused("):]
    assert "moe.experts" in text and "moe." not in body.split("{\n", 1)[1].replace("ml_program", "")
