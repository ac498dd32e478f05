# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""moec.replace_moe: compiled MoE blocks in models of transformers."""

import os
import re

import torch

from . import compiler as moec_compiler
from .operators import Layer, open_block
from .sources import blocks


class CompiledMoe(torch.nn.Module):
    """A block: hidden states to hidden states. `more`: how many other values the
    original gives (scores of its router); they are None."""

    def __init__(self, name):
        super().__init__()
        self.name, self.more = name, 0

    def forward(self, hidden_states):
        out = self.compute(hidden_states)
        return (out,) + (None,) * self.more if self.more else out

    def extra_repr(self):
        return self.name


class PackedMoe(CompiledMoe):
    """With packed weights, and code of a shared object."""

    def __init__(self, name, library, weights):
        super().__init__(name)
        self.library, self.count = library, len(weights)
        for i, weight in enumerate(weights):
            # In no state_dict: the layout is the code's own.
            self.register_buffer(f"packed{i}", weight, persistent=False)

    def compute(self, hidden_states):
        weights = [getattr(self, f"packed{i}") for i in range(self.count)]
        return torch.ops.moec.layer(hidden_states, weights, self.library)


class ArtifactMoe(CompiledMoe):
    """A function of an artifact."""

    def __init__(self, name, artifact):
        super().__init__(name)
        self.layer = Layer(artifact, name)

    def compute(self, hidden_states):
        rows = hidden_states.reshape(-1, hidden_states.shape[-1]).float()
        out, *_ = self.layer(rows)
        return out.to(hidden_states.dtype).reshape(hidden_states.shape)


def replace_moe(model, artifact=None, compiler="moec", options=(), free=True):
    """Puts compiled blocks in the place of the MoE blocks of a model of transformers.
    Returns the names of the modules that were replaced.

    With `artifact` (moec CHECKPOINT -o ARTIFACT, of the same checkpoint) they are its
    functions, with its weights. Otherwise `compiler` makes code for each kind of block,
    once (see MOEC_CACHE), with these further `options`, and the model's own weights are
    packed for it. The original blocks are let go one by one, which frees their
    weights; free=False keeps them as .original.

    Each compiled block is compared with the original on a few tokens. Where one does
    not compute the same, or anything else is wrong, the error is raised before any
    block is replaced, or names the block."""
    made = _from_artifact(model, artifact) if artifact else _compile(model, compiler, options)
    replaced = []
    for place, make in made:
        original = model.get_submodule(place)
        block = make(original)
        _compare(place, original, block)
        block.train(original.training)
        if not free:
            block.original = original
        model.set_submodule(place, block)
        replaced.append(place)
    return replaced


def _compile(model, compiler, options):
    """(place, function that makes the block) of each."""
    path = moec_compiler.find(compiler)
    tensors = dict(model.state_dict(keep_vars=False))
    if other := {str(tensor.device) for tensor in tensors.values()} - {"cpu"}:
        raise ValueError(f"the model is on {', '.join(sorted(other))}, expected cpu")
    found = list(blocks(moec_compiler.import_blocks(path, model)))
    if not found:
        raise ValueError(f"{type(model).__name__} has no MoE block that moec knows")
    result = []
    for block in found:
        place = _place(model, block.name, block.tensors())
        library = moec_compiler.compile_block(path, block.text, options)
        arguments = open_block(library).description["arguments"]
        if len(arguments) != 1 or len(arguments[0]["shape"]) != 2:
            raise ValueError(f"{place}: the block has other inputs than rows of hidden states")
        result.append((place, lambda original, block=block, library=library, place=place:
                       _packed(place, original, block, library)))
    return result


def _place(model, name, tensors):
    """The module that holds all tensors of a block and is the smallest such."""
    words = os.path.commonprefix([tensor.split(".")[:-1] for tensor in sorted(tensors)])
    place = ".".join(words)
    try:
        model.get_submodule(place)
    except AttributeError:
        raise ValueError(f"{name}: the model has no module {place!r}") from None
    return place


def _packed(place, original, block, library):
    """`original` is the module at `place`."""
    tensors = {f"{place}.{name}": tensor
               for name, tensor in original.state_dict(keep_vars=False).items()}
    code, packed = open_block(library), []
    for index, weight in enumerate(code.description["weights"]):
        matrices = []
        for symbol, count in weight["parts"]:
            value = block.parameter(symbol, tensors)
            shape = (count, *weight["shape"]) if weight["shape"] else value.shape
            if value.numel() != torch.Size(shape).numel():
                raise ValueError(f"{place}: {symbol} is {list(value.shape)}, expected "
                                 f"{count} of {weight['shape']}")
            parts = value.reshape(shape) if weight["shape"] else [value]
            matrices += [part.contiguous() for part in parts]
        packed.append(code.pack(index, matrices))
    return PackedMoe(block.name, library, packed)


def _from_artifact(model, artifact):
    from .operators import open_artifact
    places = [name for name, module in model.named_modules()
              if hasattr(module, "experts") and re.search(r"\.\d+\.", name)]
    result = []
    for name in open_artifact(os.path.abspath(artifact)):
        number = re.search(r"\.(\d+)\.", name)
        matching = [place for place in places
                    if number and re.search(r"\.(\d+)\.", place)[1] == number[1]]
        if len(matching) != 1:
            raise ValueError(f"{artifact}: {name}: the model has {len(matching)} MoE blocks in "
                             f"that layer, expected 1")
        result.append((matching[0], lambda original, name=name: ArtifactMoe(
            name, artifact)))
    return result


@torch.no_grad()
def _compare(place, original, block):
    """Few tokens, since selection may differ in one of them where scores are close."""
    code = getattr(block, "library", None)
    width = (open_block(code).description["arguments"][0]["shape"][1] if code
             else block.layer.width())
    exact = all(tensor.dtype == torch.float32 for tensor in original.parameters())
    dtype = next(original.parameters()).dtype
    x = torch.randn(1, 9, width, generator=torch.Generator().manual_seed(1)).to(dtype)
    training = original.training
    expected = original.eval()(x)
    original.train(training)
    if isinstance(expected, tuple):
        block.more, expected = len(expected) - 1, expected[0]
    difference = (block.compute(x).float() - expected.float()).norm(dim=-1) / expected.float().norm(dim=-1)
    error, limit = difference.median().item(), 1e-4 if exact else 3e-2
    if not error < limit:
        raise ValueError(f"{place}: the compiled block differs from {type(original).__name__} by "
                         f"{error:.2g} of its output, expected less than {limit:g}")
