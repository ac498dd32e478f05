# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""operators.py MOEC MOE-RUN DIRECTORY: each ONNX operator against numpy, by compiled code
and by the reference interpreter."""

import pathlib
import sys

import numpy as np
from harness import ACTIVATIONS, Tools, best, mix, sigmoid, softmax
from onnx_writer import external_tensor, model, node, tensor, value

DIRECTORY = pathlib.Path(sys.argv[3])
TOOLS = Tools(sys.argv[1], sys.argv[2], DIRECTORY)
RNG = np.random.default_rng(7)
# f32 sums of at most a few dozen terms against double precision.
TOLERANCE = 2e-5


def normal(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def run(*arguments):
    TOOLS.check(*arguments, TOLERANCE)


def check_arithmetic():
    x, y, row = normal(5, 8), normal(5, 8), normal(8)
    nodes = [node("Add", ["x", "row"], ["a"]), node("Sub", ["a", "y"], ["b"]),
             node("Mul", ["b", "scalar"], ["c"]), node("Div", ["c", "y"], ["d"]),
             node("Sigmoid", ["c"], ["e"]), node("Relu", ["b"], ["f"]), node("Tanh", ["b"], ["g"]),
             node("Identity", ["e"], ["h"])]
    b = x + row - y
    c = b * np.float32(0.5)
    expected = [c / y, sigmoid(c), np.maximum(b, 0), np.tanh(b)]
    run("arithmetic", model(nodes, [value("x", ["T", 8]), value("y", ["T", 8])],
                            [value(n, ["T", 8]) for n in ("d", "h", "f", "g")],
                            [tensor("row", row), tensor("scalar", np.array(0.5, np.float32))]),
        {"x": x, "y": y}, ["d", "h", "f", "g"], expected)


def check_shapes():
    x = normal(2, 3, 8)
    index = np.array([[2, -1], [0, 1]], np.int64)
    nodes = [node("Reshape", ["x", "flat"], ["rows"]), node("Transpose", ["x"], ["t"], perm=[2, 0, 1]),
             node("Slice", ["rows", "starts", "ends", "axes", "steps"], ["s"]),
             node("Concat", ["rows", "s"], ["c"], axis=-1),
             node("Gather", ["x", "index"], ["g"], axis=2),
             node("Constant", [], ["two"], value=np.array([0, 2, 4], np.int64)),
             node("Reshape", ["rows", "two"], ["split"]),
             node("Cast", ["x"], ["whole"], to=7), node("Cast", ["whole"], ["back"], to=1)]
    rows = x.reshape(-1, 8)
    s = rows[:, 1:8:3]
    expected = [x.transpose(2, 0, 1), np.concatenate([rows, s], -1), x[:, :, index],
                rows.reshape(-1, 2, 4), np.trunc(x)]
    ints = {"flat": [-1, 8], "starts": [1], "ends": [-1 + (1 << 40)], "axes": [-1], "steps": [3]}
    tensors = [tensor(k, np.array(v, np.int64)) for k, v in ints.items()] + [tensor("index", index)]
    run("shapes", model(nodes, [value("x", ["B", "S", 8])],
                        [value("t", [8, "B", "S"]), value("c", ["R", 11]),
                         value("g", ["B", "S", 2, 2]), value("split", ["R", 2, 4]),
                         value("back", ["B", "S", 8])], tensors),
        {"x": x}, ["t", "c", "g", "split", "back"], expected)


def check_matrices():
    x, w, v, bias = normal(2, 5, 8), normal(8, 6), normal(4, 6), normal(4)
    nodes = [node("MatMul", ["x", "w"], ["y"]), node("Reshape", ["y", "flat"], ["rows"]),
             node("Gemm", ["rows", "v", "bias"], ["z"], alpha=0.5, beta=2.0, transB=1),
             node("Transpose", ["x"], ["xt"], perm=[0, 2, 1]), node("MatMul", ["x", "xt"], ["p"])]
    y = x @ w
    expected = [y, 0.5 * y.reshape(-1, 6) @ v.T + 2 * bias, x @ x.transpose(0, 2, 1)]
    run("matrices", model(nodes, [value("x", ["B", "S", 8])],
                          [value("y", ["B", "S", 6]), value("z", ["R", 4]),
                           value("p", ["B", "S", "S"])],
                          [tensor("w", w), tensor("v", v), tensor("bias", bias),
                           tensor("flat", np.array([-1, 6], np.int64))]),
        {"x": x}, ["y", "z", "p"], expected)


def check_normalization():
    x, scale, bias = normal(3, 16), normal(16), normal(16)
    nodes = [node("LayerNormalization", ["x", "scale", "bias"], ["a"], epsilon=1e-3),
             node("SimplifiedLayerNormalization", ["x", "scale"], ["b"], axis=-1, epsilon=1e-3),
             node("Softmax", ["x"], ["c"]),
             node("TopK", ["x", "k"], ["top", "ids"])]
    centred = x - x.mean(-1, keepdims=True)
    order = np.argsort(-x, axis=-1, kind="stable")[:, :3]
    expected = [centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-3) * scale + bias,
                x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-3) * scale, softmax(x),
                np.take_along_axis(x, order, -1), order]
    outputs = [value(n, ["T", 16]) for n in "abc"] + [value("top", ["T", 3]),
                                                      value("ids", ["T", 3], np.int64)]
    run("normalization", model(nodes, [value("x", ["T", 16])], outputs,
                               [tensor("scale", scale), tensor("bias", bias),
                                tensor("k", np.array([3], np.int64))]),
        {"x": x}, ["a", "b", "c", "top", "ids"], expected)


def reference_moe(x, logits, parts, a):
    ids = best(logits, a["k"])
    logits = logits.astype(np.float64)
    if a["normalize_routing_weights"]:
        weights = softmax(np.take_along_axis(logits, ids, -1))
    else:
        weights = np.take_along_axis(softmax(logits), ids, -1)
    return mix(x, ids, weights, parts, a)


def check_moe(name, bias=False, third=False, external=False, **attributes):
    experts, hidden, inner, tokens = 5, 16, 12, 9
    attributes = {"k": 2, "normalize_routing_weights": 1, **attributes}
    wide = 2 * inner if attributes.get("swiglu_fusion") else inner
    x, router = normal(tokens, hidden), normal(hidden, experts)
    parts = {"fc1": normal(experts, wide, hidden), "b1": normal(experts, wide),
             "fc2": normal(experts, hidden, inner), "b2": normal(experts, hidden),
             "fc3": normal(experts, inner, hidden), "b3": normal(experts, inner)}
    if not bias:
        parts["b1"] = parts["b2"] = parts["b3"] = None
    if not third:
        parts["fc3"] = parts["b3"] = None
    inputs = [key if parts[key] is not None else "" for key in parts]
    tensors = [tensor(k, v) for k, v in parts.items() if v is not None]
    if external:
        (DIRECTORY / "weights.bin").write_bytes(b"pad!" + parts["fc1"].tobytes())
        tensors[0] = external_tensor("fc1", parts["fc1"], "weights.bin", 4)
    nodes = [node("MatMul", ["x", "router"], ["logits"]),
             node("MoE", ["x", "logits", *inputs], ["y"], "com.microsoft", **attributes)]
    run(name, model(nodes, [value("x", ["T", hidden])], [value("y", ["T", hidden])],
                    tensors + [tensor("router", router)]),
        {"x": x}, ["y"], [reference_moe(x, x @ router, list(parts.values()), attributes)])


DIRECTORY.mkdir(parents=True, exist_ok=True)
check_arithmetic()
check_shapes()
check_matrices()
check_normalization()
for kind in ACTIVATIONS:
    check_moe("moe-" + kind, activation_type=kind)
check_moe("moe-gated", activation_type="silu", third=True, bias=True)
check_moe("moe-scores", activation_type="relu", normalize_routing_weights=0, bias=True)
check_moe("moe-swiglu", activation_type="swiglu", swiglu_fusion=1, bias=True,
          activation_alpha=1.702, activation_beta=1.0, swiglu_limit=0.75)
check_moe("moe-halves", activation_type="swiglu", swiglu_fusion=2)
check_moe("moe-apart", activation_type="swiglu", third=True)
check_moe("moe-external", activation_type="silu", external=True)
