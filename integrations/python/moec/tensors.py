# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tensor computation: linalg and tensor operations."""

import inspect
import math

from .graph import Dim, Name, Scalar, Site, Value, fail, tensor_type


def _maps(graph, values, result):
    """Aliases of the indexing maps of operands that broadcast to `result`."""
    letters = "ijklmn"[:len(result)]
    for value in values:
        read = []
        for axis, size in enumerate(value.shape, len(result) - value.rank):
            stretched = size == 1 and result[axis] != 1
            read.append("0" if stretched else letters[axis])
        if isinstance(value, Column):
            read = letters[:1]
        name = letters + ("_" + "".join(read) if list(read) != list(letters) else "")
        yield graph.alias(name or "scalar",
                          f"affine_map<({', '.join(letters)}) -> ({', '.join(read)})>")


def broadcast_shape(shapes):
    """The shape that all of these stretch to."""
    result = []
    for axis in range(-max(map(len, shapes)), 0):
        sizes = [shape[axis] for shape in shapes if len(shape) >= -axis]
        wide = [size for size in sizes if size != 1] or [1]
        fixed = {size for size in wide if not isinstance(size, Dim)}
        if len(fixed) > 1:
            texts = ", ".join(tensor_type(shape, "_") for shape in shapes)
            fail(f"shapes do not broadcast: {texts}")
        result.append(fixed.pop() if fixed else wide[0])
    return tuple(result)


def map_values(f, *values, like=None):
    """`f` on the elements of tensors of equal or broadcast shapes, as one operation;
    arguments that are numbers are handed on. `f` may give several results."""
    tensors = [value for value in values if isinstance(value, Value)]
    function = tensors[0].function
    shape = broadcast_shape([value.shape for value in tensors] + ([like.shape] if like else []))
    site = Site()

    # The body's types tell the results': build it aside, then put it in place.
    outer, function.lines.entries = function.lines.entries, []
    last, silent = function.last, function.silent
    function.silent = Site.is_own(f)
    try:
        names = [name for name in inspect.signature(f).parameters]
    except (TypeError, ValueError):
        names = []
    arguments, handed = [], []
    for position, value in enumerate(values):
        if not isinstance(value, Value):
            handed.append(value)
            continue
        wanted = names[position] if position < len(names) else None
        arguments.append(Scalar(function, Name("in", wanted if wanted != "values" else None),
                                value.dtype))
        handed.append(arguments[-1])
    results = f(*handed)
    several = isinstance(results, tuple)
    results = results if several else (results,)
    results = [value if isinstance(value, Scalar) else function.constant(value, "f32")
               for value in results]
    body, function.lines.entries = function.lines.entries, outer
    function.last, function.silent = last, silent

    types = [(shape, value.dtype) for value in results]
    like = [*tensors, *([like] if like else [])]
    outs = [function.empty(like, *kind) for kind in types]
    maps = [*_maps(function.graph, tensors + outs, shape)]
    read = [value.base if isinstance(value, Column) else value for value in tensors]
    iterators = ", ".join(['"parallel"'] * len(shape))
    made = function.open(
        "map" if f.__name__ == "<lambda>" else f.__name__,
        f"linalg.generic {{indexing_maps = [{', '.join(maps)}], iterator_types = [{iterators}]}} "
        f"ins({_list(read)}) outs({_list(outs)}) {{", types, site)
    function.begin_region()
    block = [f"{a}: {a.dtype}" for a in arguments]
    block += [f"{Name('out')}: {value.dtype}" for value in results]
    function.lines.add(f"^bb0({', '.join(block)}):")
    function.lines.entries.extend(body)
    function.lines.add("linalg.yield " + ", ".join(str(value) for value in results) + " : "
                       + ", ".join(value.dtype for value in results), site)
    types = [out.type for out in outs]
    function.end_region("} -> " + (types[0] if len(types) == 1 else f"({', '.join(types)})"), site)
    return made


def _list(values):
    return (", ".join(str(value) for value in values) + " : "
            + ", ".join(value.type for value in values))


def position(inside, axis):
    """Within `map`: the position along a dimension, as an index; `inside` is any of
    the numbers there."""
    return inside.function.emit(f"i{axis}", f"linalg.index {axis} : index", "index")


def matmul(a, b, transposed=False):
    """[M, K] by [K, N]; with `transposed` the second one is [N, K]. Also of batches."""
    function = a.function
    depth, columns = (b.shape[-1], b.shape[-2]) if transposed else (b.shape[-2], b.shape[-1])
    if a.rank != b.rank or a.rank not in (2, 3):
        fail(f"matmul of {a.type} and {b.type}")
    if a.shape[-1] != depth and not isinstance(a.shape[-1], Dim) and not isinstance(depth, Dim):
        fail(f"matmul of {a.type} and {b.type}: depths {a.shape[-1]} and {depth} differ")
    shape = (*a.shape[:-1], columns)
    out = function.full([a, b], shape, a.dtype)
    batch = "batch_" if a.rank == 3 else ""
    maps = ""
    if transposed:
        lead = "b, " if batch else ""
        domain = f"({lead}m, n, k)"
        maps = " indexing_maps = [{}]".format(", ".join(
            function.graph.alias(name + ("_batch" if batch else ""),
                                 f"affine_map<{domain} -> ({lead}{read})>")
            for name, read in (("lhs", "m, k"), ("rhs_t", "n, k"), ("acc", "m, n"))))
    return function.emit("matmul", f"linalg.{batch}matmul{maps} ins({_list([a, b])}) "
                         f"outs({out} : {out.type}) -> {out.type}", (shape, a.dtype))


def linear(x, weight):
    """[T, in] by a weight [out, in], as checkpoints keep it."""
    return matmul(x, weight, transposed=True)


def softmax(x, axis=-1):
    axis %= x.rank
    out = x.function.empty([x], x.shape, x.dtype)
    return x.function.emit("softmax", f"linalg.softmax dimension({axis}) ins({_list([x])}) "
                           f"outs({out} : {out.type}) -> {out.type}", (x.shape, x.dtype))


def _reduce(x, axis, plain, body, start):
    axis %= x.rank
    shape = x.shape[:axis] + x.shape[axis + 1:]
    out = x.function.full([x], shape, x.dtype, start)
    return x.function.emit(
        plain, f"linalg.reduce {{ {body} }} ins({_list([x])}) outs({out} : {out.type}) "
        f"dimensions = [{axis}]", (shape, x.dtype))


def sum_over(x, axis=-1):
    return _reduce(x, axis, "sum", "arith.addf" if x.dtype[0] != "i" else "arith.addi", 0)


def max_over(x, axis=-1):
    return _reduce(x, axis, "max", "arith.maximumf", float("-inf"))


def transpose(x, permutation=(1, 0)):
    shape = tuple(x.shape[axis] for axis in permutation)
    out = x.function.empty([x], shape, x.dtype)
    order = ", ".join(str(axis) for axis in permutation)
    return x.function.emit("transposed", f"linalg.transpose ins({_list([x])}) "
                           f"outs({out} : {out.type}) permutation = [{order}]", (shape, x.dtype))


def _total(function, axes, operation, compute):
    """The sum or product of dimensions: a number, or a Dim of a computed size."""
    sizes = [value.shape[axis] for value, axis in axes]
    if not any(isinstance(size, Dim) for size in sizes):
        return compute(sizes)
    if len(sizes) == 1:
        return sizes[0]
    total = None
    for value, axis in axes:
        size = value.size(axis)
        size = function.index(size) if isinstance(size, int) else size
        total = size if total is None else function.emit(
            "size", f"{operation} {total}, {size} : index", "index")
    return Dim(ssa=total)


def concat(values, axis=-1):
    axis %= values[0].rank
    size = _total(values[0].function, [(value, axis) for value in values], "arith.addi", sum)
    shape = (*values[0].shape[:axis], size, *values[0].shape[axis + 1:])
    dtype = values[0].dtype
    names, types = _list(values).split(" : ", 1)
    return values[0].function.emit(
        "concat", f"tensor.concat dim({axis}) {names} : ({types}) -> {tensor_type(shape, dtype)}",
        (shape, dtype))


def expand(x, groups, shape):
    """`groups[i]` are the dimensions of the result that dimension i is split into."""
    sizes = ", ".join(str(x.function.size_of(s, [x])) if isinstance(s, Dim)
                      else str(s) for s in shape)
    return x.function.emit("expanded", f"tensor.expand_shape {x} {_groups(groups)} output_shape "
                           f"[{sizes}] : {x.type} into {tensor_type(shape, x.dtype)}",
                           (shape, x.dtype))


def collapse(x, groups):
    """`groups[i]` are the dimensions that become dimension i of the result."""
    shape = []
    for group in groups:
        wide = [axis for axis in group if x.shape[axis] != 1] or group[:1]
        shape.append(_total(x.function, [(x, axis) for axis in wide], "arith.muli", math.prod))
    return x.function.emit("collapsed", f"tensor.collapse_shape {x} {_groups(groups)} : "
                           f"{x.type} into {tensor_type(shape, x.dtype)}", (shape, x.dtype))


def _groups(groups):
    return "[" + ", ".join("[" + ", ".join(str(a) for a in g) + "]" for g in groups) + "]"


class Column(Value):
    """[T] seen as [T, 1]: `map` reads the vector itself, others get it expanded."""

    def __init__(self, base):
        super().__init__(base.function, None, (base.shape[0], 1), base.dtype)
        self.base = base

    def size(self, axis):
        return self.base.size(0) if axis == 0 else 1

    def __str__(self):
        if self.name is None:
            self.name = expand(self.base, [[0, 1]], self.shape).name
        return str(self.name)


def column(x):
    """[T] as [T, 1]."""
    return Column(x)


def flat(x):
    """[T, 1] as [T]."""
    return collapse(x, [[0, 1]])


def take(table, ids):
    """Rows (or elements) of a table by id: [N, ..] and [T] give [T, ..]."""
    def pick(id):
        at = [cast(id, "index")] + [position(id, axis + 1) for axis in range(table.rank - 1)]
        return extract(table, *at)
    from .scalars import cast
    if table.rank == 1:
        return map_values(pick, ids)
    trailing = table.shape[1:]
    shaped = expand(ids, [[0, *range(1, table.rank)]], (ids.shape[0],) + (1,) * len(trailing))
    like = Value(table.function, "", (1,) * 1 + trailing, ids.dtype)
    return map_values(pick, shaped, like=like)


def extract(x, *at):
    """One element, as a number."""
    from .scalars import cast
    places = [str(x.function.constant(a, "index") if isinstance(a, int)
                           else cast(a, "index")) for a in at]
    return x.function.emit("element", f"tensor.extract {x}[{', '.join(places)}] : {x.type}",
                           x.dtype)


def slice_of(x, key):
    """x[key]: numbers drop a dimension, slices keep it."""
    from .scalars import cast
    key = key if isinstance(key, tuple) else (key,)
    key += (slice(None),) * (x.rank - len(key))
    offsets, sizes, shape = [], [], []
    for axis, k in enumerate(key):
        full = x.shape[axis]
        if not isinstance(k, slice):
            offsets.append(str(k if isinstance(k, int) else cast(k, "index")))
            sizes.append("1")
            continue
        begin = k.start or 0
        if k.stop is None and begin == 0:
            size = full
        elif isinstance(full, Dim) and (k.stop is None or k.stop < 0):
            fail(f"a slice of {x.type} needs an end along dimension {axis}")
        else:
            size = (full if k.stop is None else k.stop) - begin
        offsets.append(str(begin))
        sizes.append(str(x.size(axis)) if isinstance(size, Dim) else str(size))
        shape.append(size)
    ones = ", ".join(["1"] * x.rank)
    return x.function.emit(
        "slice", f"tensor.extract_slice {x}[{', '.join(offsets)}] [{', '.join(sizes)}] [{ones}] : "
        f"{x.type} to {tensor_type(shape, x.dtype)}", (shape, x.dtype))


def insert(x, into, at):
    """`into` with `x` at the offsets `at`; leading dimensions that x lacks have size 1."""
    from .scalars import cast
    offsets = [str(a if isinstance(a, int) else cast(a, "index")) for a in at]
    sizes = ["1"] * (into.rank - x.rank) + [str(x.size(i)) for i in range(x.rank)]
    ones = ", ".join(["1"] * into.rank)
    return x.function.emit(
        "inserted", f"tensor.insert_slice {x} into {into}[{', '.join(offsets)}] "
        f"[{', '.join(sizes)}] [{ones}] : {x.type} into {into.type}", (into.shape, into.dtype))


def full(shape, dtype="f32", value=0, like=()):
    """A tensor of one value; `like` are tensors that have its dynamic dimensions."""
    like = like if isinstance(like, (list, tuple)) else [like]
    return like[0].function.full(like, shape, dtype, value)


def size(x, axis):
    """A dimension's size, as an index."""
    dim = x.shape[axis]
    if isinstance(dim, Dim):
        return Scalar(x.function, x.size(axis), "index")
    return x.function.constant(dim, "index")


def dim(name, size):
    """A dynamic dimension of a computed size, an index."""
    return Dim(name, size)


def as_tensor(scalar, dtype="i32"):
    """A number as a tensor of rank 0, such as a result can be."""
    from .scalars import cast
    scalar = cast(scalar, dtype)
    return scalar.function.emit("tensor", f"tensor.from_elements {scalar} : tensor<{dtype}>",
                                ((), dtype))


def constant(graph, values, dtype="f32"):
    """A tensor of these numbers (nested lists)."""
    from .graph import number
    function = graph._function()
    shape, inner = [], values
    while isinstance(inner, (list, tuple)):
        shape.append(len(inner))
        inner = inner[0]

    def text(v):
        if isinstance(v, (list, tuple)):
            return "[" + ", ".join(text(each) for each in v) + "]"
        if dtype == "i1":
            return "true" if v else "false"
        return number(v) if dtype[0] != "i" else str(int(v))
    return function.emit("constant", f"arith.constant dense<{text(values)}> : "
                         f"{tensor_type(shape, dtype)}", (tuple(shape), dtype))


Value.__matmul__ = lambda a, b: matmul(a, b)
Value.__getitem__ = slice_of
