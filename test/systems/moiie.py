# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import double, gelu, softmax, tokens, top_k

ALLOWED = {0: [0, 1, 4, 5], 1: [2, 3, 4, 5]}


def cases(rng):
    for x in tokens(rng, (0, 1, 10, 33)):
        yield {"x": x, "modality": rng.integers(0, 2, len(x))}


def reference(inputs, params):
    w = double(params)
    y = np.zeros(inputs["x"].shape)
    ids = np.zeros((len(y), 2), "i4")
    for t, (x, m) in enumerate(zip(inputs["x"], inputs["modality"])):
        own = ALLOWED[m]
        p = np.zeros(6)
        p[own] = softmax((x @ w["vision_router" if m else "text_router"])[own])
        ids[t] = top_k(p, 2)
        for e in ids[t]:
            y[t] += p[e] / p[ids[t]].sum() * (gelu(x @ w["up"][e]) @ w["down"][e])
    return {"y": y, "ids": ids}


def properties(run, rng):
    # No text reaches a vision expert nor the other way; both reach the pool.
    x, modality = rng.standard_normal((200, 16)), rng.integers(0, 2, 200)
    ids = run({"x": x, "modality": modality})["ids"]
    assert not np.isin(ids[modality == 0], (2, 3)).any()
    assert not np.isin(ids[modality == 1], (0, 1)).any()
    assert all(np.isin(ids[modality == m], (4, 5)).any() for m in (0, 1))
