# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Operators that torch.compile and torch.export keep as they are.

torch.ops.moec.call      a function of an artifact
torch.ops.moec.layer     a compiled MoE block on packed weights (see replace.py)
"""

import functools
import os
from collections.abc import Sequence

import torch

from ..runtime import load
from .block import Block

open_artifact = functools.lru_cache(maxsize=None)(load)
open_block = functools.lru_cache(maxsize=None)(Block)


@torch.library.custom_op("moec::call", mutates_args=(), device_types="cpu")
def call(arguments: Sequence[torch.Tensor], artifact: str, function: str) -> list[torch.Tensor]:
    return list(open_artifact(artifact)[function](*(argument.contiguous() for argument in arguments)))


@call.register_fake
def _(arguments, artifact, function):
    found = open_artifact(artifact)[function]
    if len(arguments) != len(found.arguments):
        raise ValueError(f"{function}: {len(arguments)} arguments are given, expected "
                         f"{len(found.arguments)}")
    sizes = {}
    for argument, (name, dtype, shape) in zip(arguments, found.arguments):
        if argument.dim() != len(shape) or argument.dtype != getattr(torch, dtype):
            raise ValueError(f"{function}: argument {name!r} is {argument.dtype} of "
                             f"{argument.dim()} dimensions, expected {dtype}{list(shape)}")
        sizes.update((size, given) for size, given in zip(shape, argument.shape)
                     if isinstance(size, str))
    return [torch.empty([sizes.get(size, size) for size in shape], dtype=getattr(torch, dtype))
            for _, dtype, shape in found.results]


@torch.library.custom_op("moec::layer", mutates_args=(), device_types="cpu")
def layer(x: torch.Tensor, weights: Sequence[torch.Tensor], library: str) -> torch.Tensor:
    return open_block(library)(x, weights)


@layer.register_fake
def _(x, weights, library):
    return torch.empty_like(x, memory_format=torch.contiguous_format)


class Layer(torch.nn.Module):
    """A function of an artifact; forward gives a tuple of its results."""

    def __init__(self, artifact, function):
        super().__init__()
        self.artifact, self.function = os.path.abspath(artifact), function
        open_artifact(self.artifact)[function]  # what is wrong is said now

    def width(self):
        """Of the rows that it takes."""
        return open_artifact(self.artifact)[self.function].arguments[0].shape[-1]

    def forward(self, *arguments):
        return tuple(torch.ops.moec.call(arguments, self.artifact, self.function))
