# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import double, gelu


def cases(rng):
    for size in (0, 1, 7, 33):
        tokens = rng.integers(0, 11, size)
        yield {"tokens": tokens}
        yield "first", {"tokens": tokens}


def model(tokens, w, name, layers):
    h = w["embedding"][tokens]
    for i in range(layers):
        h = h + gelu(h @ w[f"{name}.{i}.up"]) @ w[f"{name}.{i}.down"]
    return h @ w[f"{name}.head"]


def both(inputs, params):
    w = double(params)
    return {"logits": (model(inputs["tokens"], w, "first", 1)
                       + model(inputs["tokens"], w, "second", 2)) / 2}


def first(inputs, params):
    return {"logits": model(inputs["tokens"], double(params), "first", 1)}


FUNCTIONS = {"main": both, "first": first}


def properties(run, rng):
    # The table of embeddings is stored once, whoever reads it.
    stored = [p for p in run.stored_parameters() if p["name"].startswith("embedding")]
    assert len(stored) == 1, stored
    # Two equal models are their own mean.
    tokens = rng.integers(0, 11, 9)
    zero = {"second.0.up": run.params["first.0.up"], "second.0.down": run.params["first.0.down"],
            "second.1.down": np.zeros_like(run.params["second.1.down"]),
            "second.head": run.params["first.head"]}
    alone = run({"tokens": tokens}, function="first")["logits"]
    assert np.allclose(run({"tokens": tokens}, params=zero)["logits"], alone, atol=1e-5)
