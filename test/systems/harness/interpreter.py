# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""libmoec_reference.so (runtime/include/moec/reference.h) through ctypes."""

import ctypes as c
import pathlib
import shutil

import numpy as np

DTYPES = {1: "f4", 2: "f2", 4: "i4", 5: "i8", 6: "i1", 7: "u1", 8: "b1", 9: "f8"}
CODES = {np.dtype(name): code for code, name in DTYPES.items()}


class Error(Exception):
    pass


class Tensor(c.Structure):
    _fields_ = [("data", c.c_void_p), ("shape", c.POINTER(c.c_int64)),
                ("rank", c.c_int32), ("dtype", c.c_int32)]


GET = c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_char_p, c.POINTER(Tensor))
RESULT = c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_uint32, c.c_char_p, c.POINTER(Tensor))
TAP = c.CFUNCTYPE(None, c.c_void_p, c.c_char_p, c.POINTER(Tensor))


class Request(c.Structure):
    _fields_ = [("struct_size", c.c_uint32), ("num_arguments", c.c_uint32),
                ("bytecode", c.c_char_p), ("bytecode_size", c.c_uint64),
                ("function", c.c_char_p), ("arguments", c.POINTER(Tensor)),
                ("host", c.c_void_p), ("get_parameter", GET), ("result", RESULT), ("tap", TAP),
                ("error_text", c.c_char_p), ("error_capacity", c.c_uint64)]


def lend(array):
    """A tensor over the array's memory, and what must outlive it."""
    shape = (c.c_int64 * max(array.ndim, 1))(*array.shape)
    return Tensor(array.ctypes.data, shape, array.ndim, CODES[array.dtype]), (array, shape)


def take(tensor):
    shape = tuple(tensor.shape[i] for i in range(tensor.rank))
    dtype = np.dtype(DTYPES[tensor.dtype])
    size = int(np.prod(shape, dtype=int)) * dtype.itemsize
    return np.frombuffer(c.string_at(tensor.data, size) if size else b"", dtype).reshape(shape)


def narrow(value):
    value = np.asarray(value)
    wanted = {"f8": np.float32, "i8": np.int32}.get(value.dtype.str[1:], value.dtype)
    return np.array(value, wanted, order="C")


def run(bytecode, function, arguments, params):
    """(results, taps) by name."""
    root = pathlib.Path(shutil.which("moec")).resolve().parents[1]
    library = c.CDLL(str(root / "lib" / "libmoec_reference.so"))
    results, taps, kept = {}, {}, []

    def get(_, symbol, value):
        name = symbol.decode()
        if name not in params:
            return 1
        value[0], owner = lend(narrow(params[name]))
        kept.append(owner)
        return 0

    def result(_, index, name, value):
        results[name.decode()] = take(value[0])
        return 0

    def tap(_, name, value):
        taps[name.decode()] = take(value[0])

    lent = [lend(narrow(value)) for value in arguments]
    array = (Tensor * max(len(lent), 1))(*(tensor for tensor, _ in lent))
    text = c.create_string_buffer(1024)
    request = Request(c.sizeof(Request), len(lent), bytecode, len(bytecode), function.encode(),
                      array, None, GET(get), RESULT(result), TAP(tap),
                      c.cast(text, c.c_char_p), 1024)
    if library.moec_reference_run(c.byref(request)):
        raise Error(text.value.decode())
    return results, taps
