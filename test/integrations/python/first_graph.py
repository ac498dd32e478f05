# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The graph of the package's own description, compiled and run."""

import pathlib
import subprocess
import sys

import numpy as np

import moec as moe

work = pathlib.Path(sys.argv[1])
code = [line[4:] for line in moe.__doc__.splitlines() if line.startswith("    ")]
namespace = {}
exec("\n".join(code).replace("layer.moe", str(work / "layer.moe")), namespace)

x = np.random.default_rng(0).standard_normal((9, 32)).astype("f4")
np.save(work / "x.npy", x)
for option in ([], ["--reference"]):
    subprocess.run(["moe-run", work / "layer.moe", f"--input=hidden_states={work}/x.npy",
                    f"--output={work}/y{len(option)}.npy", *option], check=True)
compiled, interpreted = (np.load(work / f"y{i}.npy") for i in range(2))
np.testing.assert_allclose(compiled, interpreted, rtol=1e-5, atol=1e-5)
print(f"{len(code)} lines, {compiled.shape}")
