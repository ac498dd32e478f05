# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""attention.py WORK_DIR: attention by compiled code, by the interpreter and by
the compiled decomposition, on random tensors of odd sizes; all must agree within
1e-5 (f32 sums of some hundred terms in another order)."""

import os
import shutil
import sys

import numpy as np

from run_fixture import run

# heads, key heads, width, value width, attributes, segments, sinks
CASES = [
    (1, 1, 1, 1, "", False, False),
    (4, 4, 16, 16, "causal,", False, False),
    (8, 2, 13, 9, "causal, window = 5 : i64,", False, True),
    (6, 1, 24, 40, "causal, softcap = 3.0 : f32,", True, False),
    (3, 3, 8, 33, "window = 70 : i64,", True, True),
]
SIZES = [(1, 1, 1), (2, 3, 7), (1, 65, 130), (3, 1, 200)]


def module(heads, key_heads, width, value_width, attributes, segments, sinks):
    q, k = f"tensor<?x?x{heads}x{width}xf32>", f"tensor<?x?x{key_heads}x{width}xf32>"
    v, o = f"tensor<?x?x{key_heads}x{value_width}xf32>", f"tensor<?x?x{heads}x{value_width}xf32>"
    table, sink = "tensor<?x?xi32>", f"tensor<{heads}xf32>"

    def argument(name, type_, tokens, *rest):
        dims = ", ".join(f'"{d}"' for d in ["B", tokens, *rest])
        return f'%{name}: {type_} {{moe.name = "{name}", moe.dims = [{dims}]}}'

    return f"""
func.func @main({argument("q", q, "S", heads, width)}, {argument("k", k, "T", key_heads, width)},
    {argument("v", v, "T", key_heads, value_width)}, {argument("qp", table, "S")},
    {argument("kp", table, "T")}, {argument("qs", table, "S")}, {argument("ks", table, "T")},
    %sinks: {sink} {{moe.name = "sinks", moe.dims = ["{heads}"]}})
    -> ({o} {{moe.name = "o", moe.dims = ["B", "S", "{heads}", "{value_width}"]}}) {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %q, %c0 : {q}
  %s = tensor.dim %q, %c1 : {q}
  %init = tensor.empty(%b, %s) : {o}
  %o = transformer.attention query(%q : {q}) key(%k : {k}) value(%v : {v})
    positions(%qp, %kp : {table}, {table})
    {f"segments(%qs, %ks : {table}, {table})" if segments else ""}
    {f"sinks(%sinks : {sink})" if sinks else ""}
    outs(%init : {o}) {{{attributes} scale = 0.3 : f32}} -> {o}
  return %o : {o}
}}
"""


def main():
    work = sys.argv[1]
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    random = np.random.default_rng(7)
    count = 0
    for case in CASES:
        heads, key_heads, width, value_width = case[:4]
        with open(f"{work}/m.mlir", "w") as file:
            file.write(module(*case))
        run("moec", f"{work}/m.mlir", "-o", f"{work}/m.moe")
        run("moe-opt", f"{work}/m.mlir", "--moe-decompose-transformer=all", "-o", f"{work}/d.mlir")
        run("moec", f"{work}/d.mlir", "-o", f"{work}/d.moe")
        for batch, tokens, keys in SIZES:
            shapes = {"q": (batch, tokens, heads, width), "k": (batch, keys, key_heads, width),
                      "v": (batch, keys, key_heads, value_width), "sinks": (heads,)}
            values = {n: random.standard_normal(s).astype("f4") for n, s in shapes.items()}
            values["qp"] = random.integers(0, keys + 3, (batch, tokens), "i4")
            values["kp"] = random.integers(-1, keys, (batch, keys), "i4")
            values["qs"] = random.integers(0, 2, (batch, tokens), "i4")
            values["ks"] = random.integers(0, 2, (batch, keys), "i4")
            for name, value in values.items():
                np.save(f"{work}/{name}.npy", value)
            inputs = [f"--input={n}={work}/{n}.npy" for n in values]
            outputs = []
            for number, options in enumerate((["m.moe", "--threads=2"], ["m.moe", "--reference"],
                                              ["d.moe"])):
                out = f"{work}/o{number}.npy"
                run("moe-run", f"{work}/{options[0]}", *inputs, f"--output={out}", *options[1:])
                outputs.append(np.load(out))
            for other in outputs[1:]:
                np.testing.assert_allclose(outputs[0], other, atol=1e-5, rtol=1e-5)
            count += 1
    print(f"{count} cases agree")


if __name__ == "__main__":
    main()
