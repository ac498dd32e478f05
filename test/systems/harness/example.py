# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The text of an example: its parameters, functions and header."""

import pathlib
import re

import numpy as np

FOLDER = pathlib.Path(__file__).resolve().parents[3] / "examples" / "systems"
PARAMETER = re.compile(
    r'ml_program\.global private (?P<mutable>mutable )?@(?:"(?P<quoted>[^"]+)"|(?P<name>[\w.$-]+))'
    r"\(#moe\.random<seed = (?P<seed>\d+), std = (?P<std>[^ ]+) : f64>\) : "
    r"tensor<(?P<shape>(?:\d+x)*)(?P<type>f32|f16)>")
TYPES = {"f32": np.float32, "f16": np.float16}


class Example:
    """examples/systems/NAME.mlir. `parameters`: name -> match of PARAMETER."""

    def __init__(self, name):
        self.name = name
        self.path = FOLDER / f"{name}.mlir"
        self.text = self.path.read_text()
        self.parameters = {m["quoted"] or m["name"]: m for m in PARAMETER.finditer(self.text)}

    def draw(self, rng, parameter=None):
        """A value for each random parameter; those of one seed and shape are equal."""
        values, drawn = {}, {}
        for name, m in self.parameters.items():
            shape = tuple(int(size) for size in m["shape"].split("x")[:-1])
            value = parameter(name, shape, rng) if parameter else None
            if value is None:
                key = (m["seed"], m["std"], shape)
                if key not in drawn:
                    drawn[key] = rng.standard_normal(shape) * float(m["std"])
                value = drawn[key]
            values[name] = np.asarray(value, TYPES[m["type"]]).reshape(shape)
        return values

    def is_mutable(self, name):
        return self.parameters[name]["mutable"] is not None

    def with_file(self, file):
        """The text with parameters read from `file` (safetensors, by name)."""
        def replace(m):
            name = m["quoted"] or m["name"]
            whole, begin = m[0], m[0].index("(#moe.random")
            end = whole.index(">)") + 2
            return f'{whole[:begin]}(#moe.source<"{file}", "{name}">){whole[end:]}'
        return PARAMETER.sub(replace, self.text)

    def _signature(self, function):
        """Texts of the arguments and of the results."""
        begin = re.search(rf'func\.func (?:public )?@"?{re.escape(function)}"?\(', self.text)
        if not begin:
            raise ValueError(f"{self.path}: there is no function @{function}")
        depth, position = 1, begin.end()
        while depth:
            depth += {"(": 1, ")": -1}.get(self.text[position], 0)
            position += 1
        # Attributes of results hold braces; the body's is at the end of a line.
        end = re.compile(r"\{[ ]*(//.*)?$", re.M).search(self.text, position).start()
        return self.text[begin.end():position], self.text[position:end]

    def arguments(self, function):
        return re.findall(r'moe\.name = "([^"]+)"', self._signature(function)[0])

    def results(self, function):
        return re.findall(r'moe\.name = "([^"]+)"', self._signature(function)[1])
