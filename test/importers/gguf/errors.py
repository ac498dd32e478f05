# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""errors.py MOEC WORK_DIR: prints what moec says to files that are wrong."""

import os
import subprocess
import sys

import numpy as np

from gguf_writer import write
from layers import E, H, I, layer, normal


def without(items, name):
    return {key: value for key, value in items.items() if key != name}


def main():
    moec, work = sys.argv[1:]
    os.makedirs(work, exist_ok=True)
    keys, tensors = layer("llama")
    up = "ffn_up_exps.weight"

    def report(name, keys=keys, tensors=tensors, cut=0, scope="moe"):
        path = f"{work}/{name}.gguf"
        write(path, keys, {f"blk.0.{key}": value for key, value in tensors.items()})
        os.truncate(path, os.path.getsize(path) - cut)
        out = f"{work}/{name}.moe"
        result = subprocess.run([moec, path, "-o", out, f"--scope={scope}"],
                                capture_output=True, text=True)
        print(f"{name}: {result.returncode} {result.stderr.replace(work + '/', '').strip()}")
        if os.path.exists(out):
            sys.exit(f"{name}: left a file behind")

    report("missing-tensor", tensors=without(tensors, up))
    report("missing-router", tensors=without(tensors, "ffn_gate_inp.weight"))
    report("shape", tensors=tensors | {up: normal(E, I, H + 1)})
    report("type", tensors=tensors | {up: np.zeros((E, I, H), np.int32)})
    report("missing-key", keys=without(keys, "llama.expert_used_count"))
    report("key-type", keys=keys | {"llama.expert_count": "eight"})
    report("too-many", keys=keys | {"llama.expert_used_count": E + 1})
    report("gating", keys=keys | {"llama.expert_gating_func": 9})
    report("no-architecture", keys=without(keys, "general.architecture"))
    report("unknown", keys=keys | {"general.architecture": "qwen4moe"})
    report("groups", keys=keys | {"llama.expert_group_count": 3,
                                  "llama.expert_group_used_count": 1})
    report("scale", tensors=tensors | {"ffn_up_exps.scale": normal(E)})
    report("no-experts", tensors={"ffn_up.weight": normal(I, H)})
    report("cut", cut=E * H * I)
    keys, tensors = layer("llama4")
    report("whole", keys=keys, tensors=tensors, scope="model")


if __name__ == "__main__":
    main()
