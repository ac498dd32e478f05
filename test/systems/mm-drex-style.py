# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import double, gelu, relu, silu, softmax


def cases(rng):
    for size in (0, 1, 7, 33):
        yield {"chart": rng.standard_normal((size, 24)).astype("f4"),
               "series": rng.standard_normal((size, 12)).astype("f4"),
               "news": rng.standard_normal((size, 8)).astype("f4")}


def reference(inputs, params):
    w = double(params)
    chart, series, news = (inputs[name].astype("f8") for name in ("chart", "series", "news"))
    mix = softmax(relu(np.concatenate([chart, series], 1) @ w["router.w1"]) @ w["router.w2"])
    policies = [np.tanh(series @ w["trend.w"] + w["trend.b"]),
                np.tanh(gelu(series @ w["reversal.up"]) @ w["reversal.down"]),
                softmax(chart @ w["breakout.w"]),
                (silu(news @ w["event.gate"]) * (news @ w["event.up"])) @ w["event.down"]]
    return {"y": sum(mix[:, e:e + 1] * policy for e, policy in enumerate(policies)), "w": mix}


def properties(run, rng):
    # The record of a call holds its weights.
    inputs = next(case for case in cases(rng) if len(case["news"]) == 7)
    assert (run.taps(inputs)["w"] == run(inputs)["w"]).all()
    # A policy that the router trusts alone is the answer.
    sure = run.params["router.w2"] * 0
    sure[:, 2] = 1e6
    out = run(inputs, params={"router.w2": sure, "router.w1": np.ones((36, 16))})
    trusted = out["w"][:, 2] == 1
    policy = softmax(inputs["chart"] @ double(run.params)["breakout.w"])
    assert trusted.any() and np.allclose(out["y"][trusted], policy[trusted], atol=1e-5)
