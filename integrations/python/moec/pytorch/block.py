# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A block's shared object (moec --emit=shared --weights=pointers), through ctypes."""

import ctypes
import json
import pathlib
import re
import threading

import torch

from ..dlpack import Workspace
from ..library import POINTER, SIZE, Library

NAME = "block"  # of the file and of its function
SCALARS = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16, "i32": torch.int32,
           "i64": torch.int64, "i1": torch.bool, "i8": torch.int8, "ui8": torch.uint8}
TENSOR = re.compile(r"^///   (in|out) (\S+): (\S+) \[(.*)\]$", re.M)
WEIGHT = re.compile(r"^///   weights\[\d+\]: (.*), (\d+) bytes, .*\n///     (.*)$", re.M)
ROWS = re.compile(r"from \d+ pointers?: (.*); each (\S+) \[(\d+), (\d+)\]")
WHOLE = re.compile(r"from 1 pointer: (\S+) \[(.*)\]")


def _matrices(name, source):
    """What a weight is packed from: [name, how many matrices] of each source, and the
    element type and shape of a matrix; shape [] is a whole tensor."""
    if found := ROWS.fullmatch(source):
        parts = [part.split(" to ") for part in found[1].split(", then ")]
        return {"parts": [[symbol, int(count)] for count, symbol in parts], "dtype": found[2],
                "shape": [int(found[3]), int(found[4])]}
    if found := WHOLE.fullmatch(source):
        return {"parts": [[name, 1]], "dtype": found[1], "shape": []}
    raise ValueError(f"weight {name} cannot be packed from the model's tensors: {source}")


def describe(header):
    """What the header of a shared object says, for Block."""
    tensors = [{"way": way, "name": name, "dtype": dtype,
                "shape": [int(size) if size.isdigit() else size for size in shape.split(", ")]}
               for way, name, dtype, shape in TENSOR.findall(header)]
    weights = [{"name": name, "bytes": int(size), **_matrices(name, source)}
               for name, size, source in WEIGHT.findall(header)]
    return {"arguments": [tensor for tensor in tensors if tensor["way"] == "in"],
            "results": [tensor for tensor in tensors if tensor["way"] == "out"],
            "weights": weights}


class Block:
    """The function of `path`, beside which is its description as .json."""

    def __init__(self, path):
        path = pathlib.Path(path)
        if not path.exists():
            raise FileNotFoundError(f"{path}: a compiled block is not there any more; call "
                                    "moec.replace_moe on the model again")
        self.description = json.loads(path.with_suffix(".json").read_text())
        library = ctypes.CDLL(str(path))
        prefix = f"{NAME}_{NAME}_moe"
        self._function = getattr(library, prefix)
        self._workspace_size = getattr(library, prefix + "_workspace")
        self._workspace_size.restype = SIZE
        self._pack = getattr(library, prefix + "_pack_weight")
        self._services = Library.get().services()
        self._own = threading.local()

    def pack(self, index, matrices):
        """The bytes of weights[index], made of these dense matrices."""
        packed = torch.empty(self.description["weights"][index]["bytes"], dtype=torch.uint8)
        rows = (POINTER * len(matrices))(*(matrix.data_ptr() for matrix in matrices))
        self._check(self._pack(index, rows, POINTER(packed.data_ptr()),
                               ctypes.byref(self._services)), "packing a weight")
        return packed

    def __call__(self, x, weights, *more):
        """The first result, in the element type and shape of `x`. `more`: its other
        arguments, which have a row for each row of `x`."""
        rows = x.reshape(-1, x.shape[-1]).float().contiguous()
        arguments = [rows, *(argument.contiguous() for argument in more)]
        if len(arguments) != len(self.description["arguments"]):
            raise ValueError(f"{len(arguments)} arguments are given, expected "
                             f"{len(self.description['arguments'])}")
        for argument, wanted in zip(arguments, self.description["arguments"]):
            if (argument.dtype, *argument.shape) != (SCALARS[wanted["dtype"]], len(rows),
                                                     *wanted["shape"][1:]):
                raise ValueError(f"{wanted['name']} is {argument.dtype} {list(argument.shape)}, "
                                 f"expected {wanted['dtype']} [{len(rows)}, "
                                 f"{', '.join(map(str, wanted['shape'][1:]))}]")
        if len(weights) != len(self.description["weights"]) or any(
                weight.nbytes != wanted["bytes"] or weight.data_ptr() % 64
                for weight, wanted in zip(weights, self.description["weights"])):
            raise ValueError("these are not the packed weights of this block")
        results = [torch.empty([len(rows) if isinstance(size, str) else size
                                for size in result["shape"]], dtype=SCALARS[result["dtype"]])
                   for result in self.description["results"]]
        tokens, services = SIZE(len(rows)), ctypes.byref(self._services)
        size = self._workspace_size(tokens, services)
        self._check(min(size, 0), "the size of the workspace")
        if not hasattr(self._own, "workspace"):
            self._own.workspace = Workspace()
        first, *others = (POINTER(tensor.data_ptr()) for tensor in [*arguments, *results])
        table = (POINTER * len(weights))(*(weight.data_ptr() for weight in weights))
        self._check(self._function(first, tokens, *others, table,
                                   self._own.workspace.reserve(size), SIZE(size), services),
                    "the block")
        return results[0].to(x.dtype).reshape(x.shape)

    def _check(self, status, what):
        if status:
            raise RuntimeError(f"{what} fails with status {status}")
