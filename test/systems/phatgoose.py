# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import double, norm, relu, softmax, tokens, top_k


def cases(rng):
    for x in tokens(rng):
        yield {"x": x}


def reference(inputs, params):
    w = double(params)
    scores = {}

    def linear(x, name):
        y = x @ w[f"{name}.w"]
        s = scores[f"{name}_s"] = norm(x) @ norm(w[f"{name}.gate"]).T / np.sqrt(x.shape[1])
        for t in range(len(x)):
            ids = top_k(s[t], 2)
            for e, weight in zip(ids, softmax(s[t, ids])):
                y[t] += weight * (x[t] @ w[f"{name}.a"][e] @ w[f"{name}.b"][e])
        return y

    return {"y": linear(relu(linear(inputs["x"].astype("f8"), "up")), "down"), **scores}


def properties(run, rng):
    # Another adapter in the last place does not alter the scores of the others.
    x = rng.standard_normal((9, 16)).astype("f4")
    gate = run.params["up.gate"].copy()
    gate[7] = rng.standard_normal(16)
    one, other = run({"x": x})["up_s"], run({"x": x}, params={"up.gate": gate})["up_s"]
    assert (one[:, :7] == other[:, :7]).all() and (one[:, 7] != other[:, 7]).all()
