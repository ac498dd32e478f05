# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiles layers of fixtures for all GPU architectures and runs ptxas on them.

Prints what is wrong and exits with 1 where a kernel spills registers or ptxas
notes that it changed a pipeline (C75xx), which it takes for no warning.
"""

import concurrent.futures
import pathlib
import re
import subprocess
import sys

# f32 or what the checkpoint has; bf16 rows, which need bf16 weights.
LAYERS = {"mixtral": "f32", "gpt_oss_mxfp4": "f32", "qwen2_moe": "f32",
          "deepseek_v3": "bf16", "gpt_oss": "bf16", "olmoe": "bf16"}
ARCHITECTURES = ["sm_80", "sm_90a", "sm_100a", "sm_120"]


def problems(moec, ptxas, layer, architecture, folder):
    """What is wrong with the code for a layer, a line each."""
    ptx = folder / f"{layer.name}-{architecture}.ptx"
    cubin = ptx.with_suffix(".cubin")
    for command in (
        [moec, layer, f"--target=cuda:{architecture}", "--emit=ptx", "-o", ptx,
         f"--compute={LAYERS[layer.name]}"],
        [ptxas, "-v", f"-arch={architecture}", ptx, "-o", cubin],
    ):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            return [f"{layer.name}, {architecture}: {done.stderr}"]
    kernels = re.findall(r"(\d+) bytes spill stores, (\d+) bytes spill loads", done.stderr)
    wrong = [] if "mma.sync" in ptx.read_text() or layer.name == "qwen2_moe" else ["no mma"]
    wrong += [] if len(kernels) == ptx.read_text().count(".entry ") > 0 else ["no kernels"]
    wrong += ["spills " + " and ".join(pair) for pair in kernels if pair != ("0", "0")]
    wrong += re.findall(r".*\bC75\d\d.*", done.stderr)
    return [f"{layer.name}, {architecture}: {what}" for what in wrong]


def main():
    moec, ptxas, fixtures, folder = sys.argv[1:]
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    cases = [(pathlib.Path(fixtures) / layer, a) for layer in LAYERS for a in ARCHITECTURES]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = pool.map(lambda case: problems(moec, ptxas, *case, folder), cases)
        found = [line for lines in results for line in lines]
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
