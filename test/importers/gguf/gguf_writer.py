# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes GGUF files (version 3) from numpy arrays."""

import struct

import numpy as np

TYPES = {"F32": 0, "F16": 1, "Q4_0": 2, "Q8_0": 8, "Q4_K": 12, "Q5_K": 13, "Q6_K": 14,
         "I32": 26, "BF16": 30, "MXFP4": 39}


def text(value):
    return struct.pack("<Q", len(value.encode())) + value.encode()


def metadata(value):
    if isinstance(value, bool):
        return struct.pack("<I?", 7, value)
    if isinstance(value, int):
        return struct.pack("<II", 4, value)
    if isinstance(value, float):
        return struct.pack("<If", 6, value)
    if isinstance(value, list) and all(type(item) is int for item in value):
        return struct.pack(f"<IIQ{len(value)}i", 9, 5, len(value), *value)
    if isinstance(value, list):
        items = [metadata(item) for item in value]
        return struct.pack("<I", 9) + items[0][:4] + struct.pack("<Q", len(items)) + b"".join(
            item[4:] for item in items)
    return struct.pack("<I", 8) + text(value)


def write(path, keys, tensors):
    """`tensors`: name -> array, or (type, shape, bytes)."""
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(keys))
    for key, value in keys.items():
        head += text(key) + metadata(value)
    data = b""
    for name, tensor in tensors.items():
        if isinstance(tensor, np.ndarray):
            kind = "I32" if tensor.dtype.kind == "i" else "F32"
            raw = tensor.astype(np.int32 if kind == "I32" else np.float32).tobytes()
            tensor = (kind, tensor.shape, raw)
        kind, shape, raw = tensor
        head += text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *reversed(shape),
                                         TYPES[kind], len(data))
        data += raw + bytes(-len(raw) % 32)
    with open(path, "wb") as file:
        file.write(head + bytes(-len(head) % 32) + data)
