# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""quantized_experts.py MOEC MOE-RUN DIRECTORY SEED COUNT [onnxruntime]

Random com.microsoft.QMoE nodes: compiled code and the interpreter against numpy in
double precision; or such nodes only as ONNX Runtime's CPU kernel takes, against it,
too.
"""

import os
import pathlib
import sys

import numpy as np
from harness import ACTIVATIONS, Tools, best, mix, softmax, sparse_mixer
from onnx_writer import model, node, tensor, value

DIRECTORY = pathlib.Path(sys.argv[3])
TOOLS = Tools(sys.argv[1], sys.argv[2], DIRECTORY)
SEED, COUNT = int(sys.argv[4]), int(sys.argv[5])
COMPARES = sys.argv[6:] == ["onnxruntime"]
# f32 sums of up to 160 terms, products of magnitude 1, then again: against double
# precision and against sums of another order.
TOLERANCE = 1e-4
# Otherwise blocks of 8 bits are multiplied with activations rounded to 8 bits.
os.environ["ORT_QMOE_CPU_QNBIT_GEMM"] = "fp32"


def pack(codes, bits):
    """A stream of bits from the lowest one on, for each row."""
    stream = codes[..., None] >> np.arange(bits) & 1
    stream = stream.reshape(*codes.shape[:-1], -1).astype(np.uint8)
    return np.packbits(stream, -1, bitorder="little")


class Linear:
    """A random part of the experts: what the graph has and what it stands for."""

    def __init__(self, rng, experts, rows, depth, bits, size, has_zeros, has_bias, kind):
        groups = -(-depth // size) if size else 1
        codes = rng.integers(0, 1 << bits, (experts, rows, depth))
        scales = (rng.random((experts, rows, groups)) + 0.5) / (1 << bits - 1) / np.sqrt(depth)
        scales = scales.astype(kind)
        zeros = np.full(scales.shape, 1 << bits - 1)
        if has_zeros:
            zeros += rng.integers(-1 << bits - 2, 1 << bits - 2, scales.shape)
        self.codes = pack(codes, bits)
        self.scales = scales if size else scales[..., 0]
        self.zeros = pack(zeros if size else zeros[..., 0], bits) if has_zeros else None
        self.bias = rng.standard_normal((experts, rows)).astype(kind) if has_bias else None
        repeat = lambda x: np.repeat(x.astype(float), size or depth, -1)[..., :depth]
        self.value = (codes - repeat(zeros)) * repeat(scales)


class Float8:
    """Likewise, of FP8 with a scale for each square block."""

    def __init__(self, rng, experts, rows, depth, size, has_bias, kind):
        codes = rng.integers(0, 256, (experts, rows, depth)).astype(np.uint8)
        codes[(codes & 127) == 127] = 0  # NaN
        exponent, fraction = (codes >> 3 & 15).astype(int), (codes & 7) / 8.0
        number = np.where(exponent == 0, fraction * 2.0**-6, (1 + fraction) * 2.0 ** (exponent - 7))
        shape = (experts, -(-rows // size), -(-depth // size))
        self.codes, self.zeros = codes, None
        self.scales = ((rng.random(shape) + 0.5) / 200 / np.sqrt(depth)).astype(kind)
        self.bias = rng.standard_normal((experts, rows)).astype(kind) if has_bias else None
        scales = np.repeat(np.repeat(self.scales.astype(float), size, 1), size, 2)
        self.value = np.where(codes & 128, -number, number) * scales[:, :rows, :depth]


def make(rng):
    """Sizes and attributes of a node."""
    experts = int(rng.integers(2, 9))
    size = int(rng.choice([0, 16, 32, 64]))
    c = {
        "bits": [int(rng.choice([2, 3, 4, 4, 8, 8]))] * 3, "experts": experts, "size": size,
        "hidden": int(rng.integers(1, 10)) * 16, "inner": int(rng.integers(1, 10)) * 16,
        "tokens": int(rng.choice([1, 2, 7, 40])), "zeros": rng.random() < 0.5,
        "bias": rng.random() < 0.5, "third": False, "own_weights": rng.random() < 0.3,
        "mixes": rng.random() < 0.1, "float8": size and rng.random() < 0.1,
        "kind": np.float16 if rng.random() < 0.2 else np.float32,
    }
    a = {"k": int(rng.integers(1, experts + 1)), "expert_weight_bits": c["bits"][0],
         "activation_type": str(rng.choice([*ACTIVATIONS, "swiglu", "swiglu", "swiglu", "geglu"])),
         "normalize_routing_weights": int(rng.integers(0, 2))}
    if size:
        a["block_size"] = size
    if c["float8"]:
        a["quant_type"] = "fp8"
    elif rng.random() < 0.1:
        c["bits"] = [8, 4, 8]
        a |= {"fc1_expert_weight_bits": 8, "fc2_expert_weight_bits": 4, "fc3_expert_weight_bits": 8}
    if c["mixes"]:
        c["own_weights"] = False
        a |= {"k": 2, "use_sparse_mixer": 1}
    if a["activation_type"] == "geglu":
        a["swiglu_fusion"] = int(rng.integers(1, 3))
    elif a["activation_type"] == "swiglu":
        a["swiglu_fusion"] = int(rng.choice([1, 1, 1, 2, 0]))
        c["third"] = not a["swiglu_fusion"]
        if rng.random() < 0.7:
            a |= {"activation_alpha": 1.702, "activation_beta": 1.0, "swiglu_limit": 0.5}
            if rng.random() < 0.2:
                a["swiglu_limit_after_activation"] = 1
    elif rng.random() < 0.15:
        c["third"] = True
    return c, a


def is_supported(c, a):
    """By ONNX Runtime's CPU kernel, which takes no notice of use_sparse_mixer."""
    return not (c["third"] or c["mixes"] or c["float8"] or 3 in c["bits"]
                or len(set(c["bits"])) > 1 or a["activation_type"] in ("geglu", "relu2")
                or a.get("swiglu_fusion", 1) != 1 or "swiglu_limit_after_activation" in a)


def check(number, given=None):
    rng = np.random.default_rng([SEED, number])
    c, a = given or make(rng)
    while COMPARES and not is_supported(c, a):
        c, a = make(rng)
    experts, hidden, inner = c["experts"], c["hidden"], c["inner"]

    def linear(part, rows, depth):
        if c["float8"]:
            return Float8(rng, experts, rows, depth, c["size"], c["bias"], c["kind"])
        return Linear(rng, experts, rows, depth, c["bits"][part], c["size"], c["zeros"],
                      c["bias"], c["kind"])

    parts = [linear(0, 2 * inner if a.get("swiglu_fusion") else inner, hidden),
             linear(1, hidden, inner), linear(2, inner, hidden) if c["third"] else None]
    x = rng.standard_normal((c["tokens"], hidden)).astype(np.float32)
    # No two of a row are equal, also as f16: who wins then is not defined.
    logits = rng.permuted(np.tile(np.arange(experts), (c["tokens"], 1)), axis=1) - experts / 2
    logits = (0.4 * logits + 0.2 * rng.random(logits.shape)).astype(np.float32)
    own = rng.random(logits.shape).astype(np.float32) if c["own_weights"] else None
    if c["kind"] == np.float16:
        x, logits = x.astype(np.float16), logits.astype(np.float16)
        own = None if own is None else own.astype(np.float16)

    names, tensors = ["x", "logits"], []

    def add(name, array):
        names.append(name if array is not None else "")
        if array is not None:
            float8 = c["float8"] and name.endswith("codes")
            tensors.append(tensor(name, array, 17 if float8 else None))

    for i, part in enumerate(parts):
        for key in ("codes", "scales", "bias"):
            add(f"fc{i + 1}.{key}", part and getattr(part, key))
    for i, part in enumerate(parts):
        add(f"fc{i + 1}.zeros", part and part.zeros)
    graph_inputs = [value("x", ["T", hidden], c["kind"]), value("logits", ["T", experts], c["kind"])]
    inputs = {"x": x, "logits": logits}
    if own is not None:
        names.append("own")
        graph_inputs.append(value("own", ["T", experts], c["kind"]))
        inputs["own"] = own
    data = model([node("QMoE", names, ["y"], "com.microsoft", **a)], graph_inputs,
                 [value("y", ["T", hidden], c["kind"])], tensors, opset=17)

    ids = best(logits, a["k"])
    weights = softmax(np.take_along_axis(logits.astype(float), ids, -1))
    if own is not None:
        weights = np.take_along_axis(own.astype(float), ids, -1)
        if a["normalize_routing_weights"]:
            weights = weights / weights.sum(-1, keepdims=True)
    if c["mixes"]:
        ids, weights = sparse_mixer(logits)
    values = [array for part in parts
              for array in ((part.value, part.bias) if part else (None, None))]
    wanted = mix(x, ids, weights, values, a)
    # Results of f16 are rounded to it once.
    tolerance = 2e-3 if c["kind"] == np.float16 else TOLERANCE
    label = f"{number}: {c} {a}"
    theirs = run_onnxruntime(data, inputs) if COMPARES else None
    for mode, _, found in TOOLS.outputs("node", data, inputs, ["y"]):
        assert found.dtype == c["kind"], label
        for name, other in (("numpy", wanted), ("ONNX Runtime", theirs)):
            if other is not None:
                np.testing.assert_allclose(found.astype(float), other.astype(float), rtol=tolerance,
                                           atol=tolerance, err_msg=f"{name} {mode} {label}")


def run_onnxruntime(data, inputs):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return session.run(None, inputs)[0]


DIRECTORY.mkdir(parents=True, exist_ok=True)
for number in range(COUNT):
    check(number)
# The last artifact is looked at.
check(COUNT, (dict(bits=[4] * 3, experts=4, size=0, hidden=64, inner=64, tokens=7, zeros=True,
                   bias=False, third=False, own_weights=False, mixes=False, float8=False,
                   kind=np.float32),
              dict(k=2, expert_weight_bits=4, activation_type="swiglu", swiglu_fusion=1)))
print(f"{COUNT} nodes agree with numpy" + " and ONNX Runtime" * COMPARES)
