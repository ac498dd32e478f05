# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import re

import numpy as np

import runs
from mathematics import double, softmax, swiglu, tokens, top_k


def cases(rng):
    for x in tokens(rng):
        yield {"x": x, "enabled": np.ones(5, bool)}
        yield {"x": x, "enabled": np.array([True, False, True, True, False])}
        yield {"x": x, "enabled": np.array([True, False, False, False, False])}


def reference(inputs, params):
    w = double(params)
    x, there = inputs["x"].astype("f8"), np.flatnonzero(inputs["enabled"])
    bias = np.where(np.arange(5) > 0, np.minimum(w["bias"], 0), 0)
    y, ids = np.zeros(x.shape), np.full((len(x), 2), -1, "i4")
    for t in range(len(x)):
        p = softmax((w["router"] @ x[t] + bias)[there])
        for slot, i in enumerate(top_k(p, 2)):
            e = ids[t, slot] = there[i]
            y[t] += p[i] * swiglu(x[t], w["gate"][e], w["up"][e], w["down"][e])
    return {"y": y, "ids": ids}


class Smaller:
    """The example without its last expert."""

    def __init__(self, example):
        self.example = example
        # Nothing but the number of experts is 5.
        self.text = re.sub(r'(?<=[<x" ])5(?=[x>", ])', "4", example.text)

    def with_file(self, file):
        example, whole = self.example, self.example.text
        example.text = self.text
        try:
            return example.with_file(file)
        finally:
            example.text = whole

    def __getattr__(self, name):
        return getattr(self.example, name)


def properties(run, rng):
    x = rng.standard_normal((20, 16)).astype("f4")
    mark = np.float32(0.123456789)
    params = dict(run.params)
    for name in ("gate", "up", "down"):
        params[name] = params[name].copy()
        params[name][4] = mark
    # Masked for a request, or removed for good: the same bits.
    masked = run({"x": x, "enabled": np.arange(5) != 4}, params=params)
    folder = run.programs.work / "removed"
    smaller = runs.Compiled(Smaller(run.example), {
        name: value[:4] for name, value in params.items()}, folder)
    removed = smaller.run("main", {"x": x, "enabled": np.ones(4, bool)})
    assert (masked["y"] == removed["y"]).all() and (masked["ids"] == removed["ids"]).all()
    # The removed expert's weights are nowhere in the artifact.
    whole = runs.Compiled(run.example, params, run.programs.work / "whole")
    assert whole.artifact.read_bytes().count(mark.tobytes()) >= 3 * 16 * 24
    assert mark.tobytes() not in smaller.artifact.read_bytes()
