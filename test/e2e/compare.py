# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""compare.py GOLDEN OUT [--exact]: compares the tensors of OUT with GOLDEN.

Both are safetensors files. Every tensor of OUT must be in GOLDEN and within
1e-4 + 1e-4 * |golden| (what f32 arithmetic in another order may differ by), or
be equal bit for bit with --exact. Prints one line a tensor and ends with
"N tensors agree".
"""

import json
import struct
import sys

import numpy as np

DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "BOOL": "|b1"}


def load(path):
    with open(path, "rb") as file:
        data = file.read()
    size = struct.unpack("<Q", data[:8])[0]
    tensors = {}
    for name, entry in json.loads(data[8 : 8 + size]).items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        raw = data[8 + size + begin : 8 + size + end]
        tensors[name] = np.frombuffer(raw, DTYPES[entry["dtype"]]).reshape(entry["shape"])
    return tensors


def disagreement(golden, value, exact):
    """What is wrong, or an empty text."""
    if golden.size != value.size:
        return f"shape {value.shape}, expected {golden.shape}"
    value = value.reshape(golden.shape)
    if exact or golden.dtype.kind in "iu":
        differing = int((golden != value).sum())
        return f"{differing} of {golden.size} elements differ" if differing else ""
    error = np.abs(golden.astype("f8") - value.astype("f8"))
    bad = ~(error <= 1e-4 + 1e-4 * np.abs(golden.astype("f8")))
    return f"{int(bad.sum())} of {golden.size} elements differ, by {error.max():.3e} at most" if bad.any() else ""


def main():
    golden, out = load(sys.argv[1]), load(sys.argv[2])
    exact = "--exact" in sys.argv[3:]
    failed = not out
    for name, value in sorted(out.items()):
        wrong = disagreement(golden[name], value, exact) if name in golden else "not in the golden file"
        print(f"{name}: {wrong or 'agrees'}")
        failed |= bool(wrong)
    if not failed:
        print(f"{len(out)} tensors agree")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
