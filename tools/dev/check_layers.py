#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checks that each folder includes only what lies below it in the data flow.

Prints one line for each include that breaks the table and exits with 1.
"""

import pathlib
import re
import sys

# Folder -> folders of this project whose headers it may include. `tools` and
# `test` may include everything.
EDGES = {
    "dialects/moe": [],
    "dialects/grouped": ["dialects/moe"],
    "dialects/transformer": [],
    "weights/encodings": [],
    "weights": ["weights/encodings", "dialects"],
    "importers": ["weights", "dialects"],
    "reference": ["dialects", "runtime/include"],
    "passes": ["dialects"],
    "codegen/cpu": ["passes", "dialects", "runtime/include"],
    "codegen/cuda/toolchain": [],
    "codegen/cuda": ["codegen/cpu", "passes", "dialects", "runtime/include"],
    "codegen/artifact": ["runtime/schema", "runtime/include"],
    "codegen/object": ["codegen/cpu", "codegen/artifact", "weights/encodings", "dialects",
                       "runtime/include"],
    "runtime": [],
}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def owner(path):
    """The folder of EDGES that a repository path belongs to, or None."""
    matches = [f for f in EDGES if path == f or path.startswith(f + "/")]
    return max(matches, key=len, default=None)


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    broken = 0
    for folder in EDGES:
        for file in sorted((root / folder).rglob("*")):
            relative = file.relative_to(root).as_posix()
            if file.suffix not in (".h", ".cpp", ".td", ".c") or owner(relative) != folder:
                continue
            for include in INCLUDE.findall(file.read_text()):
                target = "runtime/include/" + include if include.startswith("moec/") else include
                top = target.split("/")[0]
                if not (root / top).is_dir():
                    continue
                inside = target.startswith(folder + "/")
                allowed = any(target.startswith(edge + "/") for edge in EDGES[folder])
                if not inside and not allowed:
                    print(f"{relative}: includes {include}; {folder} may include "
                          f"{', '.join(EDGES[folder]) or 'nothing of this project'}")
                    broken += 1
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
