# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The functions of moec/runtime.h through ctypes."""

import ctypes
import os
import pathlib
import threading


class ArtifactError(ValueError):
    """A file is no artifact, is damaged, or is too new."""


# What a moec_status is in Python.
EXCEPTIONS = {1: ValueError, 2: ArtifactError, 3: OSError, 4: LookupError}
POINTER, SIZE = ctypes.c_void_p, ctypes.c_int64


class Error(ctypes.Structure):
    _fields_ = [("text", ctypes.c_char * 1024)]


class Dimension(ctypes.Structure):
    _fields_ = [("size", SIZE), ("symbol", ctypes.c_char_p)]


class TensorInfo(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_uint32), ("dtype", ctypes.c_int32),
                ("rank", ctypes.c_int32), ("name", ctypes.c_char_p),
                ("dimensions", ctypes.POINTER(Dimension))]


class FunctionInfo(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_uint32), ("num_arguments", ctypes.c_uint32),
                ("num_results", ctypes.c_uint32), ("num_parameters", ctypes.c_uint32),
                ("num_taps", ctypes.c_uint32), ("name", ctypes.c_char_p),
                ("c_name", ctypes.c_char_p), ("entry", ctypes.c_char_p),
                ("parameters", POINTER), ("taps", POINTER), ("num_states", ctypes.c_uint32),
                ("states", POINTER), ("appends", ctypes.c_char_p)]


class ContextOptions(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_uint32), ("threads", ctypes.c_uint32),
                ("hooks", POINTER * 6)]


class ModuleOptions(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_uint32), ("flags", ctypes.c_uint32),
                ("level", ctypes.c_char_p)]


class StateSize(ctypes.Structure):
    _fields_ = [("symbol", ctypes.c_char_p), ("size", SIZE)]


class SessionOptions(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_uint32), ("num_sizes", ctypes.c_uint32),
                ("sizes", ctypes.POINTER(StateSize))]


class Services(ctypes.Structure):
    """A moec_services, to be handed on only."""
    _fields_ = [("struct_size", ctypes.c_uint32), ("num_workers", ctypes.c_uint32),
                ("host", POINTER), ("functions", POINTER * 4)]


def _path():
    """That of MOEC_LIBRARY, the one of the wheel, or the system's."""
    bundled = pathlib.Path(__file__).with_name("libmoec.so.1")
    return os.environ.get("MOEC_LIBRARY") or (str(bundled) if bundled.exists() else "libmoec.so.1")


class Library:
    """libmoec, and one pool of threads for whatever is called from Python."""

    _instance = None
    _lock = threading.Lock()

    @classmethod
    def get(cls):
        with cls._lock:
            if cls._instance is None:
                cls._instance = cls()
            return cls._instance

    def __init__(self):
        self.functions = ctypes.CDLL(_path())
        for name, result in (("moec_module_find_function", POINTER),
                             ("moec_module_get_function", POINTER),
                             ("moec_session_length", SIZE), ("moec_version", ctypes.c_char_p),
                             ("moec_session_destroy", None), ("moec_module_destroy", None),
                             ("moec_session_reset", None)):
            getattr(self.functions, name).restype = result
        self.version = self.functions.moec_version().decode()
        text = os.environ.get("MOEC_NUM_THREADS", "0")
        if not text.isdigit():
            raise ValueError(f"MOEC_NUM_THREADS is {text!r}, expected a number")
        options = ContextOptions(ctypes.sizeof(ContextOptions), int(text))
        self.context = POINTER()
        self.check("context_create", ctypes.byref(options), ctypes.byref(self.context))

    def check(self, name, *arguments):
        """Calls moec_NAME(*arguments, error); what it reports is raised."""
        error = Error()
        status = getattr(self.functions, "moec_" + name)(*arguments, ctypes.byref(error))
        if status:
            raise EXCEPTIONS.get(status, RuntimeError)(error.text.decode(errors="replace"))

    def describe(self, name, info, *of):
        """Fills `info` by moec_NAME(*of, info)."""
        info.struct_size = ctypes.sizeof(info)
        if getattr(self.functions, "moec_" + name)(*of, ctypes.byref(info)):
            raise ValueError(f"moec_{name} refuses its arguments")
        return info

    def services(self):
        """The threads, for code of moec --emit=shared."""
        return self.describe("context_get_services", Services(), self.context)
