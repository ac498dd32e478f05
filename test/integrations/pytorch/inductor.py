# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""inductor.py MOEC: Inductor around compiled blocks of a model of transformers."""

import sys

import torch
import transformers

import moec


@torch.no_grad()
def main():
    transformers.logging.set_verbosity_error()
    torch.manual_seed(1)
    model = transformers.MixtralForCausalLM(transformers.MixtralConfig(
        vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=128,
        num_local_experts=6, num_experts_per_tok=2, pad_token_id=0,
        initializer_range=0.2)).eval()
    prompts = [torch.arange(3, 20)[None], torch.arange(3, 30)[None]]
    wanted = [model(prompt, use_cache=False).logits for prompt in prompts]
    moec.replace_moe(model, compiler=sys.argv[1])
    compiled = torch.compile(model, fullgraph=True)
    for prompt, expected in zip(prompts, wanted):
        error = (compiled(prompt, use_cache=False).logits - expected).abs().max()
        assert error < 1e-4 * expected.abs().max(), error
    print(*[prompt.shape[1] for prompt in prompts], sep=" and ", end=" tokens agree\n")


main()
