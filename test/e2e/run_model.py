# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""run_model.py FIXTURE WORK_DIR

Compiles the checkpoint in FIXTURE with `moec --scope=model` and runs every
golden file: `forward`, `decode` of all tokens at once, three at a time and one by
one, each on 1 and 3 threads (which must agree bit for bit), and `forward` and
`decode` by the reference interpreter. All logits must agree with the golden ones,
and those of `prefill`, compiled and interpreted, with the ones of the last tokens.
"""

import glob
import os
import shutil
import subprocess
import sys

from compare import disagreement, load
from run_fixture import checkpoint_of, run

COMPARE = os.path.join(os.path.dirname(__file__), "compare.py")
RUNS = [
    ["--function=forward"],
    ["--function=decode"],
    ["--function=decode", "--chunk=3"],
    ["--function=decode", "--chunk=1", "--context=11"],
]


def main():
    fixture, work = sys.argv[1:3]
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    artifact, out = f"{work}/model.moe", f"{work}/out.safetensors"
    run("moec", checkpoint_of(fixture), "-o", artifact, "--scope=model")
    for golden in sorted(glob.glob(f"{fixture}/golden*.safetensors")):
        wanted = f"{work}/logits.safetensors"
        shutil.copyfile(golden, wanted)
        inputs = f"--input=input_ids={golden}:input_ids"
        for options in RUNS:
            bytes_by_threads = []
            for threads in (1, 3):
                run("moe-run", artifact, inputs, f"--output={out}",
                    f"--threads={threads}", *options)
                run(sys.executable, COMPARE, wanted, out)
                bytes_by_threads.append(load(out)["logits"].tobytes())
            if bytes_by_threads[0] != bytes_by_threads[1]:
                sys.exit(f"{golden} {options}: threads disagree")
        for function in ("forward", "decode"):
            run("moe-run", artifact, inputs, f"--output={out}", "--reference",
                f"--function={function}")
            run(sys.executable, COMPARE, wanted, out)
        last = load(golden)["logits"][:, -1]
        for options in ([], ["--threads=3"], ["--reference"]):
            run("moe-run", artifact, inputs, f"--output={out}", "--function=prefill", *options)
            logits = load(out)["logits"]
            if logits.shape != last.shape or (wrong := disagreement(last, logits, False)):
                sys.exit(f"{golden} prefill {options}: {logits.shape}, {wrong}")
    print("runs agree")


if __name__ == "__main__":
    main()
