# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Artifacts: load them, and call their functions on tensors of any framework.

    module = moec.load("model.moe")
    result = module["layers.0.moe"](hidden_states)   # PyTorch, NumPy, or any DLPack
    result.moe_out
"""

import collections
import ctypes
import os
import re
import threading
import weakref

from .dlpack import DTYPES, Tensors, Workspace, empty, is_torch
from .library import (POINTER, FunctionInfo, Library, ModuleOptions, SessionOptions, StateSize,
                      TensorInfo)

VERIFY_WEIGHTS = 1
TensorType = collections.namedtuple("TensorType", "name dtype shape")
TensorType.__doc__ = "dtype: 'float32'; shape: fixed sizes, and names of those that calls choose."


def load(path, *, level=None, verify=False):
    """The module of an artifact. `level`: the code to use, such as "x86-64-v3" (else the
    best for this processor). `verify`: read and hash all weights."""
    return Module(path, level, verify)


def _finally(owner, destroy, *arguments):
    # Not __del__: a module must not go before its sessions, and tracebacks make cycles,
    # in which __del__ has no order. These arguments are alive until `owner` is not.
    weakref.finalize(owner, destroy, *arguments).atexit = False


def _destroy_session(code, handle):
    code.library.functions.moec_session_destroy(handle)


class _Code:
    """The loaded file. Whatever can be called keeps it."""

    def __init__(self, path, level, verify):
        self.handle, self.library = POINTER(), Library.get()
        options = ModuleOptions(ctypes.sizeof(ModuleOptions), VERIFY_WEIGHTS if verify else 0,
                                level.encode() if level else None)
        self.library.check("module_load_file", self.library.context, os.fsencode(path),
                           ctypes.byref(options), ctypes.byref(self.handle))
        _finally(self, self.library.functions.moec_module_destroy, self.handle)


class Function:
    """One function of a module. Calling it gives a named tuple of its results."""

    def __init__(self, code, handle, own):
        self._code, self._handle, self._own = code, POINTER(handle), own
        info = code.library.describe("function_get_info", FunctionInfo(), self._handle)
        self.name = info.name.decode()
        self.has_states = info.num_states > 0
        self.arguments = [self._describe("argument", i) for i in range(info.num_arguments)]
        self.results = [self._describe("result", i) for i in range(info.num_results)]
        self._result = collections.namedtuple(
            re.sub(r"\W", "_", self.name), [result.name for result in self.results], rename=True)

    def _describe(self, kind, index):
        info = self._code.library.describe(f"function_get_{kind}", TensorInfo(), self._handle,
                                           ctypes.c_uint32(index))
        sizes = (info.dimensions[i] for i in range(info.rank))
        return TensorType(info.name.decode(), DTYPES[info.dtype], tuple(
            size.symbol.decode() if size.symbol else size.size for size in sizes))

    def __repr__(self):
        def text(types):
            return ", ".join(f"{name}: {dtype}{list(shape)}" for name, dtype, shape in types)
        return f"{self.name}({text(self.arguments)}) -> ({text(self.results)})"

    def __call__(self, *arguments, out=None):
        """Tensors are dense, row-major and in host memory. Results are new tensors, of
        PyTorch if an argument is one and of NumPy otherwise, or those of `out`."""
        if self.has_states:
            raise ValueError(f"{self.name} has states: call it in a module.session()")
        if not hasattr(self._own, "session"):
            self._own.session = Session(self._code)
        return self._own.session.call(self, arguments, out)

    def _make_results(self, given, torch):
        results, shape = [], (ctypes.c_int64 * 16)()
        for i, (_, dtype, sizes) in enumerate(self.results):
            self._code.library.check("function_result_shape", self._handle, given.table,
                                     given.count, ctypes.c_uint32(i), shape)
            results.append(empty(tuple(shape[:len(sizes)]), dtype, torch))
        return results


class Module(collections.abc.Mapping):
    """The functions of an artifact, by name. Threads may call them at once."""

    def __init__(self, path, level=None, verify=False):
        self.path = os.fspath(path)
        self._code, self._functions, index = _Code(path, level, verify), {}, 0
        own = threading.local()
        while handle := self._code.library.functions.moec_module_get_function(
                self._code.handle, ctypes.c_uint32(index)):
            function = Function(self._code, handle, own)
            self._functions[function.name] = function
            index += 1

    def __getitem__(self, name):
        if name not in self._functions:
            raise KeyError(f"{self.path} has no function {name!r}, only "
                           + ", ".join(self._functions))
        return self._functions[name]

    def __iter__(self):
        return iter(self._functions)

    def __len__(self):
        return len(self._functions)

    def __repr__(self):
        return "\n".join([self.path, *(f"  {function!r}" for function in self.values())])

    def session(self, **sizes):
        """States and mutable parameters for a row of calls. `sizes`: those of the states'
        dimensions that should not have their default."""
        return Session(self._code, self, sizes)


class Session:
    """What changes between calls. One thread at a time uses it."""

    def __init__(self, code, module=None, sizes=None):
        self._handle, self._code, self._module = POINTER(), code, module
        self._workspace, sizes = Workspace(), sizes or {}
        table = (StateSize * len(sizes))(*((name.encode(), size) for name, size in sizes.items()))
        options = SessionOptions(ctypes.sizeof(SessionOptions), len(sizes), table)
        code.library.check("session_create_with_options", code.handle, ctypes.byref(options),
                           ctypes.byref(self._handle))
        _finally(self, _destroy_session, code, self._handle)

    def __call__(self, name, *arguments, out=None):
        """Calls the module's function `name` in this session."""
        return self.call(self._module[name], arguments, out)

    def call(self, function, arguments, out=None):
        given = Tensors(arguments, function.arguments)
        if out is None:
            out = function._make_results(given, any(map(is_torch, arguments)))
        results, size = Tensors(out, function.results), ctypes.c_int64()
        check = self._code.library.check
        check("session_workspace_size", self._handle, function._handle, given.table, given.count,
              ctypes.byref(size))
        check("session_call", self._handle, function._handle, given.table, given.count,
              results.table, results.count, self._workspace.reserve(size.value), size)
        return function._result(*out)

    def length(self):
        """Tokens of its longest sequence."""
        return self._code.library.functions.moec_session_length(self._handle)

    def truncate(self, length):
        """Takes back all but the first `length` tokens of each sequence."""
        self._code.library.check("session_truncate", self._handle, ctypes.c_int64(length))

    def reset(self):
        """Back to empty states."""
        self._code.library.functions.moec_session_reset(self._handle)
