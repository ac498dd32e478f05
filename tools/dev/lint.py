#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""House rules that a script can see. Each finding says how to mend it."""

import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
CODE = (".cpp", ".h", ".c", ".td")
MAX_LINES = 600
# A message begins in lower case (or names something) and has no full stop.
MESSAGE = re.compile(r'emit(?:Op)?Error\(\s*"([^"]*)"\s*\)?\s*;')


def files():
    listing = subprocess.run(["git", "ls-files"], cwd=ROOT, text=True,
                             capture_output=True, check=True).stdout
    return [name for name in listing.splitlines() if (ROOT / name).exists()]


def findings(name, text):
    if not text.splitlines() or "SPDX-License-Identifier" not in text:
        yield "no SPDX line; begin with // SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception"
    if text.count("\n") > MAX_LINES:
        yield f"{text.count(chr(10))} lines; split what is more than one idea ({MAX_LINES} at most)"
    if name.endswith(".h"):
        # runtime/include/moec/x.h is installed as moec/x.h.
        short = re.sub(r"^.*/include/", "", name)
        guard = re.sub(r"[^A-Za-z0-9]", "_", short).upper()
        if "/include/" not in name:
            guard = "MOEC_" + guard
        if f"#ifndef {guard}\n" not in text and "flatbuffers" not in name:
            yield f"include guard is not {guard}"
    for message in MESSAGE.findall(text):
        if message[:1].isupper() and not message[:2].isupper():
            yield f"message begins with a capital: {message!r}"
        if message.endswith("."):
            yield f"message ends with a full stop: {message!r}"


def main():
    count = 0
    code = [name for name in files() if name.endswith(CODE)]
    for name in code:
        if name.endswith("dlpack.h"):
            continue
        for finding in findings(name, (ROOT / name).read_text()):
            print(f"{name}: {finding}")
            count += 1
    formatter = shutil.which("clang-format-22")
    if not formatter:
        print("clang-format-22 is not installed: formatting was not checked", file=sys.stderr)
        return 1 if count else 0
    for name in code:
        if name.endswith(".td"):
            continue
        result = subprocess.run([formatter, "--dry-run", "-Werror", name], cwd=ROOT,
                                capture_output=True)
        if result.returncode:
            print(f"{name}: not formatted; run clang-format-22 -i {name}")
            count += 1
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
