# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""frameworks.py jax|torch LIBRARY: a layer on tensors of a framework gives what it gives
on NumPy arrays, bit for bit. LIBRARY is of the tiny checkpoint with --abi=tvm-ffi.
"""

import sys

import numpy as np
import tvm_ffi


def main():
    framework, library = sys.argv[1:]
    module = tvm_ffi.load_module(library)
    x = np.random.default_rng(0).standard_normal((5, 48)).astype(np.float32)

    def results():
        return [np.zeros(x.shape, np.float32), np.zeros((5, 8), np.float32),
                np.zeros((5, 3), np.int32), np.zeros((5, 3), np.float32)]

    raw = np.zeros(module["layers_0_moe_workspace"](tvm_ffi.from_dlpack(x)) + 64, np.uint8)
    workspace = tvm_ffi.from_dlpack(raw[-raw.ctypes.data % 64:][:len(raw) - 64])
    wanted, got = results(), results()
    module["layers_0_moe"](*map(tvm_ffi.from_dlpack, [x, *wanted]), workspace)
    assert wanted[0].any()

    if framework == "jax":
        import jax.numpy as jnp
        # Arrays of JAX are immutable, so results are of NumPy.
        module["layers_0_moe"](jnp.asarray(x), *map(tvm_ffi.from_dlpack, got), workspace)
    else:
        import torch
        module["layers_0_moe"](*map(torch.from_numpy, [x, *got]), workspace)
    assert all((a == b).all() for a, b in zip(wanted, got))
    print(framework + ": equal")


if __name__ == "__main__":
    main()
