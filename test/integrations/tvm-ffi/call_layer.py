# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""call_layer.py LIBRARY TOKENS RESULT: a layer through tvm-ffi, on NumPy arrays.

LIBRARY is a shared object of the tiny checkpoint with --abi=tvm-ffi; TOKENS and
RESULT are .npy files.
"""

import sys

import numpy as np
import tvm_ffi


def aligned(size):
    raw = np.zeros(size + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start:start + size]


def main():
    library, tokens, result = sys.argv[1:]
    module = tvm_ffi.load_module(library)
    x = np.load(tokens)
    out = [np.zeros(x.shape, np.float32), np.zeros((len(x), 8), np.float32),
           np.zeros((len(x), 3), np.int32), np.zeros((len(x), 3), np.float32)]
    workspace = aligned(module["layers_0_moe_workspace"](tvm_ffi.from_dlpack(x)))
    names = ["hidden_states", "moe_out", "router_logits", "topk_ids", "topk_weights", "workspace"]

    def call(count=6, **other):
        arrays = dict(zip(names, [x, *out, workspace])) | other
        given = [tvm_ffi.from_dlpack(a) if isinstance(a, np.ndarray) else a
                 for a in arrays.values()]
        module["layers_0_moe"](*given[:count])

    # Wrong calls are errors of the right kind, and nothing is written.
    wrong = [
        (TypeError, "5 arguments are given, expected 6", dict(count=5)),
        (TypeError, "'hidden_states' is no tensor", dict(hidden_states=3)),
        (TypeError, "'topk_ids' has DLPack type code 0 of 64 bits, expected code 0 of 32 bits",
         dict(topk_ids=out[2].astype(np.int64))),
        (ValueError, "'hidden_states' has 1 dimensions, expected 2", dict(hidden_states=x[0])),
        (ValueError, "'hidden_states' is not dense and row-major",
         dict(hidden_states=np.asfortranarray(x))),
        (ValueError, "wrong dimensions of 'moe_out'", dict(moe_out=out[0][1:])),
        (ValueError, "wrong dimensions of 'hidden_states'",
         dict(hidden_states=np.ascontiguousarray(x[:, 1:]))),
        (ValueError, "wrong workspace", dict(workspace=workspace[:-1])),
        (ValueError, "wrong workspace", dict(workspace=workspace[8:])),
    ]
    for kind, text, change in wrong:
        try:
            call(**change)
        except kind as error:
            assert "layers.0.moe: " + text in str(error), error
        else:
            sys.exit(f"no error: {text}")
        assert not any(array.any() for array in out), text

    call()
    np.save(result, out[0])
    print("called")


if __name__ == "__main__":
    main()
