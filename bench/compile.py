#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""compile.py [DESCRIPTION.json...]: time and peak memory of compiling, beside the
time of copying the artifact's bytes to a new file and the peak memory of compiling
a model of a few bytes. Default: the OLMoE layers of examples/descriptions.

Prints a Markdown table. Run `moe-bench` on the artifacts (kept in build/bench) for
speed at run time.
"""

import os
import pathlib
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
EMPTY = """{"layers": [{"hidden_size": 16, "experts": 2, "intermediate_size": 16,
"dtype": "bf16", "router": {"top_k": 1}, "weights": {"random": {"seed": 1}}}]}"""


def run(*command):
    """Seconds and peak resident MiB of a command that must succeed."""
    begin = time.monotonic()
    pid = os.posix_spawn(command[0], command, os.environ)
    _, status, usage = os.wait4(pid, 0)
    if status:
        sys.exit(f"{' '.join(command)}: failed")
    return time.monotonic() - begin, usage.ru_maxrss / 1024


def copy(source, target):
    """Seconds that copying takes, read and write without reflinks."""
    begin = time.monotonic()
    with open(source, "rb") as reader, open(target, "wb") as writer:
        while block := reader.read(1 << 22):
            writer.write(block)
    seconds = time.monotonic() - begin
    os.remove(target)
    return seconds


def main():
    out = ROOT / "build/bench"
    out.mkdir(parents=True, exist_ok=True)
    moec = str(ROOT / "build/bin/moec")
    (out / "empty.json").write_text(EMPTY)
    _, empty = run(moec, str(out / "empty.json"), "-o", str(out / "empty.moe"))
    inputs = sys.argv[1:] or [str(ROOT / f"examples/descriptions/olmoe-layer-{t}.json")
                              for t in ("bf16", "f32")]
    print("| description | MB | compile s | copy s | 1.5 copy + 3 s | peak MiB | over an empty model |\n"
          "|---|---:|---:|---:|---:|---:|---:|")
    for path in inputs:
        artifact = out / (pathlib.Path(path).stem + ".moe")
        seconds, peak = run(moec, path, "-o", str(artifact))
        copied = copy(artifact, out / "copy")
        print(f"| {pathlib.Path(path).stem} | {artifact.stat().st_size / 1e6:.0f} | {seconds:.2f} | "
              f"{copied:.2f} | {1.5 * copied + 3:.2f} | {peak:.0f} | {peak - empty:.0f} |", flush=True)


if __name__ == "__main__":
    main()
