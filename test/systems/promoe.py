# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import double, sigmoid, softmax, swiglu, tokens, top_k


def cases(rng):
    for x in tokens(rng, (0, 1, 8, 33)):
        for function in FUNCTIONS:
            # Of two samples, the second one without a label.
            yield function, {"x": x, "unconditional": np.arange(len(x)) >= len(x) / 2}
    yield "identity", {"x": np.zeros((4, 16)), "unconditional": np.arange(4) >= 2}


def with_activation(activation):
    def reference(inputs, params):
        w = double(params)
        x = inputs["x"].astype("f8")
        y = swiglu(x, w["shared.gate"], w["shared.up"], w["shared.down"])
        ids = np.full((len(x), 2), -1, "i4")
        for t in range(len(x)):
            if inputs["unconditional"][t]:
                chosen, weights = [4], [1]
            else:
                c = w["prototypes"]
                s = c @ x[t] / np.sqrt((x[t] @ x[t] + 1e-12) * ((c * c).sum(1) + 1e-12))
                chosen = top_k(s, 2)
                weights = activation(s)[chosen]
            ids[t, :len(chosen)] = chosen
            for e, weight in zip(chosen, weights):
                y[t] += weight * swiglu(x[t], w["gate"][e], w["up"][e], w["down"][e])
        return {"y": y, "ids": ids}
    return reference


FUNCTIONS = {"softmax": with_activation(softmax), "sigmoid": with_activation(sigmoid),
             "identity": with_activation(lambda s: s)}
