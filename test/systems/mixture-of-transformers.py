# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import attend, causal, double, gelu, norm, tokens


def parameter(name, shape, rng):
    return 1 + 0.2 * rng.standard_normal(shape) if name.startswith("norm") else None


def cases(rng):
    for x in tokens(rng, (0, 1, 10, 33)):
        yield {"x": x, "modality": rng.integers(0, 3, len(x))}


def reference(inputs, params):
    w = double(params)
    x, m = inputs["x"].astype("f8"), inputs["modality"]

    def each(x, *names):
        """Rows of x times the matrices of their own modality."""
        return np.stack([row @ w[names[0]][e] for row, e in zip(x, m)]) if len(x) else np.zeros(
            (0, w[names[0]].shape[2]))

    qkv = each(norm(x, w["norm_in"][m]), "qkv")
    q, k, v = qkv[:, :16], qkv[:, 16:32], qkv[:, 32:]
    a = attend(q, k, v, 0.25, causal(np.arange(len(x))))
    h = x + norm(each(a, "o"), w["norm_attention"][m])
    return {"y": h + norm(each(gelu(each(h, "up")), "down"), w["norm_ffn"][m])}


def properties(run, rng):
    # Equal weights of all modalities: a dense block, whatever the types are.
    x = rng.standard_normal((10, 16)).astype("f4")
    tied = {name: np.broadcast_to(value[:1], value.shape) for name, value in run.params.items()}
    y = [run({"x": x, "modality": m}, params=tied)["y"]
         for m in (np.zeros(10, int), np.arange(10) % 3)]
    assert np.allclose(y[0], y[1], atol=1e-6)
    # Tokens are sorted by modality once for all banks of the block.
    assert run.phase("grouped").count("grouped.sort") == 1
