# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Graphs: functions, parameters, values. The text of a graph is MLIR."""

import os

from .text import Lines, Name, Site, number

INTEGERS = {"i1", "i32", "i64", "index"}


class GraphError(Exception):
    """What is wrong with a graph, and the line of the program that made it so."""

    def __init__(self, message, file=None, line=None, source=None):
        place = f"{file}:{line}: " if file else ""
        super().__init__(place + message + (f"\n  {source.strip()}" if source else ""))
        self.message, self.file, self.line = message, file, line


def fail(message):
    site = Site()
    raise GraphError(message, site.file, site.line, site.source())


class Dim:
    """A dynamic dimension. `name` is its name in signatures, `ssa` its size."""

    def __init__(self, name=None, ssa=None):
        self.name, self.ssa = name, ssa


def tensor_type(shape, dtype):
    sizes = "".join(f"{'?' if isinstance(size, Dim) else size}x" for size in shape)
    return f"tensor<{sizes}{dtype}>"


class Value:
    """A tensor: `shape` of numbers and Dims, `dtype` such as "f32"."""

    def __init__(self, function, name, shape, dtype):
        self.function, self.name = function, name
        self.shape, self.dtype = tuple(shape), dtype

    @property
    def type(self):
        return tensor_type(self.shape, self.dtype)

    @property
    def rank(self):
        return len(self.shape)

    def __str__(self):
        return str(self.name)

    def size(self, axis):
        """The size of a dimension: a number, or the name of an index value."""
        dim = self.shape[axis]
        if not isinstance(dim, Dim):
            return dim
        if dim.ssa is None:
            at = self.function.index(axis)
            name = Name("size")
            self.function.lines.add(f"{name} = tensor.dim {self}, {at} : {self.type}")
            return name
        return dim.ssa


class Scalar:
    """A number in a region, or an index."""

    def __init__(self, function, name, dtype):
        self.function, self.name, self.dtype = function, name, dtype

    def __str__(self):
        return str(self.name)


class Function:
    """One exported function, written operation by operation."""

    def __init__(self, graph, name):
        self.graph, self.name = graph, name
        self.lines = Lines()
        self.arguments, self.results = [], []
        self.dims = {}
        self.zeros = [{}]  # one table of (shape, dtype) a region
        self.loaded = {}
        self.last = (None, [])  # the site and names of the last operation
        self.silent = False  # whether the user's variables name nothing here

    # -- names and constants

    def named(self, plain, site, count=1):
        """Names for the results of an operation."""
        last_site, last_names = self.last
        if site.continues(last_site):
            for name in last_names:
                name.wanted = None
        targets = [] if self.silent else site.targets()
        if len(targets) != count:
            targets = [None] * count
        names = [Name(plain, target) for target in targets]
        self.last = (site, names)
        return names

    def index(self, value):
        return self.lines.constant(f"c{value}", f"arith.constant {value} : index")

    def constant(self, value, dtype):
        """A Scalar of this type."""
        if dtype == "index":
            return Scalar(self, self.index(int(value)), dtype)
        if dtype == "i1":
            text = "true" if value else "false"
            return Scalar(self, self.lines.constant(text, f"arith.constant {text}"), dtype)
        if dtype in INTEGERS:
            name = self.lines.constant(f"c{int(value)}_{dtype}",
                                       f"arith.constant {int(value)} : {dtype}")
        else:
            text = number(value)
            suffix = "" if dtype == "f32" else "_" + dtype
            name = self.lines.constant(f"f{text}{suffix}", f"arith.constant {text} : {dtype}")
        return Scalar(self, name, dtype)

    # -- operations

    def emit(self, plain, text, *types):
        """Adds `%name = text`; a Value or Scalar for each (shape, dtype) or type."""
        site = Site()
        names = self.named(plain, site, len(types))
        left = ", ".join(map(str, names)) + " = " if names else ""
        self.lines.add(left + text, site)
        return self.wrap(names, types)

    def open(self, plain, text, types, site):
        """Begins an operation with a region; returns its results."""
        names = self.named(plain, site, len(types))
        if len(names) > 1:
            # One name for all results, read as %name#0 and so on.
            names = names[:1]
            left = f"{names[0]}:{len(types)} = "
            names = [f"{names[0]}#{i}" for i in range(len(types))]
        else:
            left = f"{names[0]} = " if names else ""
        self.lines.open(left + text, site)
        return self.wrap(names, types)

    def wrap(self, names, types):
        made = [Scalar(self, name, kind) if isinstance(kind, str)
                else Value(self, name, *kind) for name, kind in zip(names, types)]
        return made[0] if len(made) == 1 else tuple(made)

    def begin_region(self):
        self.lines.push()
        self.zeros.append({})

    def end_region(self, text="}", site=None):
        self.zeros.pop()
        self.lines.pop(text, site)

    def empty(self, like, shape, dtype):
        """An uninitialised tensor; `like` gives the sizes of dynamic dimensions."""
        key = (tuple(shape), dtype)
        for table in self.zeros:
            if key in table:
                return table[key]
        sizes = ", ".join(str(self.size_of(dim, like)) for dim in shape if isinstance(dim, Dim))
        name = Name("empty")
        self.lines.add(f"{name} = tensor.empty({sizes}) : {tensor_type(shape, dtype)}")
        self.zeros[-1][key] = Value(self, name, shape, dtype)
        return self.zeros[-1][key]

    def full(self, like, shape, dtype, value=0):
        """A tensor of one value."""
        key = (tuple(shape), dtype, value)
        for table in self.zeros:
            if key in table:
                return table[key]
        scalar = value if isinstance(value, Scalar) else self.constant(value, dtype)
        empty = self.empty(like, shape, dtype)
        name = Name("zero" if value == 0 else "filled")
        self.lines.add(f"{name} = linalg.fill ins({scalar} : {dtype}) "
                       f"outs({empty} : {empty.type}) -> {empty.type}")
        self.zeros[-1][key] = Value(self, name, shape, dtype)
        return self.zeros[-1][key]

    def size_of(self, dim, values):
        if dim.ssa is not None:
            return dim.ssa
        for value in values:
            for axis, size in enumerate(value.shape):
                if size is dim:
                    return value.size(axis)
        raise AssertionError("a dimension of no operand")

    # -- text

    def render(self, locations):
        def signature(entries, with_names):
            for name, value in entries:
                dims = ", ".join(f'"{size.name if isinstance(size, Dim) else size}"'
                                 for size in value.shape)
                lead = f"{value.name.wanted}: " if with_names else ""
                yield (f'{"%" if with_names else ""}{lead}{value.type} '
                       f'{{moe.name = "{name}", moe.dims = [{dims}]}}')

        arguments = ",\n    ".join(signature(self.arguments, True))
        results = ",\n        ".join(signature(self.results, False))
        yield f"func.func @{symbol(self.name)}({arguments})", None
        yield f"    -> ({results}) {{", None
        yield from self.lines.render([value.name for _, value in self.arguments], locations)
        yield "}", None


def symbol(name):
    plain = all(c.isalnum() or c in "_$." for c in name) and not name[0].isdigit()
    return name if plain else f'"{name}"'


class Graph:
    """A module: parameters, and functions that share them. `header` becomes a
    comment at its top."""

    def __init__(self, header=""):
        self.header = header.strip()
        self.parameters = {}
        self.aliases = {}
        self.functions = []
        self.current = None

    def function(self, name):
        """Begins another exported function; without this there is @main."""
        self.current = Function(self, name)
        self.functions.append(self.current)
        return self.current

    def _function(self):
        return self.current or self.function("main")

    def input(self, name, shape, dtype="f32"):
        """An argument; a text in `shape` names a dynamic dimension."""
        function = self._function()
        if function.results or any(kind == "line" and text.startswith("return")
                                   for kind, text, _ in function.lines.entries):
            fail("inputs come before outputs")
        value = Value(function, Name(name, name), [], dtype)
        fresh, shape = [], list(shape)
        for axis, size in enumerate(shape):
            if isinstance(size, str):
                if size not in function.dims:
                    function.dims[size] = Dim(size, Name(size, size))
                    fresh.append((axis, function.dims[size]))
                shape[axis] = function.dims[size]
        value.shape = tuple(shape)
        function.arguments.append((name, value))
        for axis, dim in fresh:
            at = function.index(axis)
            function.lines.add(f"{dim.ssa} = tensor.dim {value}, {at} : {value.type}", Site())
        return value

    def parameter(self, name, shape, std=0.3, seed=None, mutable=False, source=None, dtype="f32"):
        """A parameter: (file, tensor) of a checkpoint, or seeded random values."""
        function = self._function()
        if name not in self.parameters:
            seed = len(self.parameters) + 1 if seed is None else seed
            value = (f'#moe.source<"{source[0]}", "{source[1]}">' if source
                     else f"#moe.random<seed = {seed}, std = {number(std)} : f64>")
            self.parameters[name] = (f"ml_program.global private {'mutable ' * mutable}"
                                     f"@{symbol(name)}({value}) : {tensor_type(shape, dtype)}",
                                     Site())
        if name not in function.loaded:
            kind = "global_load" if mutable else "global_load_const"
            loaded = Value(function, Name(name, name), shape, dtype)
            # Parameters are read at the top: values of an inner region end with it.
            function.lines.entries.insert(len(function.loaded), (
                "line", f"{loaded} = ml_program.{kind} @{symbol(name)} : {loaded.type}", Site()))
            function.loaded[name] = loaded
        return function.loaded[name]

    def output(self, **values):
        """Ends the function with results of these names."""
        function = self._function()
        for name, value in values.items():
            for size in value.shape:
                if isinstance(size, Dim) and size.name is None:
                    fail(f"output '{name}' has a dimension without a name, as {value.type}; "
                         "moe.name_dim gives it one")
            function.results.append((name, value))
        types = ", ".join(value.type for value in values.values())
        function.lines.add(f"return {', '.join(map(str, values.values()))} : {types}", Site())

    def comment(self, text):
        for line in text.splitlines():
            self._function().lines.add(f"// {line}".rstrip())

    def alias(self, name, text):
        """The name of an attribute, such as an affine map."""
        return self.aliases.setdefault(text, "#" + name)

    def lines(self, locations=False):
        """(text, site) of each line; `locations` writes the sites into the text."""
        for line in self.header.splitlines():
            yield f"// {line}".rstrip(), None
        bodies = [line for function in self.functions
                  for line in [*function.render(locations), ("", None)]][:-1]
        for group in ([(f"{name} = {text}", None) for text, name in self.aliases.items()],
                      list(self.parameters.values()), bodies):
            if group:
                yield "", None
                yield from group

    def text(self):
        return "".join(line + "\n" for line, _ in self.lines())

    def write(self, path):
        with open(path, "w") as file:
            file.write(self.text())

    def verify(self):
        """Has moe-opt check the graph; GraphError names the line that is wrong."""
        from .compiler import run
        run(self, ["moe-opt", "--moe-verify-input", "-o", os.devnull])

    def compile(self, path, *options):
        """Writes an artifact by `moec [options]`."""
        from .compiler import run
        run(self, ["moec", "-o", str(path), *options])
