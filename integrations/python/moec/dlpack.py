# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tensors of any framework as DLTensor pointers, without copies."""

import ctypes
import mmap
import sys


class Tensor(ctypes.Structure):
    """A DLTensor."""
    _fields_ = [("data", ctypes.c_void_p), ("device_type", ctypes.c_int32),
                ("device_id", ctypes.c_int32), ("ndim", ctypes.c_int32), ("code", ctypes.c_uint8),
                ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16),
                ("shape", ctypes.POINTER(ctypes.c_int64)), ("strides", ctypes.c_void_p),
                ("byte_offset", ctypes.c_uint64)]


# Element types by their moec_dtype, as both NumPy and PyTorch call them.
DTYPES = {1: "float32", 2: "float16", 3: "bfloat16", 4: "int32", 5: "int64", 6: "int8",
          7: "uint8", 8: "bool", 9: "float64"}
# Where the DLTensor is in what a capsule of that name holds.
OFFSETS = {b"dltensor": 0, b"dltensor_versioned": 32}

_name = ctypes.pythonapi.PyCapsule_GetName
_name.restype, _name.argtypes = ctypes.c_char_p, [ctypes.py_object]
_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.restype, _pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]


def is_torch(value):
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def borrow(value, what):
    """The address of a DLTensor of `value`, and what must outlive its use."""
    if is_torch(value):
        value = value.detach()
    if not hasattr(value, "__dlpack__"):
        raise TypeError(f"{what} is a {type(value).__name__}, expected a tensor that has "
                        "__dlpack__, such as one of NumPy or PyTorch")
    try:
        capsule = value.__dlpack__(max_version=(1, 0))
    except TypeError:  # an older producer
        capsule = value.__dlpack__()
    name = _name(capsule)
    return _pointer(capsule, name) + OFFSETS[name], capsule


class Tensors:
    """A table of DLTensor pointers for one call."""

    def __init__(self, values, types):
        borrowed = [borrow(value, repr(types[i].name) if i < len(types) else f"tensor {i}")
                    for i, value in enumerate(values)]
        self.kept = [capsule for _, capsule in borrowed]
        self.count = ctypes.c_uint32(len(borrowed))
        self.table = (ctypes.c_void_p * len(borrowed))(*(address for address, _ in borrowed))


def empty(shape, dtype, torch):
    """A tensor of an element type of DTYPES, of PyTorch or else of NumPy."""
    if torch:
        module = sys.modules["torch"]
        return module.empty(shape, dtype=getattr(module, dtype))
    import numpy
    if dtype == "bfloat16":
        raise TypeError("NumPy has no bfloat16: give results as out=...")
    return numpy.empty(shape, dtype)


class Workspace:
    """Memory that grows with need, 64-byte aligned."""

    def __init__(self):
        self.size = 0

    def reserve(self, size):
        """Its address, with `size` bytes at least."""
        if size > self.size:
            self.memory = mmap.mmap(-1, size)
            self.address = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))
            self.size = size
        return ctypes.c_void_p(self.address)
