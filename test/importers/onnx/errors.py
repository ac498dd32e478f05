# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""errors.py MOEC MODEL DIRECTORY: messages for graphs that are not understood, and that no
damage to a model crashes the compiler."""

import pathlib
import subprocess
import sys

import numpy as np
from onnx_writer import external_tensor, field, model, node, tensor, value, varint

MOEC, MODEL, DIRECTORY = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
X, Y = [value("x", ["T", 4])], [value("y", ["T", 4])]
ROW = np.zeros(4, np.float32)


def compile_bytes(data):
    path = DIRECTORY / "m.onnx"
    path.write_bytes(data)
    return subprocess.run([MOEC, path, "-o", DIRECTORY / "m.mlir", "--emit=mlir"],
                          capture_output=True, text=True, errors="replace")


def expect(data, message):
    result = compile_bytes(data)
    text = result.stderr.replace(str(DIRECTORY) + "/", "")
    assert result.returncode == 1 and message in text, (result.returncode, text, message)


def of(*nodes, tensors=(), inputs=X, outputs=Y, opset=20):
    return model(list(nodes), inputs, outputs, list(tensors), opset)


DIRECTORY.mkdir(parents=True, exist_ok=True)
expect(b"", "m.onnx: not an ONNX model: it has no graph")
expect(b"\x0f", "m.onnx: unknown wire type 7 before byte 1")
expect(varint(7 << 3 | 2) + b"\x64", "field 7 claims 100 bytes at byte 2, expected at most 0")
expect(of(node("Einsum", ["x"], ["y"])), "node 'n_y' (Einsum): the operator is not supported")
expect(of(node("Fancy", ["x"], ["y"], "acme")), "the operator of domain 'acme' is not supported")
expect(model([node("Identity", ["x"], ["y"])], X, Y, [], domains=["com.microsoft"]),
       "node 'n_y' (Identity): the model's opset_import has no version of the operators of "
       "domain ''")
expect(of(node("Add", ["x", "z"], ["y"])), "value 'z' is used but nothing defines it")
expect(of(node("Add", ["x"], ["y"])), "node 'n_y' (Add): input 1 is missing")
expect(of(node("Identity", ["x"], ["y"]), node("Identity", ["x"], ["y"])), "'y' is defined twice")
expect(of(node("Add", ["x", "c"], ["y"]), tensors=[tensor("c", np.zeros(3, np.float32))]),
       "sizes of dimension 0 do not fit")
expect(of(node("Softmax", ["x"], ["y"], axis=5)), "axis 5 is not one of 2 dimensions")
expect(of(node("Reshape", ["x", "s"], ["y"]), tensors=[tensor("s", np.array([3, 3], np.int64))]),
       "the new shape has another number of elements")
expect(of(node("Reshape", ["x", "x"], ["y"])), "expected input 'x' to be a constant")
expect(of(node("Transpose", ["x"], ["y"], perm=[0, 0])), "'perm' is not an order of 2 dimensions")
expect(of(node("MatMul", ["x", "w"], ["y"]), tensors=[tensor("w", np.zeros((3, 4), np.float32))]),
       "the inner sizes differ")
expect(of(node("Identity", ["x"], ["y"]), inputs=[value("x", ["T", 4], np.uint8)]),
       "input 'x': expected elements float, float16, bfloat16, int32 or int64, found type 2")
expect(of(node("Identity", ["x"], ["y"]), tensors=[tensor("c", ROW), tensor("c", ROW)]),
       "tensor 'c' is there twice")
expect(of(node("Identity", ["x"], ["y"]),
          tensors=[field(1, 4) + field(2, 1) + field(8, "c") + field(9, b"123")]),
       "tensor 'c': expected 16 bytes, found 3")
expect(of(node("Identity", ["x"], ["y"]), tensors=[external_tensor("c", ROW, "../secret")]),
       "expected a path inside the model's directory")
(DIRECTORY / "w.bin").write_bytes(b"0" * 8)
expect(of(node("Identity", ["x"], ["y"]),
          tensors=[external_tensor("c", ROW, "w.bin", 4, 16)]),
       "its 16 bytes at 4 leave the file 'w.bin' of 8 bytes")
moe = ["x", "x", "a", "", "b"]
stacks = [tensor("a", np.zeros((4, 6, 4), np.float32)), tensor("b", np.zeros((4, 4, 3), np.float32))]
expect(of(node("MoE", moe, ["y"], "com.microsoft", k=9), tensors=stacks),
       "expected k between 1 and 4, found 9")
expect(of(node("MoE", moe, ["y"], "com.microsoft", k=1, activation_type="wave"), tensors=stacks),
       "activation_type 'wave' is not supported")
expect(of(node("MoE", moe, ["y"], "com.microsoft", k=1), tensors=stacks),
       "input 'b': expected shape [4, ?, 6], found [4, 4, 3]")
expect(of(node("MoE", moe, ["y"], "com.microsoft", k=1, activation_type="geglu"), tensors=stacks),
       "geglu needs a swiglu_fusion of 1 or 2")
expect(of(node("MoE", moe, ["y"], "com.microsoft", k=1, activation_type="swiglu", swiglu_fusion=3),
          tensors=stacks), "expected swiglu_fusion 0, 1 or 2, found 3")

# QMoE: 4 experts, hidden 4, inner 2, codes of 4 bits for each row of weights.
CODES = {"a": np.zeros((4, 2, 2), np.uint8), "as": np.zeros((4, 2), np.float32),
         "b": np.zeros((4, 4, 1), np.uint8), "bs": np.zeros((4, 4), np.float32)}
QMOE = ["x", "x", "a", "as", "", "b", "bs", ""]


def expect_codes(message, changed={}, inputs=QMOE, **attributes):
    tensors = [tensor(name, array) for name, array in (CODES | changed).items()]
    data = of(node("QMoE", inputs, ["y"], "com.microsoft", **({"k": 1} | attributes)),
              tensors=tensors)
    if message:
        expect(data, "node 'n_y' (QMoE): " + message)
    else:
        assert compile_bytes(data).returncode == 0


expect_codes(None)
expect_codes("expected weights of 2, 3, 4 or 8 bits, found 5", expert_weight_bits=5)
expect_codes("expected weights of 2, 3, 4 or 8 bits, found 1", fc2_expert_weight_bits=1)
expect_codes("input 'a': expected shape [4, ?, 4], found [4, 2, 2]", expert_weight_bits=8)
expect_codes("rows of 4 codes of 3 bits do not fill bytes", expert_weight_bits=3)
expect_codes("expected a block_size of at least 0, found -16", block_size=-16)
expect_codes("input 'as': expected shape [4, 2, 1], found [4, 2]", block_size=16)
expect_codes("input 'bs': expected shape [4, 4], found [4, 4, 1]",
             {"bs": np.zeros((4, 4, 1), np.float32)})
expect_codes("input 'a': expected shape [4, ?, 2], found [3, 2, 2]",
             {"a": np.zeros((3, 2, 2), np.uint8)})
expect_codes("input 'a': expected shape [4, ?, 2], found [4, 4]", {"a": np.zeros((4, 4), np.uint8)})
expect_codes("expected input 'a' to be an initialiser of U8", {"a": np.zeros((4, 2, 2), np.float32)})
expect_codes("expected input 'as' to be an initialiser of floating-point numbers",
             {"as": np.zeros((4, 2), np.int32)})
expect_codes("expected input 'x' to be an initialiser of U8", inputs=["x", "x", "x", *QMOE[3:]])
expect_codes("input 3 is missing", inputs=["x", "x", "a", "", *QMOE[4:]])
expect_codes("input 5 is missing", inputs=["x", "x", "a", "as"])
expect_codes("fc2 has 3 rows, expected 4",
             {"b": np.zeros((4, 3, 1), np.uint8), "bs": np.zeros((4, 3), np.float32)})
expect_codes("fc3 does not fit fc1", {"c": np.zeros((4, 1, 2), np.uint8),
                                      "cs": np.zeros((4, 1), np.float32)},
             inputs=[*QMOE, "c", "cs"])
expect_codes("swiglu without swiglu_fusion needs fc3", activation_type="swiglu")
more = [*QMOE, "", "", ""]
expect_codes("input 'z': expected shape [4, 1], found [4, 2]", {"z": np.zeros((4, 2), np.uint8)},
             inputs=[*more, "z"])
expect_codes("expected input 'z' to be an initialiser of U8", {"z": np.zeros((4, 1), np.float32)},
             inputs=[*more, "z"])
expect_codes("router_weights and logits differ in shape", {"r": np.zeros((4, 4), np.float32)},
             inputs=[*more, "", "", "", "r"])
expect_codes("use_sparse_mixer makes its own weights", inputs=[*more, "", "", "", "x"], k=2,
             use_sparse_mixer=1)
expect_codes("input 15, a scale of activations or of a whole expert, is not supported",
             inputs=[*more, "", "", "", "", "as"])
expect_codes("quant_type 'nvfp4' is not supported, only int and, with a block_size, fp8",
             quant_type="nvfp4")
expect_codes("quant_type 'fp8' is not supported", quant_type="fp8")
expect_codes("expected input 'a' to be an initialiser of F8_E4M3", quant_type="fp8", block_size=16)
expect_codes("weights_prepacked 1 is a layout of one execution provider", weights_prepacked=1)

# Codes that end early, or are not there.
short = of(node("QMoE", QMOE, ["y"], "com.microsoft", k=1),
           tensors=[external_tensor("a", CODES["a"], "w.bin", 0, 15),
                    *[tensor(name, CODES[name]) for name in ("as", "b", "bs")]])
expect(short, "leave the file 'w.bin' of 8 bytes")



def damage(whole, lengths, places):
    for length in lengths:
        assert compile_bytes(whole[:length]).returncode == 1, length
    for at in places:
        damaged = bytearray(whole)
        damaged[at] ^= 0xFF
        assert compile_bytes(bytes(damaged)).returncode in (0, 1), at


whole = pathlib.Path(MODEL).read_bytes()
# The structure lies before and between the weights; the step is a prime, so that all
# kinds of fields are hit.
damage(whole, range(0, len(whole), 9973), [*range(0, 600, 7), *range(600, len(whole), 4999)])
whole = of(node("QMoE", [*QMOE, "", "", "", "z"], ["y"], "com.microsoft", k=2, quant_type="int",
                expert_weight_bits=4, activation_type="silu", normalize_routing_weights=1),
           tensors=[tensor(name, array) for name, array in
                    (CODES | {"z": np.zeros((4, 1), np.uint8)}).items()])
assert compile_bytes(whole).returncode == 0
damage(whole, range(0, len(whole), 3), range(0, len(whole), 2))
print("all messages are as expected")
