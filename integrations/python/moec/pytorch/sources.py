# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What moec --emit=mlir says of a checkpoint: its blocks, and how their parameters are
made of the checkpoint's tensors (#moe.source and #moe.expr)."""

import re

import torch

FUNCTION = re.compile(r"^  func\.func @([\w.]+)\((.*?)\) -> .*?^  }$", re.M | re.S)
PARAMETER = re.compile(r"^  ml_program\.global private @([\w.]+)\((.*)\) : (tensor<.*>)$", re.M)
TOKEN = re.compile(r'#moe\.(\w+)<|"([^"]*)"|(\w+)|([\[\],=>])')
ANY_VALUES = "#moe.random<seed = 1, std = 1.0 : f64>"


class Block:
    """One function of the module, as a module of its own (`text`), in which neither its
    layer's number nor its weights appear: equal blocks have equal texts."""

    def __init__(self, name, text, sources):
        self.name, self.text, self.sources = name, text, sources

    def tensors(self):
        """Names of the checkpoint's tensors that it reads."""
        return {name for source in self.sources.values() for name in _names(source)}

    def parameter(self, symbol, tensors):
        """The value of the parameter that `text` calls `symbol`, mostly a view."""
        return _value(self.sources[symbol], tensors)


def blocks(module):
    """The blocks in the text of a moe module."""
    aliases = "".join(line + "\n" for line in module.splitlines() if line.startswith("#"))
    parameters = {name: (value, kind) for name, value, kind in PARAMETER.findall(module)}
    for function in FUNCTION.finditer(module):
        name = function[1]
        prefix = name[:-len("moe")]
        own = {symbol: value for symbol, value in parameters.items()
               if re.search(re.escape(f"@{symbol}") + r"(?![\w.])", function[0])}
        rename = re.compile(r"([@%])" + re.escape(prefix))
        text = "".join(f"  ml_program.global private @{symbol}({ANY_VALUES}) : {kind}\n"
                       for symbol, (_, kind) in own.items())
        text = f"{aliases}module {{\n{text}{function[0]}\n}}\n"
        yield Block(name, rename.sub(r"\1block.", text), {
            symbol.replace(prefix, "block.", 1): _parse(value)
            for symbol, (value, _) in own.items()})


def _parse(text):
    """#moe.kind<operand, [..], key = [..]> as (kind, [operands], [numbers])."""
    tokens = [token.groups() for token in TOKEN.finditer(text)]

    def attribute():
        kind, operands, numbers = tokens.pop(0)[0], [], []
        while (token := tokens[0])[3] != ">":
            if token[0]:
                operands.append(attribute())
                continue
            if token[1] is not None:
                operands.append(token[1])
            elif token[2] and token[2].isdigit():
                numbers.append(int(token[2]))
            elif token[2] and token[2] != "dims":
                kind += "." + token[2]
            tokens.pop(0)
        tokens.pop(0)
        return kind, operands, numbers
    return attribute()


def _names(source):
    kind, operands, _ = source
    return [operands[1]] if kind == "source" else [
        name for operand in operands for name in _names(operand)]


def _value(source, tensors):
    kind, operands, numbers = source
    if kind == "source":
        return tensors[operands[1]]
    values = [_value(operand, tensors) for operand in operands]
    if kind == "expr.stack":
        return torch.stack(values)
    if kind == "expr.concat":
        return torch.cat(values, numbers[0])
    if kind == "expr.slice":
        dimension, offset, size, step = (*numbers, 1)[:4]
        places = slice(offset, offset + (size - 1) * step + 1, step)
        return values[0][(slice(None),) * dimension + (places,)]
    if kind == "expr.transpose":
        return values[0].permute(numbers)
    if kind == "expr.reshape":
        return values[0].reshape(numbers)
    raise ValueError(f"a parameter is stored as {kind}, expected plain tensors")
