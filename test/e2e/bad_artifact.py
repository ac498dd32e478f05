# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""bad_artifact.py CHECKPOINT WORK_DIR

Cuts an artifact at many lengths and flips bytes of its prelude, header, code and
source. The tools must exit with 3 and name the file; a flipped weight byte is
found by --verify. (test/runtime does every length and byte in process.)
"""

import os
import re
import shutil
import subprocess
import sys

TOOLS = {
    "moe-inspect": lambda path: ["moe-inspect", path],
    "moe-run": lambda path: ["moe-run", path, "--function=layers.0.moe",
                             "--input=hidden_states=none.npy", f"--output={path}.npy"],
}


def run(command):
    return subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def main():
    checkpoint, work = sys.argv[1], sys.argv[2]
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    good = os.path.join(work, "good.moe")
    made = run(["moec", checkpoint, "-o", good, "--target=cpu:x86-64-v3"])
    if made.returncode:
        sys.exit(made.stdout)
    with open(good, "rb") as file:
        data = file.read()
    header = int.from_bytes(data[8:16], "little")
    segments = re.findall(r'"kind": "(\w+)".*?"offset": (\d+).*?"size": (\d+)',
                          run(["moe-inspect", "--json", good]).stdout, re.S)
    weights = next(int(offset) for kind, offset, _ in segments if kind == "weights")

    broken = [(f"cut at {n}", data[:n])
              for n in [*range(0, 72), *range(72, 64 + header, 97), *range(64 + header, len(data), 4999)]]
    flips = [*range(0, 64), *range(64, 64 + header, 61)]
    for kind, offset, size in segments:
        if kind != "weights":
            flips += range(int(offset), int(offset) + int(size), max(1, int(size) // 20))
    for at in flips:
        broken.append((f"byte {at} flipped", data[:at] + bytes([data[at] ^ 0x40]) + data[at + 1 :]))

    path = os.path.join(work, "bad.moe")
    failures = []

    def expect(what, command, text="bad.moe"):
        result = run(command)
        if result.returncode != 3 or text not in result.stdout:
            failures.append(f"{what}: {command[0]} exits with {result.returncode}: {result.stdout[:300]}")

    for index, (what, content) in enumerate(broken):
        with open(path, "wb") as file:
            file.write(content)
        expect(what, TOOLS["moe-inspect" if index % 8 else "moe-run"](path))
    with open(path, "wb") as file:
        at = weights + 1
        file.write(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    expect("weight flipped", TOOLS["moe-run"](path) + ["--verify"])
    if os.path.exists(path + ".npy"):
        failures.append("an output file was left")
    print("\n".join(failures) or f"{len(broken) + 1} broken artifacts are refused")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
