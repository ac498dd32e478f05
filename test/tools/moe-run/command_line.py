# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""command_line.py ARTIFACT GOLDEN WORK_DIR: runs moe-run with good and bad
command lines on the artifact of a mixtral checkpoint and checks exit codes,
messages and files. ends with an exit code other than 0 at the first difference.
"""

import json
import os
import shutil
import struct
import subprocess
import sys

import numpy as np

artifact, golden_path, work = sys.argv[1:4]
shutil.rmtree(work, ignore_errors=True)
os.makedirs(work)
FUNCTION = "layers.0.moe"
INPUT = f"hidden_states={golden_path}:layers.0.moe_in"
DTYPES = {"F32": "<f4", "F64": "<f8", "F16": "<f2", "I32": "<i4", "I64": "<i8"}


def load(path):
    data = open(path, "rb").read()
    size = struct.unpack("<Q", data[:8])[0]
    tensors = {}
    for name, entry in json.loads(data[8 : 8 + size]).items():
        begin, end = (8 + size + offset for offset in entry["data_offsets"])
        tensors[name] = np.frombuffer(data[begin:end], DTYPES[entry["dtype"]]).reshape(entry["shape"])
    return tensors


def save(path, dtype, array, raw=None):
    raw = array.tobytes() if raw is None else raw
    header = json.dumps({"x": {"dtype": dtype, "shape": list(array.shape), "data_offsets": [0, array.nbytes]}}).encode()
    open(path, "wb").write(struct.pack("<Q", len(header)) + header + raw)
    return path


def at(name):
    return os.path.join(work, name)


def run(*options, code=0, message="", file=artifact):
    command = ["moe-run", file, *options]
    result = subprocess.run(command, text=True, capture_output=True)
    if result.returncode != code or message not in result.stderr or result.stdout:
        sys.exit(f"{' '.join(command)}\nexpected exit code {code} and '{message}', got {result.returncode}:\n{result.stderr}{result.stdout}")
    if code and result.stderr.count("\n") != 1:
        sys.exit(f"{' '.join(command)}: expected one line, got\n{result.stderr}")


def layer(*options, **keywords):
    run(f"--function={FUNCTION}", *options, **keywords)


golden = load(golden_path)
x, expected = golden["layers.0.moe_in"], golden["layers.0.moe_out"]


def agree(path, name="layers.0.moe_out", wanted=expected, tolerance=1e-4):
    tensors = load(path)
    assert name in tensors, (name, list(tensors))
    assert tensors[name].shape == wanted.shape, tensors[name].shape
    assert np.allclose(tensors[name], wanted, tolerance, tolerance), name
    return tensors


# Results: only moe_out unless others are asked for; ids ascend in each row.
out = at("out.safetensors")
layer(f"--input={INPUT}", f"--output={out}")
assert list(agree(out)) == ["layers.0.moe_out"]
layer(f"--input={INPUT}", f"--output={out}", "--outputs=topk_ids,topk_weights,router_logits")
tensors = agree(out, "layers.0.router_logits", golden["layers.0.router_logits"])
assert (tensors["layers.0.topk_ids"] == golden["layers.0.topk_ids"]).all()
agree(out, "layers.0.topk_weights", golden["layers.0.topk_weights"])
layer(f"--input={INPUT}", f"--output={at('out.npy')}")
exact = np.load(at("out.npy"))
assert np.allclose(exact, expected, 1e-4, 1e-4)
layer(f"--input={INPUT}", f"--output={at('ids.npy')}", "--outputs=topk_ids")
assert np.load(at("ids.npy")).dtype == np.int32
layer(f"--input={INPUT}")

# Inputs: npy, leading dimensions, other floating-point types.
np.save(at("in.npy"), x.reshape(1, *x.shape))
layer(f"--input=hidden_states={at('in.npy')}", f"--output={at('other.npy')}")
assert (np.load(at("other.npy")) == exact).all()
save(at("in.safetensors"), "F64", x.astype("f8"))
layer(f"--input=hidden_states={at('in.safetensors')}:x", f"--output={at('other.npy')}")
assert (np.load(at("other.npy")) == exact).all()
rounded = (x.view("u4") & 0xFFFF0000).view("f4")
save(at("in.safetensors"), "BF16", np.zeros(x.shape, "u2"), (rounded.view("u4") >> 16).astype("u2").tobytes())
np.save(at("in.npy"), rounded)
layer(f"--input=hidden_states={at('in.npy')}", f"--output={at('a.npy')}")
layer(f"--input=hidden_states={at('in.safetensors')}:x", f"--output={at('b.npy')}")
assert (np.load(at("a.npy")) == np.load(at("b.npy"))).all()
half = np.array([0, -0.0, 1, -2.5, 6e-8, 65504, 0.1, 1e-5] * 4, "f2").reshape(1, 32)
np.save(at("in.npy"), half)
np.save(at("in32.npy"), half.astype("f4"))
layer(f"--input=hidden_states={at('in.npy')}", f"--output={at('a.npy')}")
layer(f"--input=hidden_states={at('in32.npy')}", f"--output={at('b.npy')}")
assert np.array_equal(np.load(at("a.npy")), np.load(at("b.npy")), equal_nan=True)
np.save(at("in.npy"), x[:0])
layer(f"--input=hidden_states={at('in.npy')}", f"--output={at('a.npy')}")
assert np.load(at("a.npy")).shape == (0, 32)

# The interpreter, the trace, the other options.
layer(f"--input={INPUT}", f"--output={out}", "--reference")
agree(out)
layer(f"--input={INPUT}", f"--output={at('other.npy')}", "--threads=3", "--verify", f"--trace={at('trace.json')}")
assert (np.load(at("other.npy")) == exact).all()
events = json.load(open(at("trace.json")))["traceEvents"]
assert [e["cat"] for e in events].count("call") == 1 and len(events) > 1
assert all(e["dur"] >= 0 and e["tid"] in (0, 1, 2) for e in events)

# Errors in the command line.
run(code=2, message="--function is needed: the functions are layers.0.moe, layers.1.moe")
run("--function=layers.7.moe", code=1, message="there is no function 'layers.7.moe', only layers.0.moe, layers.1.moe")
layer(code=2, message="layers.0.moe: --input=hidden_states=... is needed")
layer(f"--input={INPUT}", f"--input=y={at('in.npy')}", code=2, message="there is no argument 'y'")
layer(f"--input={INPUT}", f"--input={INPUT}", code=2, message="is given twice")
layer("--input=hidden_states", code=2, message="expected --input=NAME=FILE")
layer("--input=hidden_states=x.txt", code=2, message="'x.txt': expected FILE.safetensors:TENSOR or FILE.npy")
layer("--frobnicate=1", code=2, message="unknown option --frobnicate")
layer("--threads=0", code=2, message="--threads=0: expected 1 to 1024")
layer("--threads=2x", code=2, message="--threads=2x")
layer("--target=tpu", code=2, message="--target=tpu: expected cpu or cpu:LEVEL")
layer("--target=cuda", code=4, message="--target=cuda")
layer("--target=cpu:x86-64-v9", f"--input={INPUT}", code=1, message="there is no code of level x86-64-v9")
layer(f"--input={INPUT}", f"--output={out}", "--outputs=moe_oot", code=2, message="has no result 'moe_oot', only moe_out, router_logits")
layer(f"--input={INPUT}", "--outputs=moe_out", code=2, message="--outputs needs --output")
layer(f"--input={INPUT}", f"--output={at('x.npy')}", "--outputs=moe_out,topk_ids", code=2, message="a .npy file holds one tensor, not 2")
layer(f"--input={INPUT}", f"--output={at('x.bin')}", code=2, message="expected a name that ends with .safetensors or .npy")
layer(f"--input={INPUT}", f"--output={at('no/out.npy')}", code=4, message="cannot create: No such file or directory")
layer(f"--input={INPUT}", f"--set=layers.0.router={at('in32.npy')}", code=1, message="there is no parameter 'layers.0.router'")
layer(f"--input={INPUT}", f"--tap=scores={at('tap.npy')}", code=1, message="--tap=scores: the function recorded no such value")

# Errors in inputs: file and tensor are named.
layer(f"--input=hidden_states={golden_path}:nothing", code=1, message="golden.safetensors: there is no tensor 'nothing'")
layer(f"--input=hidden_states={golden_path}:layers.0.topk_ids", code=1, message="i64 values cannot become the f32 of argument 'hidden_states'")
layer(f"--input=hidden_states={golden_path}:layers.0.topk_weights", code=1, message="argument 'hidden_states' has 2 in dimension 1, expected 32")
layer(f"--input=hidden_states={at('none.npy')}", code=1, message="none.npy: cannot open: No such file")
np.save(at("fortran.npy"), np.asfortranarray(x))
layer(f"--input=hidden_states={at('fortran.npy')}", code=1, message="fortran.npy: expected C order")
np.save(at("complex.npy"), x.astype("c8"))
layer(f"--input=hidden_states={at('complex.npy')}", code=1, message="the dtype '<c8' cannot be an input")
for name in ("in32.npy", "in.safetensors"):
    whole = open(at(name), "rb").read()
    place = at("cut." + name) + (":x" if name.endswith("s") else "")
    for size in {*range(0, len(whole), 7), len(whole) - 1}:
        open(at("cut." + name), "wb").write(whole[:size])
        layer(f"--input=hidden_states={place}", code=1, message="cut." + name)
header = {"x": {"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 16]}}
for change in ({}, {"shape": [-1]}, {"shape": "2"}, {"dtype": 4}, {"dtype": "F4"}, {"shape": [4], "data_offsets": [16, 0]}, {"shape": [4], "data_offsets": [2**63, 2**63 + 16]}, {"shape": [4], "data_offsets": [0]}):
    text = json.dumps({"x": {**header["x"], **change}}).encode()
    open(at("bad.safetensors"), "wb").write(struct.pack("<Q", len(text)) + text + bytes(16))
    layer(f"--input=hidden_states={at('bad.safetensors')}:x", code=1, message="bad.safetensors: tensor 'x': ")
for text in (b"[1, 2]", b"{", b'{"x": 3}', b"[" * 100000):
    open(at("bad.safetensors"), "wb").write(struct.pack("<Q", len(text)) + text)
    layer(f"--input=hidden_states={at('bad.safetensors')}:x", code=1, message="bad.safetensors: ")

# Errors in the artifact.
whole = open(artifact, "rb").read()
bad = at("bad.moe")
for size in (0, 63, 64, 1000, len(whole) // 2, len(whole) - 1):
    open(bad, "wb").write(whole[:size])
    layer(f"--input={INPUT}", file=bad, code=3, message="bad.moe: prelude")
flipped = bytearray(whole)
flipped[5000] ^= 1
open(bad, "wb").write(flipped)
layer(f"--input={INPUT}", file=bad, code=3, message="bad.moe: header.segments[0].hash does not match the code segment")
flipped = bytearray(whole)
flipped[-1] ^= 1
open(bad, "wb").write(flipped)
layer(f"--input={INPUT}", file=bad)
layer(f"--input={INPUT}", "--verify", file=bad, code=3, message="hash does not match the bytes of 'layers.1.")
layer(f"--input={INPUT}", file=at("none.moe"), code=4, message="none.moe: cannot open: No such file")

leftovers = [name for name in os.listdir(work) if ".tmp-" in name or name.startswith("x.")]
assert not leftovers, leftovers
