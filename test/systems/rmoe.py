# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import double, sigmoid, softmax, swiglu, tokens, top_k


def cases(rng):
    for x in tokens(rng, (0, 1, 6, 33)):
        yield {"x": x}


def gru(u, h, w):
    gates = sigmoid(u @ w["gru.w_gates"] + w["gru.b_gates"] + h @ w["gru.u_gates"] + w["gru.c_gates"])
    r, z = gates[..., :4], gates[..., 4:]
    n = np.tanh(u @ w["gru.w_new"] + w["gru.b_new"] + r * (h @ w["gru.u_new"] + w["gru.c_new"]))
    return (1 - z) * n + z * h


def reference(inputs, params, carried=True):
    w = double(params)
    x = inputs["x"].astype("f8")
    h = np.zeros((len(x), 4))
    out = {}
    for layer in range(3):
        h = gru(x @ w[f"{layer}.w1"], h if carried else np.zeros_like(h), w)
        p = softmax(h @ w[f"{layer}.w2"])
        ids = top_k(p, 2)
        y = x.copy()
        for t in range(len(x)):
            for e in ids[t]:
                y[t] += p[t, e] / p[t, ids[t]].sum() * swiglu(
                    x[t], *(w[f"{layer}.{part}"][e] for part in ("gate", "up", "down")))
        x = y
        out[f"ids_{layer}"] = ids
    return {"y": x, "state": h, **out}


def properties(run, rng):
    # Without the carried state, later layers route differently; the first does not.
    inputs = {"x": rng.standard_normal((64, 16)).astype("f4")}
    out, broken = run(inputs), reference(inputs, run.params, carried=False)
    assert (out["ids_0"] == broken["ids_0"]).all()
    assert (out["ids_1"] != broken["ids_1"]).any() and (out["ids_2"] != broken["ids_2"]).any()
