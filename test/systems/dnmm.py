# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import double, softmax

SIDE = np.linspace(-7, 7, 141)
GRID = np.stack(np.meshgrid(SIDE, SIDE), -1).reshape(-1, 2)
CELL = (SIDE[1] - SIDE[0]) ** 2


def unnormalised(x, centre, up, down):
    return np.exp(np.tanh(np.tanh(x @ up) @ down)[..., 0] - ((x - centre) ** 2).sum(-1))


drawn = {}


def parameter(name, shape, rng):
    if name != "integral":
        drawn[name] = (rng.standard_normal(shape) * (0.3 if name in ("c", "down") else 1)
                       ).astype("f4").astype("f8")
        return drawn[name]
    return [unnormalised(GRID, *(drawn[n][e] for n in ("centre", "up", "down"))).sum() * CELL
            for e in range(3)]


def cases(rng):
    for size in (0, 1, 7, 33):
        yield {"x": rng.standard_normal((size, 2))}


def reference(inputs, params):
    w = double(params)
    c = softmax(w["c"])
    y = sum(c[e] * unnormalised(inputs["x"], w["centre"][e], w["up"][e], w["down"][e])
            / w["integral"][e] for e in range(3))
    return {"y": y[:, None]}


def properties(run, rng):
    # A density: its integral over the plane is 1.
    assert abs(run({"x": GRID})["y"].sum(dtype="f8") * CELL - 1) < 1e-4
