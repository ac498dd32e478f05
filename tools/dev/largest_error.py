#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""largest_error.py GOLDEN OUT...: prints the largest difference of the f32
tensors of the OUT files from those of GOLDEN. Exits with 5 when one is more than
1e-4 + 1e-4 * |golden|. Needs nothing but Python."""

import array
import json
import sys


def load(path):
    """The f32 tensors of a safetensors file, flat."""
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = file.read()
    return {name: array.array("f", data[slice(*entry["data_offsets"])])
            for name, entry in header.items() if entry.get("dtype") == "F32"}


def main():
    golden = load(sys.argv[1])
    largest, wrong, count = 0.0, False, 0
    for path in sys.argv[2:]:
        for name, values in load(path).items():
            if len(values) != len(golden[name]):
                sys.exit(f"{name}: {len(values)} values, expected {len(golden[name])}")
            for expected, value in zip(golden[name], values):
                error = abs(expected - value)
                largest = max(largest, error)
                wrong |= not error <= 1e-4 + 1e-4 * abs(expected)
                count += 1
    print(f"largest error against the golden output: {largest:.3e} ({count} values)")
    return 5 if wrong or not count else 0


if __name__ == "__main__":
    sys.exit(main())
