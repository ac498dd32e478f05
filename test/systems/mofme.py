# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import double, gelu, norm, softmax, tokens, top_k


def cases(rng):
    for x in tokens(rng):
        yield {"x": x}


def reference(inputs, params):
    w = double(params)
    x = inputs["x"].astype("f8")
    n = norm(x, w["norm.gain"], w["norm.bias"])
    h = gelu(n @ w["a"]) * (n @ w["b"])
    z = np.zeros(h.shape)
    for t in range(len(x)):
        s = x[t] @ w["router"]
        chosen = top_k(s, 2)
        for e, weight in zip(chosen, softmax(s[chosen])):
            z[t] += weight * ((h[t] @ w["scale"][e]) * h[t] + h[t] @ w["shift"][e])
    return {"y": x + gelu(z @ w["w1"]) @ w["w2"]}


def properties(run, rng):
    # Parameters of the routed part against experts that are whole blocks.
    sizes = {name: value.size for name, value in run.params.items()}
    block = sum(sizes[name] for name in ("a", "b", "w1", "w2"))
    modulation = (sizes["scale"] + sizes["shift"]) / 4
    print(f"mofme: an expert has {modulation:.0f} parameters, a whole block {block}")
    assert modulation < block
