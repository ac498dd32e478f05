# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import double, softmax, swiglu_linear, tokens, top_k


def cases(rng):
    for x in tokens(rng):
        yield {"x": x, **{name: rng.standard_normal(x.shape) for name in ("scale", "shift", "gate")}}


def reference(inputs, params):
    w = double(params)
    h = inputs["x"] * (1 + inputs["scale"]) + inputs["shift"]
    y = np.zeros(h.shape)
    p = softmax(h @ w["router"])
    ids = top_k(p, 2)
    for t in range(len(h)):
        for e in ids[t]:
            y[t] += p[t, e] * swiglu_linear(h[t], w["gate_proj"][e], w["up_proj"][e], w["down_proj"][e])
    y += swiglu_linear(h, w["shared_gate"], w["shared_up"], w["shared_down"])
    return {"y": inputs["x"] + inputs["gate"] * y, "ids": ids}


def properties(run, rng):
    # Routing by noise level: how often each expert is chosen at four of them.
    x, towards = rng.standard_normal((16, 16)), rng.standard_normal((16, 16))
    histograms = []
    for level in (0.0, 0.3, 1.0, 3.0):
        inputs = {"x": x, "scale": np.full((16, 16), -level / 3), "shift": level * towards,
                  "gate": np.ones((16, 16))}
        inputs = {name: value.astype("f4") for name, value in inputs.items()}
        expected = reference(inputs, run.params)["ids"]
        histograms.append(np.bincount(run(inputs)["ids"].ravel(), minlength=4))
        assert (histograms[-1] == np.bincount(expected.ravel(), minlength=4)).all()
        assert histograms[-1].sum() == 32
    assert len({tuple(histogram) for histogram in histograms}) > 1
    # With scale -1 and a shift, all tokens choose alike.
    x = rng.standard_normal((16, 16))
    zero, shift = np.zeros((16, 16)), np.tile(rng.standard_normal(16), (16, 1))
    out = run({"x": x, "scale": zero - 1, "shift": shift, "gate": zero})
    assert (out["ids"] == out["ids"][0]).all()
    assert np.allclose(out["y"], x, atol=1e-6), "a gate of 0 leaves the residual"
