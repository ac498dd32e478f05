# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import attend, double, norm, relu, silu, softmax, top_k


def make(rng, samples, coarse=None):
    inputs = {"x": rng.standard_normal((samples, 4, 16)), "text": rng.standard_normal((samples, 8)),
              "coarse": rng.random((samples, 3)) < 0.6 if coarse is None else coarse}
    return inputs | {f"v{e}": rng.standard_normal((samples, 5, width))
                     for e, width in enumerate((8, 12, 16))}


def cases(rng):
    for samples in (0, 1, 2, 9):
        yield make(rng, samples)
    yield make(rng, 2, np.zeros((2, 3), bool))


def reference(inputs, params):
    w = double(params)
    y = np.zeros(inputs["x"].shape)
    ids = np.full((len(y), 2), -1, "i4")
    for b in range(len(y)):
        x, coarse = inputs["x"][b].astype("f8"), inputs["coarse"][b]
        s = relu(np.concatenate([inputs["text"][b], x.mean(0)]) @ w["gate.w1"]) @ w["gate.w2"]
        p = softmax(np.where(coarse, s, s - 1e6))
        chosen = [e for e in top_k(p, 3) if coarse[e]][:2]
        ids[b, :len(chosen)] = chosen
        h = x.copy()
        for e in chosen:
            v = norm(inputs[f"v{e}"][b].astype("f8"))
            h += p[e] / p[chosen].sum() * attend(norm(x) @ w[f"q{e}"][0], v @ w[f"k{e}"][0],
                                                 v @ w[f"u{e}"][0], 0.25)
        n = norm(h)
        h = h + attend(*(n @ w[f"self.{part}"] for part in "qkv"), 0.25)
        n = norm(h)
        y[b] = h + (silu(n @ w["gate"]) * (n @ w["up"])) @ w["down"]
    return {"y": y, "ids": ids}


def properties(run, rng):
    # An encoder that the mask leaves out is not read: its features may be anything.
    inputs = make(rng, 6, np.tile([True, False, True], (6, 1)))
    y = run(inputs)["y"]
    inputs["v1"] = np.full_like(inputs["v1"], np.nan)
    assert (run(inputs)["y"] == y).all()
