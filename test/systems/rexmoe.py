# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import double, softmax, swiglu, tokens, top_k

ALL = np.ones((4, 8), bool)
LOCAL = np.repeat(np.arange(4)[:, None] % 2, 8, 1) == np.arange(8) // 4


def cases(rng):
    for x in tokens(rng):
        for allowed in (ALL, LOCAL, rng.random((4, 8)) < 0.7):
            yield {"x": x, "allowed": allowed}


def forward(x, allowed, w, pool_of, experts_of):
    """Layers in turn; `experts_of(layer)` are the experts that its router counts."""
    ids = {}
    for layer in range(4):
        bank = f"pool{pool_of(layer)}."
        y, chosen_of = x.copy(), np.full((len(x), 2), -1, "i4")
        for t in range(len(x)):
            experts = [e for e in experts_of(layer) if allowed[layer, e]]
            p = softmax((x[t] @ w[f"{layer}.router"])[experts])
            chosen = top_k(p, 2)
            for i, e in enumerate(chosen):
                chosen_of[t, i] = experts[e]
                y[t] += p[e] / p[chosen].sum() * swiglu(
                    x[t], *(w[bank + part][experts[e]] for part in ("gate", "up", "down")))
        x, ids[f"ids_{layer}"] = y, chosen_of
    return {"y": x, **ids}


def reference(inputs, params):
    return forward(inputs["x"].astype("f8"), inputs["allowed"], double(params),
                   lambda layer: layer // 2, lambda layer: range(8))


def properties(run, rng):
    # With a mask to the layer's own experts: a plain model of 4 experts a layer.
    x = rng.standard_normal((9, 16)).astype("f4")
    plain = forward(x.astype("f8"), ALL, double(run.params), lambda layer: layer // 2,
                    lambda layer: range(layer % 2 * 4, layer % 2 * 4 + 4))
    out = run({"x": x, "allowed": LOCAL})
    assert np.allclose(out["y"], plain["y"], atol=1e-5)
    # Each bank is stored once: as many bytes as 4 layers of 4 experts.
    stored = sum(p["size"] for p in run.stored_parameters())
    banks, routers = 4 * 4 * 3 * 16 * 32 * 4, 4 * 16 * 8 * 4
    assert banks <= stored < banks + 4 * routers, stored
