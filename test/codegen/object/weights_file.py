# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""weights_file.py LINKED.so FILE.so: layers with weights in a mapped file give what
layers with linked weights give, bit for bit; both are of the tiny checkpoint.
"""

import ctypes
import sys

import numpy as np


def run(path, layer, weights):
    function = getattr(ctypes.CDLL(path), f"layer_layers_{layer}_moe")
    size = 1 << 20
    space = np.zeros(size + 64, np.uint8)
    space = space[-space.ctypes.data % 64:]
    x = np.random.default_rng(1).standard_normal((5, 48)).astype(np.float32)
    out = [np.zeros((5, 48), np.float32), np.zeros((5, 8), np.float32),
           np.zeros((5, 3), np.int32), np.zeros((5, 3), np.float32)]
    pointers = [ctypes.c_void_p(array.ctypes.data) for array in [x, *out, space]]
    status = function(pointers[0], ctypes.c_int64(5), *pointers[1:5], *weights, pointers[5],
                      ctypes.c_int64(size), None)
    return status, out


def main():
    linked, path = sys.argv[1:]
    mapped = np.memmap(path[:-3] + ".weights", np.uint8, "r")
    for layer in (0, 1):
        status, wanted = run(linked, layer, [])
        assert status == 0 and wanted[0].any()
        status, got = run(path, layer, [ctypes.c_void_p(mapped.ctypes.data)])
        assert status == 0
        assert all((a == b).all() for a, b in zip(wanted, got))
        status, got = run(path, layer, [None])
        assert status == -1 and not any(array.any() for array in got)
    print(f"{mapped.size} bytes agree")


if __name__ == "__main__":
    main()
