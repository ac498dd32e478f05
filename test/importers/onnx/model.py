# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""model.py MOE-RUN ARTIFACT FIXTURE OUT: all outputs of the fixture's model."""

import pathlib
import subprocess
import sys

import numpy as np

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "e2e"))
from compare import load  # noqa: E402

run, artifact, fixture, out = sys.argv[1:]
names = {"y": "logits"}
for layer in (0, 1):
    for part in ("moe_in", "router_logits", "moe_out"):
        names[f"l{layer}_{part}"] = f"layers.{layer}.{part}"
for case in ("golden.safetensors", "golden_t7.safetensors"):
    golden = load(f"{fixture}/{case}")
    for mode in ([], ["--reference"]):
        subprocess.run([run, artifact, "--function=main", f"--input=x={fixture}/{case}:x",
                        "--outputs=" + ",".join(names), f"--output={out}.safetensors", *mode],
                       check=True)
        found = load(out + ".safetensors")
        for name, wanted in names.items():
            # The fixture's own tolerance; f32 sums in another order.
            np.testing.assert_allclose(found[name].reshape(golden[wanted].shape), golden[wanted],
                                       rtol=1e-4, atol=1e-4, err_msg=name)
    print(case, "agrees")
