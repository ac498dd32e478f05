# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import double, gelu, softmax, tokens, top_k


def cases(rng):
    for x in tokens(rng, (0, 1, 7, 16, 33)):
        if len(x) != 1:  # all experts of a single token tie
            yield "main", {"x": x}
        yield "softmax", {"x": x}


def mixture(x, p, w):
    ids = top_k(p, 2)
    y = np.zeros(x.shape)
    for t in range(len(x)):
        for e in ids[t]:
            y[t] += p[t, e] / p[t, ids[t]].sum() * (gelu(x[t] @ w["up"][e]) @ w["down"][e])
    return {"y": y, "p": p, "ids": ids}


def reference(inputs, params):
    w = double(params)
    x = inputs["x"].astype("f8")
    plan = np.exp(x @ w["router"] / 0.5)
    for _ in range(30 if len(x) else 0):
        plan *= len(x) / 4 / plan.sum(0)
        plan /= plan.sum(1, keepdims=True)
    return mixture(x, plan, w)


def plain(inputs, params):
    w = double(params)
    x = inputs["x"].astype("f8")
    return mixture(x, softmax(x @ w["router"]), w)


FUNCTIONS = {"main": reference, "softmax": plain}


def properties(run, rng):
    # Tokens that all like the same expert: the plan still has even columns.
    x = rng.standard_normal((16, 16)).astype("f4")
    liked = run.params["router"][:, 0]
    x += 1.0 * (liked / np.linalg.norm(liked)).astype("f4")
    p = run({"x": x})["p"]
    assert np.abs(p.sum(1) - 1).max() < 1e-6
    assert np.abs(p.sum(0) - 4).max() < 1e-2
    usual = run({"x": x}, function="softmax")["p"]
    assert p.sum(0).std() < 0.1 * usual.sum(0).std()
