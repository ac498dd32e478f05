# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import double, gelu, softmax, tokens, top_k


def cases(rng):
    for x in tokens(rng, (0, 1, 8, 33)):
        yield "similarity", {"x": x}
        yield "attention", {"x": x}


def causal_softmax(s):
    return softmax(np.where(np.tri(len(s), dtype=bool), s, -np.inf))


def mixture(x, m, w):
    p = m @ softmax(x @ w["router"])
    y = x.copy()
    for t in range(len(x)):
        chosen = top_k(p[t], 2)
        for e in chosen:
            y[t] += p[t, e] / p[t, chosen].sum() * (gelu(x[t] @ w["up"][e]) @ w["down"][e])
    return {"y": y, "p": p}


def similarity(inputs, params):
    w = double(params)
    x = inputs["x"].astype("f8")
    return mixture(x, causal_softmax(x @ w["metric"] @ x.T), w)


def attention(inputs, params):
    w = double(params)
    x = inputs["x"].astype("f8")
    h, maps = x.copy(), []
    for head in "01":
        q, k, v = (x @ w[f"{head}.{part}"] for part in "qkv")
        maps.append(causal_softmax(q @ k.T))
        h += maps[-1] @ v @ w[f"{head}.o"]
    return mixture(h, sum(maps) / 2, w)


FUNCTIONS = {"similarity": similarity, "attention": attention}


def entropy(p):
    return -(p * np.log(p)).sum(-1)


def properties(run, rng):
    w = double(run.params)
    # Tokens that only resemble themselves: the plain mixture of experts.
    x = np.eye(8, 16, dtype="f4")
    alone = {"metric": 1000 * np.eye(16)}
    out = run({"x": x}, params=alone, function="similarity")
    plain = mixture(x.astype("f8"), np.eye(8), w)
    assert np.allclose(out["y"], plain["y"], atol=1e-5)
    # Later tokens do not reach back.
    x = rng.standard_normal((8, 16)).astype("f4")
    for function in FUNCTIONS:
        whole = run({"x": x}, function=function)
        cut = run({"x": x[:5]}, function=function)
        assert np.allclose(whole["y"][:5], cut["y"], atol=1e-6)
    # The entropy of P' lies between the mean of those mixed and that plus M's own.
    m = causal_softmax(x.astype("f8") @ w["metric"] @ x.T)
    own = m @ entropy(softmax(x @ w["router"]))
    mixed = entropy(run({"x": x}, function="similarity")["p"].astype("f8"))
    of_m = -(m * np.log(np.where(m > 0, m, 1))).sum(1)
    assert (mixed >= own - 1e-5).all() and (mixed <= own + of_m + 1e-5).all()
