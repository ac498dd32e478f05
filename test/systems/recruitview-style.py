# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import double, softmax, tokens


def cases(rng):
    for x in tokens(rng, width=8):
        # As far as the ball's edge can be told from one in f32.
        x *= 0.5
        yield "main", {"x": x}
        yield "round_trip", {"x": x}


def length(x):
    return np.sqrt((x * x).sum(-1, keepdims=True) + 1e-12)


def reference(inputs, params):
    w = double(params)
    x = inputs["x"].astype("f8")
    linear = lambda x, name: x @ w[f"{name}.w"] + w[f"{name}.b"]
    n = length(x)
    u = linear(np.tanh(n) * x / n, "hyperbolic")
    u = u * np.minimum((1 - 1e-3) / length(u), 1)
    hyperbolic = np.arctanh(length(u)) * u / length(u)
    u = linear(np.concatenate([np.sin(n) * x / n, np.cos(n)], 1), "spherical")
    u = u / length(u)
    flat = u[:, :8]
    spherical = np.arccos(u[:, 8:]) * flat / length(flat)
    mix = softmax(x @ w["router"])
    parts = [hyperbolic, spherical, linear(x, "euclidean")]
    return {"y": sum(mix[:, e:e + 1] * part for e, part in enumerate(parts)) @ w["head"], "w": mix}


def there_and_back(inputs, params):
    # log(exp(v)) = v within the sphere's injectivity radius.
    return {"ball": inputs["x"], "sphere": inputs["x"]}


FUNCTIONS = {"main": reference, "round_trip": there_and_back}
