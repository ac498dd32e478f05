# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""wrong_calls.py LIBRARY: null, small, misaligned and mismatched things handed to a
function of a shared object of the tiny checkpoint.
"""

import ctypes
import sys

import numpy as np

TOKENS = 5
BAD_DIMENSION, BAD_WORKSPACE, BAD_ABI = 3, 5, 6


class Services(ctypes.Structure):
    """moec_services as the object's header has it."""
    _fields_ = [("struct_size", ctypes.c_uint32), ("num_workers", ctypes.c_uint32),
                ("host", ctypes.c_void_p), ("parallel_for", ctypes.c_void_p),
                ("tap", ctypes.c_void_p), ("wait", ctypes.c_void_p),
                ("launch", ctypes.c_void_p)]


def main():
    library = ctypes.CDLL(sys.argv[1])
    function = library.tiny_layers_0_moe
    get_size = library.tiny_layers_0_moe_workspace
    get_size.restype = ctypes.c_int64
    size = get_size(ctypes.c_int64(TOKENS), None)
    assert size > 0 and get_size(ctypes.c_int64(-1), None) == -BAD_DIMENSION - 16
    x = np.ones((TOKENS, 48), np.float32)
    out = [np.zeros((TOKENS, 48), np.float32), np.zeros((TOKENS, 8), np.float32),
           np.zeros((TOKENS, 3), np.int32), np.zeros((TOKENS, 3), np.float32)]
    raw = np.zeros(size + 128, np.uint8)
    start = raw.ctypes.data + -raw.ctypes.data % 64
    names = ["x", "tokens", "moe_out", "logits", "ids", "weights", "space", "size", "services"]
    good = dict(zip(names, [x.ctypes.data, TOKENS, *[array.ctypes.data for array in out],
                            start, size, None]))

    def call(**change):
        values = good | change
        integers = ("tokens", "size")
        return function(*[ctypes.c_int64(value) if name in integers else
                          value if isinstance(value, Services) else ctypes.c_void_p(value)
                          for name, value in values.items()])

    def services(struct_size, workers):
        return ctypes.addressof(kept.setdefault((struct_size, workers),
                                                Services(struct_size, workers)))

    kept = {}
    whole = ctypes.sizeof(Services)
    # The position is that of the argument, or of the result after the arguments.
    wrong = [(dict(x=None), -BAD_DIMENSION - 16), (dict(tokens=-1), -BAD_DIMENSION - 16)]
    wrong += [({name: None}, -BAD_DIMENSION - 16 * (2 + i))
              for i, name in enumerate(["moe_out", "logits", "ids", "weights"])]
    wrong += [(change, -BAD_WORKSPACE) for change in (
        dict(space=None), dict(size=size - 1), dict(space=start + 8))]
    wrong += [(dict(services=services(bytes, workers)), -BAD_ABI) for bytes, workers in (
        (0, 1), (3, 1), (23, 1), (whole, 0), (whole, 2))]  # the last: no parallel_for
    for change, status in wrong:
        got = call(**change)
        assert got == status, (change, got, status)
        assert not any(array.any() for array in out) and not raw.any(), change
    assert call() == 0 and out[0].any()
    print(len(wrong), "wrong calls")


if __name__ == "__main__":
    main()
