# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""experts.py: compiled experts in a stand-in of vLLM's modular kernel, against the
layer in PyTorch. The compiler moec is in PATH."""

import pathlib
import sys

import torch
import torch.nn.functional as F

import engine

sys.path.append(str(pathlib.Path(__file__).parents[3] / "integrations/vllm"))
import moec_vllm  # noqa: E402

EXPERTS, HIDDEN, INNER, TOP_K, TOKENS = 8, 48, 40, 3, 37


def layer(x, w1, w2, topk_weights, topk_ids):
    """Every token by every one of its experts."""
    result = torch.zeros(x.shape)
    for token, (weights, ids) in enumerate(zip(topk_weights, topk_ids)):
        for weight, expert in zip(weights, ids):
            gate, up = (w1[expert].float() @ x[token].float()).chunk(2)
            result[token] += weight * (w2[expert].float() @ (F.silu(gate) * up))
    return result


def refused(function):
    try:
        function()
    except ValueError as error:
        print(error)
        return
    sys.exit("a wrong call is not refused")


def main():
    torch.manual_seed(1)
    w1, w2 = torch.randn(EXPERTS, 2 * INNER, HIDDEN) * 0.2, torch.randn(EXPERTS, HIDDEN, INNER) * 0.2
    x = torch.randn(TOKENS, HIDDEN)
    standard, batched = moec_vllm.experts_classes(
        engine, engine.TopKWeightAndReduceNoOP, engine.TopKWeightAndReduceDelegate)
    kinds = {"standard": standard(None, None),
             "batched": batched(None, None, max_num_tokens=TOKENS, num_dispatchers=1)}

    def route(top_k):
        weights, ids = torch.randn(TOKENS, EXPERTS).softmax(-1).topk(top_k)
        return weights, ids

    def check(name, got, wanted, limit=1e-4):
        error = ((got.float() - wanted).abs().max() / wanted.abs().max()).item()
        assert error < limit, (name, error)
        print(name, "agrees")

    weights, ids = route(TOP_K)
    wanted = layer(x, w1, w2, weights, ids)
    for name, experts in kinds.items():
        run = lambda w1, w2, ids=ids, **more: engine.run(
            experts, x, w1, w2, weights, ids, num_experts=EXPERTS, most=TOKENS, **more)
        check(name, run(w1, w2), wanted)
        if name == "standard":
            check("ids of 32 bits", run(w1, w2, ids.int()), wanted)
        # Two ranks have the even and the odd experts; each computes its part.
        parts = []
        for rank in range(2):
            own = torch.arange(rank, EXPERTS, 2)
            places = torch.full((EXPERTS,), -1)
            places[own] = torch.arange(len(own))
            parts.append(run(w1[own], w2[own], expert_map=places))
        check(f"{name} on two ranks", sum(parts), wanted)
        w1.mul_(0.5)  # other weights in the same place
        wanted = layer(x, w1, w2, weights, ids)
        check(f"{name} with new weights", run(w1, w2), wanted)

    one, first = route(1)
    check("weights on the input", engine.run(
        kinds["standard"], x, w1, w2, one, first, num_experts=EXPERTS, weights_on_input=True),
        layer(x * one, w1, w2, torch.ones_like(one), first))
    half1, half2, rows = w1.bfloat16(), w2.bfloat16(), x.bfloat16()
    result = engine.run(kinds["standard"], rows, half1, half2, weights, ids, num_experts=EXPERTS)
    assert result.dtype == torch.bfloat16
    check("bf16", result, layer(rows, half1, half2, weights, ids), 1e-2)  # of the result's rounding

    runner = moec_vllm.ExpertRunner(w1, w2)
    beyond = runner.standard(x, weights, ids + EXPERTS)
    assert not beyond.any()  # no expert: nothing added
    empty = runner.batched(torch.full((EXPERTS, 5, HIDDEN), float("nan")),
                           torch.zeros(EXPERTS, dtype=torch.int32))
    assert not empty.any()
    print("no experts agrees")
    assert kinds["standard"]._supports_activation("silu")
    assert not kinds["standard"]._supports_activation("relu2")
    refused(lambda: moec_vllm.ExpertRunner(w1, w2[:, :, 1:]))
    refused(lambda: moec_vllm.ExpertRunner(w1, w2, activation="relu2"))
    refused(lambda: moec_vllm.ExpertRunner(w1.to("meta"), w2))
    refused(lambda: runner.standard(x[:, 1:], weights, ids))
    refused(lambda: runner.standard(x, weights[1:], ids))
    refused(lambda: runner.batched(x[None], torch.zeros(1)))


main()
