# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import attend, double, gelu, softmax, tokens, top_k


def cases(rng):
    for size in (0, 1, 5):
        for k in (1, 2, 4):
            yield "expert_selection", {"x": rng.standard_normal((size, 4, 16)).astype("f4"),
                                       "k": np.array([k], "i4")}
    for x in tokens(rng):
        for capacity in (len(x) // 2, len(x)):
            inputs = {"x": x, "capacity": np.array([capacity], "i4")}
            yield "data_selection", inputs
            yield "attention", inputs


def part(x, w, i):
    return gelu(x @ w["up"][:, 8 * i:8 * i + 8]) @ w["down"][8 * i:8 * i + 8]


def expert_selection(inputs, params):
    w = double(params)
    x, k = inputs["x"].astype("f8"), inputs["k"][0]
    y, ids = np.zeros(x.shape), np.full((len(x), 4), -1, "i4")
    for b in range(len(x)):
        ids[b, :k] = top_k(softmax(x[b].ravel() @ w["sample_router"]), k)
        for i in ids[b, :k]:
            y[b] += part(x[b], w, i)
    return {"y": y, "ids": ids}


def best(p, capacity):
    """The tokens that an expert takes, in position order."""
    return np.sort([t for t in top_k(p, capacity) if p[t] >= 0]).astype(int)


def data_selection(inputs, params):
    w = double(params)
    x = inputs["x"].astype("f8")
    p = softmax(x @ w["token_router"])
    wanted = np.zeros(p.shape, bool)
    np.put_along_axis(wanted, top_k(p, 2), True, 1)
    y, taken = np.zeros(x.shape), np.zeros(p.shape, bool)
    for i in range(4):
        rows = best(np.where(wanted[:, i], p[:, i], -1), inputs["capacity"][0])
        taken[rows, i] = True
        y[rows] += part(x[rows], w, i)
    return {"y": y, "taken": taken}


def attention(inputs, params):
    w = double(params)
    x = inputs["x"].astype("f8")
    p = softmax(x @ w["head_router"])
    y, taken = np.zeros(x.shape), np.zeros(p.shape, bool)
    for h in range(4):
        rows = best(p[:, h], inputs["capacity"][0])
        taken[rows, h] = True
        q, k, v = (x[rows] @ w[part][h] for part in "qkv")
        y[rows] += attend(q, k, v, 0.5) @ w["o"][h]
    return {"y": y, "taken": taken}


FUNCTIONS = {"expert_selection": expert_selection, "data_selection": data_selection,
             "attention": attention}


def properties(run, rng):
    w = double(run.params)
    # All partitions are the network that was cut.
    x = rng.standard_normal((3, 4, 16)).astype("f4")
    y = run({"x": x, "k": np.array([4], "i4")}, function="expert_selection")["y"]
    assert np.allclose(y, gelu(x @ w["up"]) @ w["down"], atol=1e-5)
    # Heads that take all tokens are multi-head attention.
    x = rng.standard_normal((9, 16)).astype("f4")
    y = run({"x": x, "capacity": np.array([9], "i4")}, function="attention")["y"]
    whole = sum(attend(x @ w["q"][h], x @ w["k"][h], x @ w["v"][h], 0.5) @ w["o"][h]
                for h in range(4))
    assert np.allclose(y, whole, atol=1e-5)
