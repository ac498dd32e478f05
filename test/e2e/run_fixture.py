# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""run_fixture.py FIXTURE WORK_DIR [moec option...]

Compiles the checkpoint in FIXTURE with `moec --scope=moe` and runs every MoE
layer of every golden file: by each ISA level that this machine has, on 1, 2 and
3 threads (which must agree bit for bit), and by the reference interpreter. All
must agree with the golden tensors; expert ids exactly.
"""

import glob
import os
import re
import shutil
import subprocess
import sys

from compare import load

COMPARE = os.path.join(os.path.dirname(__file__), "compare.py")
LEVELS = {
    "x86-64-v3": {"avx2", "fma", "f16c", "bmi2"},
    "x86-64-v4": {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"},
}


def run(*command):
    result = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if result.returncode:
        sys.exit(f"{' '.join(command)}: exit code {result.returncode}\n{result.stdout}")
    return result.stdout


def checkpoint_of(fixture):
    """The directory itself, or the one file that it has instead."""
    file = os.path.join(fixture, "model.gguf")
    return file if os.path.exists(file) else fixture


def machine_levels():
    with open("/proc/cpuinfo") as info:
        flags = set(next(line for line in info if line.startswith("flags")).split())
    for level, needed in LEVELS.items():
        if needed <= flags:
            yield level
        else:
            print(f"skipped: this machine does not run {level}")


def run_layer(artifact, golden, layer, out, *options):
    run("moe-run", artifact, f"--function={layer}.moe",
        f"--input=hidden_states={golden}:{layer}.moe_in", f"--output={out}",
        "--outputs=moe_out,router_logits,topk_ids,topk_weights", *options)
    return out


def compare(golden, out, *options):
    run(sys.executable, COMPARE, golden, out, *options)


def main():
    fixture, work = sys.argv[1], sys.argv[2]
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    artifact = os.path.join(work, "model.moe")
    run("moec", checkpoint_of(fixture), "-o", artifact, "--scope=moe", "--verify-each", *sys.argv[3:])
    levels = list(machine_levels())
    checked = 0
    for golden in sorted(glob.glob(os.path.join(fixture, "golden*.safetensors"))):
        layers = [m.group(1) for key in load(golden)
                  if (m := re.fullmatch(r"(.*layers\.\d+)\.moe_in", key))]
        for layer in layers:
            outs = []
            for level in levels:
                for threads in (1, 2, 3):
                    out = os.path.join(work, f"{level}-{threads}.safetensors")
                    run_layer(artifact, golden, layer, out, f"--target=cpu:{level}",
                              f"--threads={threads}")
                    compare(golden, out)
                    if threads > 1:
                        compare(outs[-1], out, "--exact")
                    outs.append(out)
                    checked += 1
            compare(golden, run_layer(artifact, golden, layer,
                                      os.path.join(work, "reference.safetensors"), "--reference"))
            checked += 1
    if not checked:
        sys.exit(f"{fixture}: no golden layer was found")
    print(f"{checked} runs agree with {fixture}")


if __name__ == "__main__":
    main()
