# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""GGUF files of models with real layer sizes, few layers and random weights. The
vocabulary is cut as the layers are, so that the head keeps its share of the work."""

import pathlib
import struct
import sys

import numpy

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "test/importers/gguf"))
from gguf_writer import TYPES, metadata, text

MODELS = {
    # 4 of 16 layers
    "olmoe": {"layers": 4, "hidden": 2048, "expert": 1024, "experts": 64, "top_k": 8,
              "heads": 16, "key_heads": 16, "width": 128, "vocabulary": 12576},
    # 4 of the 48 layers of Qwen3-30B-A3B
    "qwen3moe": {"layers": 4, "hidden": 2048, "expert": 768, "experts": 128, "top_k": 8,
                 "heads": 32, "key_heads": 4, "width": 128, "vocabulary": 12672},
}
BLOCKS = {"F32": (1, 4), "Q8_0": (32, 34), "Q4_K": (256, 144)}  # elements, bytes


def keys(name, m):
    values = {"block_count": m["layers"], "context_length": 4096, "embedding_length": m["hidden"],
              "feed_forward_length": m["expert"], "expert_feed_forward_length": m["expert"],
              "expert_count": m["experts"], "expert_used_count": m["top_k"],
              "attention.head_count": m["heads"], "attention.head_count_kv": m["key_heads"],
              "attention.key_length": m["width"], "attention.value_length": m["width"],
              "attention.layer_norm_rms_epsilon": 1e-5, "rope.freq_base": 10000.0,
              "rope.dimension_count": m["width"], "vocab_size": m["vocabulary"]}
    return {"general.architecture": name, "tokenizer.ggml.model": "no_vocab",
            **{f"{name}.{key}": value for key, value in values.items()}}


def tensors(name, m):
    """(name, shape) of every tensor; vectors and routers stay F32."""
    h, e, i, v = m["hidden"], m["experts"], m["expert"], m["vocabulary"]
    q, k = m["heads"] * m["width"], m["key_heads"] * m["width"]
    yield from (("token_embd", (v, h)), ("output_norm", (h,)), ("output", (v, h)))
    for n in range(m["layers"]):
        norms = (q, k) if name == "olmoe" else (m["width"], m["width"])
        for part, shape in (("attn_norm", (h,)), ("ffn_norm", (h,)), ("attn_q", (q, h)),
                            ("attn_k", (k, h)), ("attn_v", (k, h)), ("attn_output", (h, q)),
                            ("attn_q_norm", norms[:1]), ("attn_k_norm", norms[1:]),
                            ("ffn_gate_inp", (e, h)), ("ffn_gate_exps", (e, i, h)),
                            ("ffn_up_exps", (e, i, h)), ("ffn_down_exps", (e, h, i))):
            yield f"blk.{n}.{part}", shape


def random_blocks(rng, kind, count, scale):
    """`count` blocks of weights with mean 0 and standard deviation `scale`."""
    if kind == "Q8_0":
        blocks = numpy.empty((count, 34), numpy.uint8)
        blocks[:, 2:] = rng.integers(-127, 128, (count, 32), numpy.int8).view(numpy.uint8)
        blocks[:, :2] = numpy.full(1, scale / 73.6, numpy.float16).view(numpy.uint8)
        return blocks
    # Q4_K: d * s * q - m * s, where q is 0 to 15 and s, of 32 to 63, one for 32 weights.
    blocks = numpy.empty((count, 144), numpy.uint8)
    d = scale / 226
    blocks[:, :4] = numpy.array([d, 7.5 * d], numpy.float16).view(numpy.uint8)
    s = rng.integers(32, 64, (count, 8), numpy.uint8)
    low, high = s[:, :4], s[:, 4:]
    blocks[:, 4:8] = blocks[:, 8:12] = low | high >> 4 << 6
    blocks[:, 12:16] = (high & 15) * 17
    blocks[:, 16:] = rng.integers(0, 256, (count, 128), numpy.uint8)
    return blocks


def write(path, name, kind):
    """The file of a model with matrices of type `kind`; kept if it is there."""
    if path.exists():
        return
    m, header, offset, plan = MODELS[name], b"", 0, []
    for tensor, shape in tensors(name, m):
        used = "F32" if len(shape) == 1 or "gate_inp" in tensor else kind
        elements, size = BLOCKS[used]
        count = int(numpy.prod(shape)) // elements
        header += text(tensor + ".weight") + struct.pack(
            f"<I{len(shape)}QIQ", len(shape), *reversed(shape), TYPES[used], offset)
        plan.append((tensor, shape, used, count))
        offset += -(-count * size // 32) * 32
    head = b"GGUF" + struct.pack("<IQQ", 3, len(plan), len(keys(name, m)))
    for key, value in keys(name, m).items():
        head += text(key) + metadata(value)
    head += header
    rng = numpy.random.default_rng(1)
    part = path.with_suffix(".part")
    with open(part, "wb") as file:
        file.write(head + bytes(-len(head) % 32))
        for tensor, shape, used, count in plan:
            # Rows of length one, and of two for routers, whose scores shall differ.
            scale = (2 if "gate_inp" in tensor else 1) / shape[-1] ** 0.5
            scale = 1.0 if tensor == "token_embd" else scale
            if len(shape) == 1:
                data = numpy.ones(count, numpy.float32).tobytes()
            elif used == "F32":
                data = (rng.standard_normal(count, numpy.float32) * scale).astype("<f4").tobytes()
            else:
                data = b""
                for begin in range(0, count, 1 << 18):
                    blocks = random_blocks(rng, used, min(1 << 18, count - begin), scale)
                    file.write(blocks.tobytes())
            file.write(data)
            file.write(bytes(-count * BLOCKS[used][1] % 32))
    part.rename(path)
