# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A stand-in of vLLM's modular MoE kernel, of the names and arguments that its
documentation (design/fused_moe_modular_kernel) has: experts between a step that
prepares rows in one of two formats and one that finalizes them."""

import abc
import enum
import types

import torch


class FusedMoEActivationFormat(enum.Enum):
    Standard = "standard"
    BatchedExperts = "batched_experts"


class FusedMoEExpertsModular(abc.ABC):
    def __init__(self, moe_config, quant_config, max_num_tokens=None, num_dispatchers=None):
        batched = self.activation_format() == FusedMoEActivationFormat.BatchedExperts
        assert batched == (max_num_tokens is not None) == (num_dispatchers is not None)


for name in ("activation_format", "_supports_current_device", "_supports_no_act_and_mul",
             "_supports_quant_scheme", "_supports_activation", "_supports_parallel_config"):
    setattr(FusedMoEExpertsModular, name, staticmethod(abc.abstractmethod(lambda *_: None)))
for name in ("workspace_shapes", "finalize_weight_and_reduce_impl", "apply"):
    setattr(FusedMoEExpertsModular, name, abc.abstractmethod(lambda *_: None))
abc.update_abstractmethods(FusedMoEExpertsModular)


class TopKWeightAndReduceNoOP:
    """Rows are weighted and summed already."""


class TopKWeightAndReduceDelegate:
    """The step that finalizes does it."""


def run(experts, x, w1, w2, topk_weights, topk_ids, *, num_experts, expert_map=None,
        most=None, weights_on_input=False):
    """One rank's part of a layer. `most`: tokens of an expert, in the batched format."""
    local = len(w1)
    meta = None
    rows = x
    if weights_on_input:
        assert topk_ids.shape[1] == 1
        rows = x * topk_weights.to(x.dtype)
    if batched := experts.activation_format() == FusedMoEActivationFormat.BatchedExperts:
        places = topk_ids if expert_map is None else expert_map[topk_ids]
        slots = [(places == expert).nonzero().tolist() for expert in range(local)]
        rows = torch.full((local, most, x.shape[1]), float("nan"), dtype=x.dtype)
        for expert, own in enumerate(slots):
            for row, (token, _) in enumerate(own):
                rows[expert, row] = x[token]
        counts = torch.tensor([len(own) for own in slots], dtype=torch.int32)
        meta = types.SimpleNamespace(expert_num_tokens=counts, expert_num_tokens_cpu=counts)
    shape13, shape2, out_shape = experts.workspace_shapes(
        most if batched else len(x), w1.shape[1], x.shape[1], topk_ids.shape[1], num_experts,
        local, meta, "silu")
    output = torch.full(out_shape, float("nan"), dtype=x.dtype)
    experts.apply(output, rows, w1, w2, topk_weights, topk_ids, "silu", num_experts, expert_map,
                  None, None, torch.empty(shape13), torch.empty(shape2), meta, weights_on_input)
    reduce = experts.finalize_weight_and_reduce_impl()
    if isinstance(reduce, TopKWeightAndReduceNoOP):
        assert output.shape == x.shape
        return output
    assert isinstance(reduce, TopKWeightAndReduceDelegate) and output.shape == rows.shape
    result = torch.zeros_like(x)
    for expert, own in enumerate(slots):
        for row, (token, slot) in enumerate(own):
            result[token] += topk_weights[token, slot].to(x.dtype) * output[expert, row]
    return result
