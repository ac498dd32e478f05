# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiled experts behind the activation formats of vLLM and SGLang, on CPU tensors.

standard  rows [M, K] with the ids and weights of their experts [M, top_k]
batched   rows [E, max, K], of which each expert has the first expert_num_tokens[e]

The engine routes, moves tokens between ranks and combines; this is what it calls
between. Needs the Python package moec, PyTorch and the installed compiler.
"""

import moec
import torch
from moec.pytorch.block import Block
from moec.pytorch.compiler import compile_block, find

DTYPES = {torch.float32: "f32", torch.float16: "f16", torch.bfloat16: "bf16"}
ACTIVATIONS = {"silu": moec.silu}


def describe(experts, hidden, inner, top_k, dtype, activation="silu"):
    """Gated experts for given routes, in the moe dialect. A negative id is no expert."""
    function = ACTIVATIONS[activation]
    g = moec.Graph()
    g.function("block.moe")
    x = g.input("x", ["T", hidden])
    ids = g.input("topk_ids", ["T", top_k], "i32")
    weights = g.input("topk_weights", ["T", top_k])
    plan = moec.plan(ids, experts=experts)

    def expert(x, gate, up, down):
        a = moec.map(lambda gate, up: function(gate) * up, moec.linear(x, gate),
                     moec.linear(x, up))
        return moec.linear(a, down)

    shapes = {"gate": [experts, inner, hidden], "up": [experts, inner, hidden],
              "down": [experts, hidden, inner]}
    outs = moec.experts(plan, expert, moec.dispatch(x, plan), params=[
        g.parameter(f"block.{name}", shape, dtype=dtype) for name, shape in shapes.items()])
    g.output(out=moec.combine(outs, plan, weights))
    return g.text()


class ExpertRunner:
    """The experts of one layer: w1 [E, 2 * N, K], gate before up, and w2 [E, K, N]. They
    are packed, so both may be freed afterwards."""

    def __init__(self, w1, w2, activation="silu", compiler="moec", options=()):
        experts, twice, hidden = w1.shape
        if w2.shape != (experts, hidden, twice // 2) or twice % 2 or w1.dtype != w2.dtype:
            raise ValueError(f"w1 is {w1.dtype} {list(w1.shape)} and w2 {w2.dtype} "
                             f"{list(w2.shape)}, expected [E, 2 * N, K] and [E, K, N]")
        if w1.dtype not in DTYPES or w1.device.type != "cpu" or w2.device.type != "cpu":
            raise ValueError(f"the weights are {w1.dtype} on {w1.device}, expected plain floats "
                             "on cpu")
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation {activation!r} is not known, only "
                             + ", ".join(ACTIVATIONS))
        self.experts, self.hidden, self.inner = experts, hidden, twice // 2
        self._kind = dict(dtype=DTYPES[w1.dtype], activation=activation)
        self._compiler, self._options = find(compiler), options
        self._blocks = {}
        self._code = self._block(1)
        gate, up = w1.detach().chunk(2, dim=1)
        parameters = {"block.gate": gate, "block.up": up, "block.down": w2.detach()}
        self._weights = [
            self._code.pack(index, [matrix.contiguous() for symbol, _ in weight["parts"]
                                    for matrix in parameters[symbol]])
            for index, weight in enumerate(self._code.description["weights"])]

    def _block(self, top_k):
        """Code for that many experts a token; all of it reads the same packed weights."""
        if top_k not in self._blocks:
            text = describe(self.experts, self.hidden, self.inner, top_k, **self._kind)
            self._blocks[top_k] = Block(compile_block(self._compiler, text, self._options))
        return self._blocks[top_k]

    def _run(self, rows, ids, weights):
        block = self._block(ids.shape[1])
        if block.description["weights"] != self._code.description["weights"]:
            raise ValueError(f"code for {ids.shape[1]} experts a token wants other weights")
        # An id beyond the experts here has no place in memory.
        ids = torch.where((ids >= 0) & (ids < self.experts), ids, -1)
        return block(rows, self._weights, ids.to(torch.int32), weights.float())

    def standard(self, hidden_states, topk_weights, topk_ids, expert_map=None):
        """[M, K], weighted and summed over a token's experts. `expert_map` gives the
        number of an expert in w1 and w2, or -1 where another rank has it."""
        if expert_map is not None:
            known = (topk_ids >= 0) & (topk_ids < len(expert_map))
            places = expert_map[topk_ids.clamp(0, len(expert_map) - 1).long()]
            topk_ids = torch.where(known, places, -1)
        return self._run(hidden_states, topk_ids, topk_weights)

    def batched(self, hidden_states, expert_num_tokens):
        """[E, max, K], each row by its expert, without weights; zero beyond the counts."""
        experts, most, _ = hidden_states.shape
        if experts != self.experts or expert_num_tokens.shape != (experts,):
            raise ValueError(f"hidden_states is {list(hidden_states.shape)} with "
                             f"{list(expert_num_tokens.shape)} counts, expected "
                             f"[{self.experts}, max, {self.hidden}] with [{self.experts}]")
        used = torch.arange(most) < expert_num_tokens[:, None]
        ids = torch.where(used, torch.arange(experts)[:, None], -1).reshape(-1, 1)
        return self._run(hidden_states, ids, torch.ones(ids.shape))


def experts_classes(kernel, no_reduce, delegate):
    """(standard, batched) classes of experts for vLLM's modular kernel. `kernel` is the
    module vllm.model_executor.layers.fused_moe.modular_kernel; `no_reduce` and
    `delegate` are TopKWeightAndReduceNoOP and TopKWeightAndReduceDelegate."""
    formats = kernel.FusedMoEActivationFormat

    class MoecExperts(kernel.FusedMoEExpertsModular):
        """Weights, sums and everything between by compiled code."""

        @staticmethod
        def activation_format():
            return formats.Standard

        @staticmethod
        def _supports_current_device():
            return True  # is for CPU tensors; other weights are refused

        @staticmethod
        def _supports_no_act_and_mul():
            return False

        @staticmethod
        def _supports_quant_scheme(weight_key, activation_key):
            return weight_key is None and activation_key is None

        @staticmethod
        def _supports_activation(activation):
            return _word(activation) in ACTIVATIONS

        @staticmethod
        def _supports_parallel_config(moe_parallel_config):
            return True

        @staticmethod
        def _supports_batch_invariance():
            return True  # a token's result does not depend on the others

        def workspace_shapes(self, M, N, K, topk, global_num_experts, local_num_experts,
                             expert_tokens_meta, activation):
            return (0,), (0,), (M, K)  # what is needed between is the runner's own

        def finalize_weight_and_reduce_impl(self):
            return no_reduce()

        def runner(self, w1, w2, activation):
            """Packs again where an engine loaded other weights."""
            key = (w1.data_ptr(), w1._version, w2.data_ptr(), w2._version, _word(activation))
            if getattr(self, "_key", None) != key:
                self._runner, self._key = ExpertRunner(w1, w2, _word(activation)), key
                self._kept = w1, w2  # no others can come to these addresses
            return self._runner

        def apply(self, output, hidden_states, w1, w2, topk_weights, topk_ids, activation,
                  global_num_experts, expert_map, a1q_scale, a2_scale, workspace13, workspace2,
                  expert_tokens_meta, apply_router_weight_on_input):
            if apply_router_weight_on_input:  # has been done
                topk_weights = torch.ones_like(topk_weights)
            output.copy_(self.runner(w1, w2, activation).standard(
                hidden_states, topk_weights, topk_ids, expert_map))

    class MoecBatchedExperts(MoecExperts):
        """Its rows are weighted and summed by the engine."""

        @staticmethod
        def activation_format():
            return formats.BatchedExperts

        def workspace_shapes(self, M, N, K, topk, global_num_experts, local_num_experts,
                             expert_tokens_meta, activation):
            return (0,), (0,), (local_num_experts, M, K)

        def finalize_weight_and_reduce_impl(self):
            return delegate()

        def apply(self, output, hidden_states, w1, w2, topk_weights, topk_ids, activation,
                  global_num_experts, expert_map, a1q_scale, a2_scale, workspace13, workspace2,
                  expert_tokens_meta, apply_router_weight_on_input):
            output.copy_(self.runner(w1, w2, activation).batched(
                hidden_states, expert_tokens_meta.expert_num_tokens))

    return MoecExperts, MoecBatchedExperts


def _word(activation):
    """vLLM's activations are an enumeration of words, or the words."""
    return getattr(activation, "value", activation)
