# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import re

import numpy as np

from mathematics import double, silu, softmax, tokens, top_k


def cases(rng):
    for x in tokens(rng):
        yield {"x": x}


def expert(x, w, e):
    def low_rank(name, v):
        return v @ w[f"base_{name}"] + 2.0 * (v @ w[f"{name}_a"][e] @ w[f"{name}_b"][e])
    return low_rank("down", silu(low_rank("gate", x)) * low_rank("up", x))


def reference(inputs, params):
    w = double(params)
    y = np.zeros(inputs["x"].shape)
    for t, x in enumerate(inputs["x"]):
        p = softmax(x @ w["router"])
        chosen = top_k(p, 2)
        for e in chosen:
            y[t] += p[e] / p[chosen].sum() * expert(x, w, e)
    return {"y": y}


def properties(run, rng):
    # Without low-rank parts all experts are the base: routing does not matter.
    x = rng.standard_normal((8, 16)).astype("f4")
    zero = {name: np.zeros_like(run.params[name]) for name in ("gate_b", "up_b", "down_b")}
    y = run({"x": x}, params=zero)["y"]
    w = double(run.params)
    base = (silu(x @ w["base_gate"]) * (x @ w["base_up"])) @ w["base_down"]
    assert np.allclose(y, base, atol=1e-5)
    # The base projections of gate and up read tokens, not the rows of experts.
    lhs = {base: source for source, base in re.findall(
        r"grouped\.matmul lhs\(%(\w+) :[^\n]*? rhs\(%(base_\w+)", run.phase("grouped"))}
    assert lhs["base_gate"] == lhs["base_up"] == "arg0" != lhs["base_down"], lhs
