# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import double, norm, relu, softmax, tokens, top_k


def parameter(name, shape, rng):
    return {"alpha": [0.5, 20], "bound": [0.3]}.get(name)


def cases(rng):
    for x in tokens(rng, (0, 1, 8, 33)):
        yield {"x": x, "sample": (np.arange(len(x)) * 2 // max(len(x), 1)).astype("i4"),
               "instruction": rng.standard_normal((2, 8)).astype("f4")}


def forward(x, common, w):
    chosen = {}

    def linear(x, name):
        y = x @ w[f"{name}.w"]
        gate = norm(w[f"{name}.gate"])
        chosen[f"{name}_ids"] = np.zeros((len(x), 2), "i4")
        for t in range(len(x)):
            s = common[t] + gate @ norm(x[t]) / np.sqrt(x.shape[1])
            ids = top_k(s, 2)
            for e, weight in zip(ids, softmax(s[ids])):
                y[t] += weight * (x[t] @ w[f"{name}.a"][e] @ w[f"{name}.b"][e])
            chosen[f"{name}_ids"][t] = ids
        return y

    return {"y": linear(relu(linear(x, "up")), "down"), **chosen}


def reference(inputs, params):
    w = double(params)
    tasks = w["tasks"]
    common = np.zeros((len(inputs["instruction"]), 4))
    for b, v in enumerate(inputs["instruction"].astype("f8")):
        cosine = tasks @ v / np.sqrt((v @ v) * (tasks * tasks).sum(1))
        common[b] = cosine * w["alpha"][int(cosine.max() > w["bound"][0])]
    return forward(inputs["x"].astype("f8"), common[inputs["sample"]], w)


def properties(run, rng):
    x = rng.standard_normal((8, 16)).astype("f4")
    inputs = {"x": x, "sample": np.repeat(np.arange(2, dtype="i4"), 4),
              "instruction": rng.standard_normal((2, 8)).astype("f4")}
    # Without the global score: local routing alone.
    local = forward(x.astype("f8"), np.zeros((8, 4)), double(run.params))
    assert np.allclose(run(inputs, params={"alpha": [0, 0]})["y"], local["y"], atol=1e-5)
    # With it alone, all tokens of a sample go the same way.
    out = run(inputs, params={"alpha": [1e5, 1e5]})
    for name in ("up_ids", "down_ids"):
        ids = out[name].reshape(2, 4, 2)
        assert (ids == ids[:, :1]).all()
