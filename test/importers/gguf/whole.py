# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A small decoder, and vocabularies for it, as GGUF files have them."""

import numpy as np

H, HEADS, WIDTH, E, I, LAYERS = 32, 4, 8, 4, 16, 2
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6


def model(vocabulary):
    """(keys, tensors) of a model with these keys of a vocabulary."""
    rng = np.random.default_rng(3)
    size = len(vocabulary.get("tokens") or range(8))
    keys = {"block_count": LAYERS, "context_length": 64, "embedding_length": H,
            "feed_forward_length": I, "expert_feed_forward_length": I, "expert_count": E,
            "expert_used_count": 2, "attention.head_count": HEADS,
            "attention.layer_norm_rms_epsilon": 1e-5, "rope.dimension_count": WIDTH}
    keys = {"general.architecture": "llama", **{f"llama.{k}": v for k, v in keys.items()},
            **{f"tokenizer.ggml.{k}": v for k, v in vocabulary.items()}}
    tensors = {"token_embd.weight": (size, H), "output.weight": (size, H)}
    norms = ["output_norm"]
    for n in range(LAYERS):
        norms += [f"blk.{n}.attn_norm", f"blk.{n}.ffn_norm"]
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            tensors[f"blk.{n}.{part}.weight"] = (H, H)
        tensors[f"blk.{n}.ffn_gate_inp.weight"] = (E, H)
        for part, shape in (("gate", (E, I, H)), ("up", (E, I, H)), ("down", (E, H, I))):
            tensors[f"blk.{n}.ffn_{part}_exps.weight"] = shape
    tensors = {name: rng.normal(size=shape).astype(np.float32) / shape[-1] ** 0.5
               for name, shape in tensors.items()}
    return keys, tensors | {f"{name}.weight": np.ones(H, np.float32) for name in norms}


def printable():
    """GPT-2's character for each byte."""
    kept = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in kept]
    return {byte: chr(byte) for byte in kept} | {
        byte: chr(0x100 + i) for i, byte in enumerate(others)}


def byte_level():
    tokens = [*printable().values(), "to", "Ġto", "<s>", "<|im_end|>"]
    return {"model": "gpt2", "pre": "llama-bpe", "tokens": tokens, "merges": ["t o", "Ġ to"],
            "token_type": [NORMAL] * (len(tokens) - 2) + [CONTROL] * 2,
            "bos_token_id": tokens.index("<s>"), "eos_token_id": tokens.index("<|im_end|>")}


def sentence_piece():
    words = ["▁to", "to", "▁t", "t", "o", "▁", "b", "e"]
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *words]
    return {"model": "llama", "tokens": tokens,
            "scores": [0.0] * 259 + [float(-i) for i in range(len(words))],
            "token_type": [UNKNOWN, CONTROL, CONTROL] + [BYTE] * 256 + [NORMAL] * len(words)}
