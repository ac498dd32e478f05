# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import double, gelu, softmax, tokens, top_k


def cases(rng):
    for x in tokens(rng, (0, 1, 13, 33)):
        yield "chunks", {"x": x}
        yield "memory", {"x": x}


def chunks(inputs, params):
    w = double(params)
    x = inputs["x"].astype("f8")
    y, ids = np.zeros(x.shape), np.zeros((len(x), 2), "i4")
    for t in range(len(x)):
        begin = t // 4 * 4
        p = softmax(x[begin:begin + 4].mean(0) @ w["router"])
        ids[t] = top_k(p, 2)
        for e in ids[t]:
            y[t] += p[e] / p[ids[t]].sum() * (gelu(x[t] @ w["up"][e]) @ w["down"][e])
    return {"y": y, "ids": ids}


def memory(inputs, params):
    w = double(params)
    query = inputs["x"] @ w["query"]
    sums = ((query[:, :6] @ w["left_keys"].T)[:, :, None]
            + (query[:, 6:] @ w["right_keys"].T)[:, None, :]).reshape(-1, 64)
    ids = top_k(sums, 4)  # of all 64, not of 4 by 4
    weights = softmax(np.take_along_axis(sums, ids, 1))
    return {"y": (weights[:, :, None] * w["values"][ids]).sum(1), "ids": ids}


FUNCTIONS = {"chunks": chunks, "memory": memory}


def properties(run, rng):
    # The tokens of a chunk share their experts, those of the short last one too.
    ids = run({"x": rng.standard_normal((13, 16)).astype("f4")}, function="chunks")["ids"]
    assert all((ids[begin:begin + 4] == ids[begin]).all() for begin in range(0, 13, 4))
