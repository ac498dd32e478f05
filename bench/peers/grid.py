# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What is compared: shapes, number formats, engines, and the work of a cell."""

import dataclasses

SHAPES = {  # hidden, intermediate, experts, top-k
    "S1": (2048, 1024, 64, 8),   # OLMoE
    "S2": (1024, 3584, 8, 2),    # a small Mixtral
    "S3": (2048, 768, 128, 8),   # Qwen3-30B-A3B
}
TOKENS = (1, 8, 32, 128, 512, 2048)
BLOCK = 32
# Bytes of a block of weights: Q8_0 and Q4_0, which have 16-bit scales.
BLOCK_BYTES = {"f32": 4 * BLOCK, "bf16": 2 * BLOCK, "int8": BLOCK + 2, "int4": BLOCK // 2 + 2}
# Below this many tokens a cell is stated in bytes, from it on in operations.
DECODE_TOKENS = 16


@dataclasses.dataclass(frozen=True)
class Peer:
    """One program and its settings. `dtype` is the format of the weights' values,
    `integer` whether activations are rounded to 8-bit integers too."""
    name: str
    dtype: str
    program: str
    format: str
    rest: tuple = ()
    integer: bool = False

    @property
    def is_moec(self):
        return self.program == "moec"


PEERS = (
    Peer("moec", "f32", "moec", "f32"),
    Peer("ggml", "f32", "ggml", "f32", ("plain",)),
    Peer("ONNX Runtime", "f32", "onnxruntime_layer.py", "f32"),
    Peer("transformers", "f32", "transformers_layer.py", "f32", ("eager",)),
    Peer("transformers grouped_mm", "f32", "transformers_layer.py", "f32", ("grouped_mm",)),
    Peer("OpenBLAS loop", "f32", "openblas", "f32"),
    Peer("moec", "bf16", "moec", "bf16"),
    Peer("ggml", "bf16", "ggml", "bf16", ("plain",)),
    Peer("transformers", "bf16", "transformers_layer.py", "bf16", ("eager",)),
    Peer("transformers grouped_mm", "bf16", "transformers_layer.py", "bf16", ("grouped_mm",)),
    Peer("moec f32 sums", "int8", "moec", "q8_0"),
    Peer("moec int8", "int8", "moec", "q8_0", ("--compute=int8",), True),
    Peer("ggml q8_0", "int8", "ggml", "q8_0", ("plain",), True),
    Peer("ONNX Runtime", "int8", "onnxruntime_layer.py", "int8", ("float",)),
    Peer("moec f32 sums", "int4", "moec", "q4_0"),
    Peer("moec int8", "int4", "moec", "q4_0", ("--compute=int8",), True),
    Peer("ggml q4_0", "int4", "ggml", "q4_0", ("repack",), True),
    Peer("ggml q4_K", "int4", "ggml", "q4_K", ("plain",), True),
    Peer("ggml q4_K repacked", "int4", "ggml", "q4_K", ("repack",), True),
    Peer("ONNX Runtime", "int4", "onnxruntime_layer.py", "int4", ("float",)),
    Peer("ONNX Runtime integer", "int4", "onnxruntime_layer.py", "int4", ("integer",), True),
)


def expert_bytes(shape, dtype):
    hidden, intermediate, _, _ = SHAPES[shape]
    return 3 * hidden * intermediate * BLOCK_BYTES[dtype] // BLOCK


def operations(shape, tokens):
    """Useful operations of the experts: two for each multiply-add."""
    hidden, intermediate, _, top_k = SHAPES[shape]
    return 6 * tokens * top_k * hidden * intermediate


def fraction_of_roof(peer, shape, tokens, experts_hit, seconds, roof):
    """Time at the roof, the slower of bytes and operations, over the measured time."""
    reads = experts_hit * expert_bytes(shape, peer.dtype) / (roof["gbps"] * 1e9)
    rate = roof["gflops"]
    if peer.integer:
        rate = roof["int4" if peer.dtype == "int4" else "int8"]
    return max(reads, operations(shape, tokens) / (rate * 1e9)) / seconds
