# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import double, softmax, swiglu, tokens, top_k


def cases(rng):
    for x in tokens(rng):
        for function in FUNCTIONS:
            yield function, {"x": x}


def chain(inner, outer, passes=2):
    def reference(inputs, params):
        w = double(params)
        x = y = inputs["x"].astype("f8")
        for step in range(passes):
            z = swiglu(y, w["shared.gate"], w["shared.up"], w["shared.down"])
            for t in range(len(x)):
                p = softmax(y[t] @ w[f"router{step}"])
                for e in top_k(p, 2):
                    z[t] += p[e] * swiglu(y[t], w["gate"][e], w["up"][e], w["down"][e])
            y = y + z if inner else z
        return {"y": x + y if outer else y}
    return reference


FUNCTIONS = {"inner_outer": chain(True, True), "inner": chain(True, False),
             "outer": chain(False, True), "none": chain(False, False),
             "once": chain(True, False, 1)}


def properties(run, rng):
    # All functions and passes read one bank: 4 experts, a shared one, two routers.
    stored = sum(p["size"] for p in run.stored_parameters())
    bank = (4 + 1) * 3 * 16 * 24 * 4
    assert bank <= stored < 1.5 * bank, stored
