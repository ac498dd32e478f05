# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Control flow: scf operations."""

from .graph import Name, Scalar, Site, Value


def _tuple(values):
    return tuple(values) if isinstance(values, (tuple, list)) else (values,)


def _region(function, build):
    """The entries that `build` makes, and its results."""
    outer, function.lines.entries = function.lines.entries, []
    last = function.last
    function.zeros.append({})
    results = _tuple(build())
    site = Site()
    names = ", ".join(map(str, results))
    function.lines.add(f"scf.yield {names} : {', '.join(_type(r) for r in results)}", site)
    entries, function.lines.entries = function.lines.entries, outer
    function.zeros.pop()
    function.last = last
    return entries, results


def _type(value):
    return value.type if isinstance(value, Value) else value.dtype


def _kind(value):
    return (value.shape, value.dtype) if isinstance(value, Value) else value.dtype


def if_(condition, then, otherwise):
    """The results of `then()` or of `otherwise()`; the other one is not computed."""
    function, site = condition.function, Site()
    first, results = _region(function, then)
    second, _ = _region(function, otherwise)
    types = ", ".join(_type(value) for value in results)
    made = function.open("chosen", f"scf.if {condition} -> ({types}) {{",
                         [_kind(value) for value in results], site)
    function.begin_region()
    function.lines.entries.extend(first)
    function.end_region("} else {")
    function.begin_region()
    function.lines.entries.extend(second)
    function.end_region("}", site)
    return made


def for_(count, body, *init):
    """`body(i, *carried)` gives the next carried values; the last ones are the result."""
    function = init[0].function
    site = Site()
    zero, one = function.index(0), function.index(1)
    end = function.index(count) if isinstance(count, int) else count
    step = Scalar(function, Name("i"), "index")
    carried = [Value(function, Name("carried", getattr(v.name, "wanted", None)), v.shape, v.dtype)
               if isinstance(v, Value) else Scalar(function, Name("carried"), v.dtype)
               for v in init]
    entries, _ = _region(function, lambda: body(step, *carried))
    pairs = ", ".join(f"{c} = {v}" for c, v in zip(carried, init))
    types = ", ".join(_type(v) for v in init)
    # Names of a loop's head belong to its region: push before they are settled.
    made = function.open("last", f"scf.for {step} = {zero} to {end} step {one} "
                         f"iter_args({pairs}) -> ({types}) {{", [_kind(v) for v in init], site)
    function.begin_region()
    function.lines.entries.extend(entries)
    function.end_region("}", site)
    return made
