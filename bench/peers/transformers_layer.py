# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The MoE block of transformers' Mixtral on PyTorch. Formats: f32, bf16; the rest of
the command line: the implementation of the experts, "eager" or "grouped_mm"."""

import torch
import transformers
from peer import Layer, converse
from transformers import MixtralConfig
from transformers.models.mixtral.modeling_mixtral import MixtralSparseMoeBlock

DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16}


def build(layer, dtype):
    config = MixtralConfig(hidden_size=layer.hidden, intermediate_size=layer.intermediate,
                           num_local_experts=layer.experts, num_experts_per_tok=layer.top_k)
    config._experts_implementation = layer.rest[0]
    with torch.device("meta"):
        block = MixtralSparseMoeBlock(config)
    block = block.to(dtype).to_empty(device="cpu").eval()
    f = layer.intermediate
    with torch.no_grad():
        block.gate.weight.copy_(torch.from_numpy(layer.router))
        for e in range(layer.experts):
            block.experts.gate_up_proj[e, :f].copy_(torch.from_numpy(layer.gate[e]))
            block.experts.gate_up_proj[e, f:].copy_(torch.from_numpy(layer.up[e]))
            block.experts.down_proj[e].copy_(torch.from_numpy(layer.down[e]))
    return block


@torch.inference_mode()
def main():
    layer = Layer()
    torch.set_num_threads(layer.threads)
    dtype = DTYPES[layer.format]
    blocks = [build(layer, dtype) for _ in range(layer.copies)]

    def compute(x, copy):
        result = blocks[copy](x)
        return (result[0] if isinstance(result, tuple) else result).float()[0]

    converse(layer, f"torch {torch.__version__}, transformers {transformers.__version__}",
             lambda x: torch.from_numpy(x)[None].to(dtype), compute)


if __name__ == "__main__":
    main()
