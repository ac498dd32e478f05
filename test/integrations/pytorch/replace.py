# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""replace.py MOEC DIR: models of transformers with compiled MoE blocks."""

import copy
import gc
import os
import pathlib
import subprocess
import sys
import weakref

import torch
import transformers

import moec

SMALL = dict(vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=3,
             num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=128)
LARGER = dict(vocab_size=500, hidden_size=256, intermediate_size=192, num_hidden_layers=4,
              num_attention_heads=8, num_key_value_heads=4, max_position_embeddings=256)
KINDS = {
    "Mixtral": dict(num_local_experts=6, num_experts_per_tok=2),
    "Qwen2Moe": dict(num_experts=8, num_experts_per_tok=3, moe_intermediate_size=20,
                     shared_expert_intermediate_size=28, decoder_sparse_step=1),
    "Qwen3Moe": dict(num_experts=8, num_experts_per_tok=2, moe_intermediate_size=24,
                     norm_topk_prob=True, decoder_sparse_step=2),
    "Olmoe": dict(num_experts=16, num_experts_per_tok=4),
    "GptOss": dict(num_local_experts=4, num_experts_per_tok=2, head_dim=8),
    "DeepseekV3": dict(n_routed_experts=8, num_experts_per_tok=2, moe_intermediate_size=16,
                       n_group=2, topk_group=1, first_k_dense_replace=1, kv_lora_rank=8,
                       q_lora_rank=8, qk_rope_head_dim=4, qk_nope_head_dim=4, v_head_dim=8),
}


def make(kind, size, seed=1, **more):
    torch.manual_seed(seed)
    config = getattr(transformers, kind + "Config")(
        **size, **KINDS[kind], pad_token_id=0, initializer_range=0.2, **more)
    return getattr(transformers, kind + "ForCausalLM")(config).eval()


def generate(model, prompt, count=12):
    return model.generate(prompt, max_new_tokens=count, min_new_tokens=count, do_sample=False)


@torch.no_grad()
def check_generation(kind, size, moec_path):
    model = make(kind, size)
    prompt = torch.randint(3, size["vocab_size"], (2, 17),
                           generator=torch.Generator().manual_seed(2))
    expected, logits = generate(model, prompt), model(prompt).logits
    original = copy.deepcopy(model)
    replaced = moec.replace_moe(model, compiler=moec_path)
    error = ((model(prompt).logits - logits).abs().max() / logits.abs().max()).item()
    assert error < 1e-4, error
    assert torch.equal(generate(model, prompt), expected)
    # Each block alone, on more tokens than the comparison of replace_moe has.
    x = torch.randn(1, 300, size["hidden_size"], generator=torch.Generator().manual_seed(3))
    worst = 0
    for place in replaced:
        wanted, got = original.get_submodule(place)(x), model.get_submodule(place)(x)
        if isinstance(wanted, tuple):  # with scores of the router
            wanted, got = wanted[0], got[0]
        worst = max(worst, ((got - wanted).abs().max() / wanted.abs().max()).item())
    assert worst < 1e-4, worst
    print(f"{kind} {size['hidden_size']}: {len(replaced)} of {model.config.num_hidden_layers} "
          "replaced, equal tokens")
    return model


def refused(function):
    try:
        function()
    except Exception as error:  # the kinds are looked at
        print(f"{type(error).__name__}: {error}")
        return
    sys.exit("a wrong call is not refused")


def check_cache(moec_path):
    cache = pathlib.Path(os.environ["MOEC_CACHE"])
    model = make("Mixtral", SMALL, seed=5)
    before = {file: file.stat().st_mtime_ns for file in cache.rglob("*")}
    kept = weakref.ref(model.model.layers[1].mlp.experts.gate_up_proj)
    moec.replace_moe(model, compiler=moec_path)
    assert {file: file.stat().st_mtime_ns for file in cache.rglob("*")} == before
    gc.collect()
    assert kept() is None
    assert not any(".mlp." in name for name in model.state_dict())
    model = make("Mixtral", SMALL, seed=5)
    moec.replace_moe(model, compiler=moec_path, free=False)
    assert "model.layers.0.mlp.original.gate.weight" in model.state_dict()
    print("cached and freed")


@torch.no_grad()
def check_operator(model):
    """In other hands: opcheck, torch.compile, torch.export."""
    block = model.model.layers[1].mlp
    weights = [block.get_buffer(f"packed{i}") for i in range(block.count)]
    x = torch.randn(2, 5, SMALL["hidden_size"])
    checks = torch.library.opcheck(torch.ops.moec.layer.default, (x, weights, block.library))
    print("opcheck", *checks.values())
    wanted = block(x)
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    prompt = torch.arange(3, 20)[None]
    expected = model(prompt, use_cache=False).logits
    assert torch.allclose(compiled(prompt, use_cache=False).logits, expected, atol=1e-4)
    exported = torch.export.export(block, (x,), dynamic_shapes=({1: torch.export.Dim("S")},))
    torch.export.save(exported, "block.pt2")
    assert torch.equal(torch.export.load("block.pt2").module()(x), wanted)
    more = torch.randn(2, 9, SMALL["hidden_size"])
    assert torch.equal(exported.module()(more), block(more))
    operator = torch.ops.moec.layer
    refused(lambda: operator(x[..., 1:], weights, block.library))
    refused(lambda: operator(x, weights[1:], block.library))
    refused(lambda: operator(x, weights, "no.so"))
    with torch.enable_grad():
        refused(lambda: block(x.requires_grad_()).sum().backward())
    print("operator")


@torch.no_grad()
def check_artifact(moec_path):
    model = make("Qwen2Moe", SMALL)
    prompt = torch.arange(3, 12)[None]
    expected = generate(model, prompt)
    model.save_pretrained("checkpoint")
    subprocess.run([moec_path, "checkpoint", "-o", "model.moe", "--target=cpu:x86-64-v3"],
                   check=True)
    moec.replace_moe(model, artifact="model.moe")
    assert torch.equal(generate(model, prompt), expected)
    refused(lambda: moec.replace_moe(make("Qwen2Moe", SMALL, seed=9), artifact="model.moe"))
    refused(lambda: moec.replace_moe(
        make("Qwen2Moe", {**SMALL, "num_hidden_layers": 2}), artifact="model.moe"))
    print("artifact")


@torch.no_grad()
def check_bf16(moec_path):
    model = make("Olmoe", SMALL).to(torch.bfloat16)
    x = torch.randn(1, 50, SMALL["hidden_size"]).to(torch.bfloat16)
    wanted = model.model.layers[0].mlp(x)
    moec.replace_moe(model, compiler=moec_path)
    got = model.model.layers[0].mlp(x)
    assert got.dtype == torch.bfloat16 and got.shape == wanted.shape
    # Both round to 8 bits; the original also between its steps, so scores that are close
    # may select others.
    far = (got.float() - wanted.float()).norm(dim=-1) > 3e-2 * wanted.float().norm(dim=-1)
    assert far.float().mean() < 0.2, far
    print("bf16")


def main():
    moec_path, directory = sys.argv[1:]
    os.chdir(directory)
    transformers.logging.set_verbosity_error()
    for kind in KINDS:
        model = check_generation(kind, SMALL, moec_path)
        if kind == "Mixtral":
            check_operator(model)
    kinds = set(os.listdir(os.environ["MOEC_CACHE"]))
    print(len(kinds), "kinds of blocks")
    check_generation("Qwen3Moe", LARGER, moec_path)
    check_cache(moec_path)
    check_artifact(moec_path)
    check_bf16(moec_path)
    refused(lambda: moec.replace_moe(make("Mixtral", SMALL), compiler="no-such-compiler"))
    refused(lambda: moec.replace_moe(
        transformers.LlamaForCausalLM(transformers.LlamaConfig(**SMALL)), compiler=moec_path))
    refused(lambda: moec.replace_moe(make("Mixtral", SMALL).to("meta"), compiler=moec_path))


main()
