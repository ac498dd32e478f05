# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""sessions.py FIXTURE LIBMOEC WORK_DIR: what a host does with sessions, by the C
interface. Decoding goes on after truncating, forking and resetting as if the
tokens that were taken back had never been there."""

import ctypes as c
import os
import shutil
import sys

import numpy as np

from compare import load
from run_fixture import run


class DLTensor(c.Structure):
    _fields_ = [("data", c.c_void_p), ("device_type", c.c_int32), ("device_id", c.c_int32),
                ("ndim", c.c_int32), ("code", c.c_uint8), ("bits", c.c_uint8),
                ("lanes", c.c_uint16), ("shape", c.POINTER(c.c_int64)),
                ("strides", c.c_void_p), ("byte_offset", c.c_uint64)]


class Size(c.Structure):
    _fields_ = [("symbol", c.c_char_p), ("size", c.c_int64)]


class Options(c.Structure):
    _fields_ = [("struct_size", c.c_uint32), ("num_sizes", c.c_uint32),
                ("sizes", c.POINTER(Size))]


def borrow(array):
    shape = (c.c_int64 * array.ndim)(*array.shape)
    code = 0 if array.dtype.kind == "i" else 2
    return DLTensor(array.ctypes.data, 1, 0, array.ndim, code, array.itemsize * 8, 1, shape)


class Host:
    def __init__(self, library, artifact):
        self.lib = c.CDLL(library)
        self.error = c.create_string_buffer(1024)
        self.lib.moec_module_find_function.restype = c.c_void_p
        self.lib.moec_session_length.restype = c.c_int64
        context, self.module = c.c_void_p(), c.c_void_p()
        self.check(self.lib.moec_context_create(None, c.byref(context), self.error))
        self.check(self.lib.moec_module_load_file(context, artifact.encode(), None,
                                                  c.byref(self.module), self.error))
        self.decode = c.c_void_p(self.lib.moec_module_find_function(self.module, b"decode"))

    def check(self, status):
        if status:
            raise RuntimeError(self.error.value.decode())

    def session(self, **sizes):
        table = (Size * len(sizes))(*[Size(k.encode(), v) for k, v in sizes.items()])
        options = Options(c.sizeof(Options), len(sizes), table)
        session = c.c_void_p()
        self.check(self.lib.moec_session_create_with_options(
            self.module, c.byref(options), c.byref(session), self.error))
        return session

    def fork(self, session):
        other = c.c_void_p()
        self.check(self.lib.moec_session_fork(session, c.byref(other), self.error))
        return other

    def truncate(self, session, length):
        self.check(self.lib.moec_session_truncate(session, c.c_int64(length), self.error))

    def step(self, session, ids):
        ids = np.ascontiguousarray(ids)
        logits = np.zeros((*ids.shape, 96), "f4")
        tensors = [borrow(ids), borrow(logits)]
        arguments = (c.POINTER(DLTensor) * 1)(c.pointer(tensors[0]))
        results = (c.POINTER(DLTensor) * 1)(c.pointer(tensors[1]))
        size = c.c_int64()
        self.check(self.lib.moec_session_workspace_size(
            session, self.decode, arguments, 1, c.byref(size), self.error))
        memory = np.zeros(size.value + 64, "u1")
        start = memory.ctypes.data + -memory.ctypes.data % 64
        self.check(self.lib.moec_session_call(session, self.decode, arguments, 1, results, 1,
                                              c.c_void_p(start), size, self.error))
        return logits


def expect(message, action, *arguments, **named):
    try:
        action(*arguments, **named)
    except RuntimeError as error:
        assert message in str(error), error
    else:
        raise AssertionError(f"expected: {message}")


def main():
    fixture, library, work = sys.argv[1:4]
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    run("moec", fixture, "-o", f"{work}/m.moe", "--scope=model")
    host = Host(library, f"{work}/m.moe")
    golden = load(f"{fixture}/golden_b2.safetensors")
    ids, logits = golden["input_ids"], golden["logits"]
    close = lambda a, b: np.testing.assert_allclose(a, b, atol=1e-4, rtol=1e-4)

    session = host.session(B=2, C=8)
    assert host.lib.moec_session_length(session) == 0
    close(host.step(session, ids[:, :4]), logits[:, :4])
    assert host.lib.moec_session_length(session) == 4
    other = host.fork(session)
    # Two wrong tokens are taken back.
    host.step(session, ids[:, :2])
    assert host.lib.moec_session_length(session) == 6
    host.truncate(session, 4)
    close(host.step(session, ids[:, 4:]), logits[:, 4:])
    close(host.step(other, ids[:, 4:]), logits[:, 4:])
    expect("room for 8 tokens, 7 are used and 2 are added", host.step, session, ids[:, :2])
    host.lib.moec_session_reset(session)
    assert host.lib.moec_session_length(session) == 0
    close(host.step(session, ids), logits)
    expect("the arguments have B = 1, the session has 2", host.step, session, ids[:1])
    expect("cannot have -1 tokens", host.truncate, session, -1)
    expect("cannot have 0 in dimension 1", host.session, B=2, C=0)
    print("sessions work")


if __name__ == "__main__":
    main()
