# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The weights and tokens that all engines get, and the layer's result in double
precision. The values are multiples of bf16's unit, so that f32 and bf16 files hold the
same layer."""

import json

import numpy

HEADER = 4096       # bytes before the first tensor, so that programs find it without JSON
POOL = 4096         # rows of tokens; each call takes others


def _values(rng, count, scale):
    values = rng.standard_normal(count, dtype=numpy.float32) * numpy.float32(scale)
    return values.view(numpy.uint32) >> 16 << 16


def tensors(shape):
    """(name, shape) of the tensors in the order of the file."""
    d, f, e, _ = shape
    experts = [("router", (e, d))]
    for name, matrix in (("gate", (f, d)), ("up", (f, d)), ("down", (d, f))):
        experts.append((name, (e, *matrix)))
    return experts


def write(directory, shape, dtype):
    """weights-DTYPE.safetensors, DTYPE f32 or bf16, and tokens.f32."""
    path = directory / f"weights-{dtype}.safetensors"
    if path.exists():
        return path
    d, _, _, _ = shape
    size = {"f32": 4, "bf16": 2}[dtype]
    header, offset = {}, 0
    for name, sizes in tensors(shape):
        end = offset + size * int(numpy.prod(sizes))
        header[name] = {"dtype": dtype.upper(), "shape": sizes, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode().ljust(HEADER - 8)
    rng = numpy.random.default_rng(1)
    with open(path, "wb") as out:
        out.write(len(text).to_bytes(8, "little") + text)
        for name, sizes in tensors(shape):
            # Scores that differ: the router's rows are twice as long.
            scale = (2 if name == "router" else 1) / sizes[-1] ** 0.5
            for _ in range(sizes[0]):
                bits = _values(rng, int(numpy.prod(sizes[1:])), scale)
                out.write((bits if dtype == "f32" else (bits >> 16).astype(numpy.uint16))
                          .tobytes())
    rng.standard_normal((POOL, d), dtype=numpy.float32).tofile(directory / "tokens.f32")
    return path


class Reference:
    """The layer in double precision, of the f32 file."""

    def __init__(self, directory, shape):
        self.top_k = shape[3]
        data = numpy.memmap(directory / "weights-f32.safetensors", numpy.float32, "r", HEADER)
        self.weights, begin = {}, 0
        for name, sizes in tensors(shape):
            end = begin + int(numpy.prod(sizes))
            self.weights[name] = data[begin:end].reshape(sizes)
            begin = end
        self.tokens = numpy.memmap(directory / "tokens.f32", numpy.float32, "r")
        self.tokens = self.tokens.reshape(-1, shape[0])

    def route(self, first, tokens):
        """[tokens, top_k] expert ids and weights."""
        x = self.tokens[first:first + tokens].astype(numpy.float64)
        scores = x @ self.weights["router"].T.astype(numpy.float64)
        ids = numpy.argsort(-scores, axis=1, kind="stable")[:, :self.top_k]
        chosen = numpy.take_along_axis(scores, ids, 1)
        chosen = numpy.exp(chosen - chosen.max(1, keepdims=True))
        return ids, chosen / chosen.sum(1, keepdims=True)

    def output(self, first, tokens):
        ids, weights = self.route(first, tokens)
        x = self.tokens[first:first + tokens].astype(numpy.float64)
        result = numpy.zeros_like(x)
        for expert in numpy.unique(ids):
            rows, slots = numpy.nonzero(ids == expert)
            gate, up, down = (self.weights[name][expert].astype(numpy.float64)
                              for name in ("gate", "up", "down"))
            g = x[rows] @ gate.T
            h = g / (1 + numpy.exp(-g)) * (x[rows] @ up.T)
            result[rows] += weights[rows, slots][:, None] * (h @ down.T)
        return result
