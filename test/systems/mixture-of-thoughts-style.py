# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import attend, double, relu, softmax, tokens, top_k


def make(rng, x):
    return {"query": rng.standard_normal((1, 8)).astype("f4"), "x": x}


def cases(rng):
    for x in tokens(rng, (0, 1, 3, 7, 33), width=8):
        yield make(rng, x)


def reference(inputs, params):
    w = double(params)
    r = softmax(relu(inputs["query"] @ w["router.w1"]) @ w["router.w2"])
    ids = top_k(r, 2)
    primary = ids[0, 0]
    selected = sorted(ids[0])
    h = {m: inputs["x"] @ w[f"{m}.embed"] for m in selected}
    for stage in range(2):
        for m in selected:
            h[m] = h[m] + relu(h[m] @ w[f"{m}.{stage}.w"])
        z = {m: h[m] @ w[f"{m}.{stage}.project"] for m in selected}
        keys = np.concatenate([z[m] for m in selected])
        h[primary] = h[primary] + attend(z[primary], keys, keys, 8 ** -0.5) @ w[
            f"{primary}.{stage}.back"]
    return {"y": h[primary] @ w[f"{primary}.head"], "ids": ids}


def properties(run, rng):
    # The model that was not selected did not run.
    inputs = make(rng, rng.standard_normal((5, 8)).astype("f4"))
    selected = set(run(inputs)["ids"][0])
    taps = run.taps(inputs)
    assert set(taps) == {f"model{m}.stage{s}" for m in selected for s in range(2)}, set(taps)
