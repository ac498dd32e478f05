# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import double, softmax, swiglu_linear, top_k


def cases(rng):
    for size in (0, 1, 7, 33):
        tokens = rng.integers(0, 13, size)
        yield {"tokens": tokens, "beta": np.float32(0.5)}
        yield "strong", {"tokens": tokens}
        yield "weak", {"tokens": tokens}


def model(tokens, w, ranks):
    h = w["embedding"][tokens]
    y = h.copy()
    for t in range(len(h)):
        s = h[t] @ w["router"]
        chosen = top_k(s, 2)[list(ranks)]
        for e, weight in zip(chosen, softmax(s[chosen])):
            y[t] += weight * swiglu_linear(h[t], w["gate"][e], w["up"][e], w["down"][e])
    return y @ w["head"]


def strong(inputs, params):
    return {"logits": model(inputs["tokens"], double(params), (0, 1))}


def weak(inputs, params):
    return {"logits": model(inputs["tokens"], double(params), (1,))}


def contrast(inputs, params):
    s, w = strong(inputs, params)["logits"], weak(inputs, params)["logits"]
    beta = float(inputs["beta"])
    best = s.max(1, keepdims=True, initial=-np.inf)
    z = np.where(s >= np.log(0.1) + best, (1 + beta) * s - beta * w, -np.inf)
    return {"z": z, "token": top_k(z, 1)}


FUNCTIONS = {"main": contrast, "strong": strong, "weak": weak}


def properties(run, rng):
    # Without contrast: the strong model on the kept set.
    tokens = rng.integers(0, 13, 20)
    z = run({"tokens": tokens, "beta": np.float32(0)})["z"]
    logits = run({"tokens": tokens}, function="strong")["logits"]
    kept = np.isfinite(z)
    assert np.allclose(z[kept], logits[kept], atol=1e-6) and kept.any(1).all()
    # Weights are stored once for all three functions.
    names = [p["name"] for p in run.stored_parameters()]
    assert len(names) == len(set(names)) <= len(run.params)
