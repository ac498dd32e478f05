# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The few functions of moec/runtime.h that an operator calls, through ctypes."""

import ctypes
import os
import threading

import numpy as np

LIBRARY = "libmoec.so.1"  # or the path in the environment variable MOEC_LIBRARY


class _Error(ctypes.Structure):
    _fields_ = [("text", ctypes.c_char * 1024)]


class _Tensor(ctypes.Structure):
    """A DLTensor."""
    _fields_ = [("data", ctypes.c_void_p), ("device_type", ctypes.c_int32),
                ("device_id", ctypes.c_int32), ("ndim", ctypes.c_int32), ("code", ctypes.c_uint8),
                ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16),
                ("shape", ctypes.POINTER(ctypes.c_int64)), ("strides", ctypes.c_void_p),
                ("byte_offset", ctypes.c_uint64)]


class _TensorInfo(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_uint32), ("dtype", ctypes.c_int32),
                ("rank", ctypes.c_int32), ("name", ctypes.c_char_p),
                ("dimensions", ctypes.c_void_p)]


def _pointers(arrays):
    """An array of DLTensor*, for f32 arrays; and what must outlive it."""
    tensors = []
    for array in arrays:
        shape = (ctypes.c_int64 * array.ndim)(*array.shape)
        tensors.append(_Tensor(array.ctypes.data, 1, 0, array.ndim, 2, 32, 1, shape, None, 0))
    return (ctypes.POINTER(_Tensor) * len(tensors))(*map(ctypes.pointer, tensors)), tensors


class _Runtime:
    """The library, and one pool of threads for all layers."""

    def __init__(self):
        self.library = ctypes.CDLL(os.environ.get("MOEC_LIBRARY", LIBRARY))
        self.library.moec_module_find_function.restype = ctypes.c_void_p
        self.context = ctypes.c_void_p()
        self.check("context_create", None, ctypes.byref(self.context))

    def check(self, name, *arguments):
        """Calls moec_NAME(*arguments, error)."""
        error = _Error()
        if getattr(self.library, "moec_" + name)(*arguments, ctypes.byref(error)):
            raise RuntimeError(error.text.decode(errors="replace"))


class Layer:
    """A function of an artifact from f32 arrays to one f32 array."""

    runtime = None

    def __init__(self, path, function):
        if Layer.runtime is None:
            Layer.runtime = _Runtime()
        self.module, self.session = ctypes.c_void_p(), ctypes.c_void_p()
        self.runtime.check("module_load_file", self.runtime.context, os.fsencode(path), None,
                           ctypes.byref(self.module))
        found = self.runtime.library.moec_module_find_function(self.module, function.encode())
        if not found:
            raise ValueError(f"{path} has no function {function}")
        self.function = ctypes.c_void_p(found)
        self.runtime.check("session_create", self.module, ctypes.byref(self.session))
        self.workspace = np.empty(0, np.uint8)
        self.lock = threading.Lock()  # ctypes lets other threads of Python run

    def __call__(self, *arrays):
        with self.lock:
            return self._call(arrays)

    def _call(self, arrays):
        arrays = [np.ascontiguousarray(array, np.float32) for array in arrays]
        arguments, kept = _pointers(arrays)
        shape = (ctypes.c_int64 * 8)()
        count = ctypes.c_uint32(len(arrays))
        self.runtime.check("function_result_shape", self.function, arguments, count, 0, shape)
        info = _TensorInfo(struct_size=ctypes.sizeof(_TensorInfo))
        self.runtime.library.moec_function_get_result(self.function, 0, ctypes.byref(info))
        result = np.empty(shape[:info.rank], np.float32)
        results, also_kept = _pointers([result])
        size = ctypes.c_int64()
        self.runtime.check("function_workspace_size", self.function, arguments, count,
                           ctypes.byref(size))
        if len(self.workspace) < size.value + 64:
            self.workspace = np.empty(size.value + 64, np.uint8)
        address = self.workspace.ctypes.data
        self.runtime.check("session_call", self.session, self.function, arguments, count, results,
                           1, ctypes.c_void_p(address + -address % 64), size)
        del kept, also_kept
        return result
