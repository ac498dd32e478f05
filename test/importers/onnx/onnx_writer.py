# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes ONNX models without the onnx package: the few messages that tests need."""

import struct

import numpy as np

TYPES = {np.dtype("float32"): 1, np.dtype("uint8"): 2, np.dtype("int32"): 6, np.dtype("int64"): 7,
         np.dtype("float16"): 10}


def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while True:
        out.append(value & 0x7F | (0x80 if value > 0x7F else 0))
        value >>= 7
        if not value:
            return bytes(out)


def field(number, value):
    """One field: an int, a float, a text, bytes, or a list of them."""
    if isinstance(value, list):
        return b"".join(field(number, item) for item in value)
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def tensor(name, array, kind=None):
    """`kind` is a TensorProto.DataType where numpy's type does not say it."""
    return (field(1, [int(size) for size in array.shape])
            + field(2, kind or TYPES[array.dtype])
            + field(8, name) + field(9, array.tobytes()))


def external_tensor(name, array, location, offset=0, length=None):
    entries = {"location": location, "offset": str(offset)}
    if length is not None:
        entries["length"] = str(length)
    return (field(1, [int(size) for size in array.shape]) + field(2, TYPES[array.dtype])
            + field(8, name) + field(14, 1)
            + field(13, [field(1, key) + field(2, value) for key, value in entries.items()]))


def attribute(name, value):
    out = field(1, name)
    if isinstance(value, float):
        return out + field(2, value) + field(20, 1)
    if isinstance(value, int):
        return out + field(3, value) + field(20, 2)
    if isinstance(value, str):
        return out + field(4, value) + field(20, 3)
    if isinstance(value, np.ndarray):
        return out + field(5, tensor("", value)) + field(20, 4)
    return out + field(8, [int(item) for item in value]) + field(20, 7)


def node(op, inputs, outputs, domain="", **attributes):
    return (field(1, list(inputs)) + field(2, list(outputs)) + field(3, "n_" + outputs[0])
            + field(4, op) + field(5, [attribute(k, v) for k, v in attributes.items()])
            + field(7, domain))


def value(name, dims, dtype=np.float32):
    shape = b"".join(field(1, field(2, d) if isinstance(d, str) else field(1, d)) for d in dims)
    kind = field(1, TYPES[np.dtype(dtype)]) + field(2, shape)
    return field(1, name) + field(2, field(1, kind))


def model(nodes, inputs, outputs, tensors, opset=20, domains=("", "com.microsoft")):
    """`tensors` is a list of messages of tensor(); `domains` are imported."""
    graph = (field(1, nodes) + field(2, "g") + field(5, tensors) + field(11, inputs)
             + field(12, outputs))
    opsets = [field(1, domain) + field(2, 1 if domain else opset) for domain in domains]
    return field(1, 10) + field(7, graph) + field(8, opsets)
