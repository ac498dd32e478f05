# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import double, gelu, tokens


def make(rng, x):
    return {"prompt": x, "noise": rng.standard_normal((5, 16))}


def cases(rng):
    for x in tokens(rng):
        yield make(rng, x)


def reference(inputs, params):
    w = double(params)
    def model(noise):
        return gelu((inputs["prompt"] + noise) @ w["model.up"]) @ w["model.down"]
    def aggregate(*parts):
        h = np.concatenate([inputs["prompt"], *parts], 1)
        return gelu(h @ w["aggregator.up"]) @ w["aggregator.down"]
    o = [model(noise) for noise in inputs["noise"]]
    return {"y": aggregate(aggregate(o[0], o[1], o[2]), o[3], o[4])}


def properties(run, rng):
    # n proposals and ceil((n - 1) / (window - 1)) calls of the aggregator.
    taps = run.taps(make(rng, rng.standard_normal((3, 16)).astype("f4")))
    assert sorted(taps) == [f"answer.{i}" for i in range(5)] + ["synthesis.0", "synthesis.1"]
