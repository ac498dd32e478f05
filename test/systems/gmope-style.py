# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import double, relu, softmax


def graphs(rng, sizes):
    count = sum(sizes)
    adjacency, begin = np.zeros((count, count)), 0
    for size in sizes:
        edges = rng.random((size, size)) < 0.5
        block = (edges | edges.T | np.eye(size, dtype=bool)).astype("f8")
        scale = 1 / np.sqrt(block.sum(1))
        adjacency[begin:begin + size, begin:begin + size] = scale[:, None] * block * scale
        begin += size
    return {"x": rng.standard_normal((count, 16)).astype("f4"),
            "adjacency": adjacency.astype("f4"),
            "graph": np.repeat(np.arange(len(sizes)), sizes).astype("i4"),
            "sizes": np.array(sizes, "f4")}


def cases(rng):
    for sizes in ((), (1,), (5, 4), (7, 1, 12, 3)):
        yield graphs(rng, sizes)


def reference(inputs, params):
    w = double(params)
    x, a, graph = inputs["x"].astype("f8"), inputs["adjacency"].astype("f8"), inputs["graph"]
    weights = np.array([softmax(x[graph == i].mean(0) @ w["router"])
                        for i in range(len(inputs["sizes"]))]).reshape(-1, 3)
    y = np.zeros(x.shape)
    for e in range(3):
        h = a @ relu(a @ (x + w["prompts"][e]) @ w["layer1"]) @ w["layer2"]
        y += weights[graph, e][:, None] * h
    return {"y": y, "w": weights}


def properties(run, rng):
    # Graphs of a batch do not see each other.
    inputs = graphs(rng, (5, 4))
    y = run(inputs)["y"]
    first = {"x": inputs["x"][:5], "adjacency": inputs["adjacency"][:5, :5],
             "graph": inputs["graph"][:5], "sizes": inputs["sizes"][:1]}
    assert np.allclose(run(first)["y"], y[:5], atol=1e-5)
    # The body is shared: three products with weights (router, two layers), not one
    # for each expert.
    assert run.example.text.count("linalg.matmul") == 1 + 1 + 2 * 2
