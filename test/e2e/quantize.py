"""quantize.py make DIR | check DIR FORMAT MOST

`make` writes a layer of random weights and its tokens; `check` compares the
outputs of the quantised layer with those of the float layer, relative to the
largest of them.
"""

import json
import sys

import numpy as np

verb, directory, *rest = sys.argv[1:]
if verb == "make":
    layer = {
        "name": "block",
        "hidden_size": 64,
        "experts": 8,
        "intermediate_size": 96,
        "dtype": "bf16",
        "activation": "silu",
        "router": {"score": "softmax", "top_k": 2, "normalize": "sum"},
        "weights": {"random": {"seed": 1, "std": 0.1}},
    }
    with open(f"{directory}/layer.json", "w") as file:
        json.dump({"definitions": [layer], "layers": [{"like": "block"}]}, file)
    tokens = np.random.default_rng(1).standard_normal((40, 64), dtype=np.float32)
    np.save(f"{directory}/x.npy", tokens)
else:
    exact = np.load(f"{directory}/float.npy")
    error = np.abs(np.load(f"{directory}/{rest[0]}.npy") - exact).max() / np.abs(exact).max()
    assert 0 < error < float(rest[1]), error
