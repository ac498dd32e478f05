# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The block of peers/transformers_layer.py, in a model of one layer where
moec.replace_moe replaces it. The rest of the command line: the implementation of its
experts, and the compiler."""

import torch
import transformers
from peer import Layer, converse
from transformers import MixtralConfig, MixtralForCausalLM
from transformers_layer import build

import moec


def replace(layer, compiler):
    """A compiled block with the weights of `layer`."""
    config = MixtralConfig(
        hidden_size=layer.hidden, intermediate_size=layer.intermediate, vocab_size=8,
        num_local_experts=layer.experts, num_experts_per_tok=layer.top_k, num_hidden_layers=1,
        num_attention_heads=1, num_key_value_heads=1, architectures=["MixtralForCausalLM"])
    with torch.device("meta"):
        model = MixtralForCausalLM(config)
    decoder = model.model.layers[0]
    decoder.mlp = None  # so that its weights are not made twice
    model.to_empty(device="cpu")
    decoder.mlp = build(layer, torch.float32)
    moec.replace_moe(model, compiler=compiler)
    return decoder.mlp


@torch.inference_mode()
def main():
    layer = Layer()
    compiler = layer.rest[1]
    torch.set_num_threads(layer.threads)
    blocks = [replace(layer, compiler) for _ in range(layer.copies)]
    converse(layer, f"torch {torch.__version__}, transformers {transformers.__version__}",
             lambda x: torch.from_numpy(x)[None], lambda x, copy: blocks[copy](x)[0])


main()
