# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""pointers.py write CHECKPOINT WEIGHTS IN: what examples/embed/pointers.c reads.
pointers.py compare CHECKPOINT OUT: its result against the golden one.
"""

import json
import os
import struct
import sys

import numpy as np

sys.path.append(os.path.join(os.path.dirname(__file__), "..", "..", "e2e"))
from compare import disagreement, load  # noqa: E402

EXPERTS = range(8)
NAMES = ["gate.weight", *[f"experts.{e}.gate_proj.weight" for e in EXPERTS],
         *[f"experts.{e}.up_proj.weight" for e in EXPERTS],
         *[f"experts.{e}.down_proj.weight" for e in EXPERTS],
         "shared_expert.gate_proj.weight", "shared_expert.up_proj.weight",
         "shared_expert_gate.weight", "shared_expert.down_proj.weight"]


def main():
    what, checkpoint, path = sys.argv[1:4]
    golden = load(os.path.join(checkpoint, "golden.safetensors"))
    if what == "compare":
        wanted = golden["layers.0.moe_out"]
        wrong = disagreement(wanted, np.fromfile(path, np.float32), exact=False)
        sys.exit(wrong or None)
    with open(os.path.join(checkpoint, "model.safetensors"), "rb") as file:
        data = file.read()
    size = struct.unpack("<Q", data[:8])[0]
    entries = json.loads(data[8:8 + size])
    with open(path, "wb") as file:
        for name in NAMES:
            begin, end = entries[f"model.layers.0.mlp.{name}"]["data_offsets"]
            file.write(data[8 + size + begin:8 + size + end])
    golden["layers.0.moe_in"].astype(np.float32).tofile(sys.argv[4])


if __name__ == "__main__":
    main()
