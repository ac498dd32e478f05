# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""wheel.py DIR: the wheel in DIR, installed in DIR/site."""

import pathlib
import sys

import numpy as np

import moec

directory = pathlib.Path(sys.argv[1])
wheel, = directory.glob("*.whl")
assert wheel.stat().st_size < 2 << 20
print(wheel.name)
assert pathlib.Path(moec.__file__).is_relative_to(directory / "site")
layer = moec.load(directory / "tiny.moe")["layers.0.moe"]
assert np.isfinite(layer(np.ones((3, 48), np.float32)).moe_out).all()
libraries = {line.split()[-1] for line in open("/proc/self/maps") if "libmoec" in line}
assert libraries == {str(directory / "site/moec/libmoec.so.1")}, libraries
assert "torch" not in sys.modules
print("runs")
