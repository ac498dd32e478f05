# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Arithmetic on numbers in a region, and the same on whole tensors by element."""

import functools
import math

from .graph import INTEGERS, Scalar, Value, fail


def emit(function, plain, text, dtype):
    return function.emit(plain, text, dtype)


def coerce(function, value, dtype):
    if isinstance(value, Scalar):
        if value.dtype != dtype:
            fail(f"numbers of types {dtype} and {value.dtype} meet; moe.cast makes them equal")
        return value
    return function.constant(value, dtype)


def pair(a, b):
    known = a if isinstance(a, Scalar) else b
    return (known.function, coerce(known.function, a, known.dtype),
            coerce(known.function, b, known.dtype))


def elementwise(f):
    """`f` on numbers; on tensors by element, with numpy's broadcasting."""

    @functools.wraps(f)
    def on_any(*values):
        if any(isinstance(value, Value) for value in values):
            from .tensors import map_values
            return map_values(f, *values)
        return f(*values)

    return on_any


def binary(plain, floats, integers):
    def apply(a, b):
        function, a, b = pair(a, b)
        name = integers if a.dtype in INTEGERS else floats
        if name is None:
            fail(f"{plain} does not work on {a.dtype}")
        return emit(function, plain, f"arith.{name} {a}, {b} : {a.dtype}", a.dtype)
    apply.__name__ = plain
    return elementwise(apply)


def compare(plain, floats, integers):
    def apply(a, b):
        function, a, b = pair(a, b)
        text = f"cmpi {integers}" if a.dtype in INTEGERS else f"cmpf {floats}"
        return emit(function, plain, f"arith.{text}, {a}, {b} : {a.dtype}", "i1")
    apply.__name__ = plain
    return elementwise(apply)


def unary(plain, operation):
    def apply(a):
        return emit(a.function, plain, f"{operation} {a} : {a.dtype}", a.dtype)
    apply.__name__ = plain
    return elementwise(apply)


add = binary("add", "addf", "addi")
subtract = binary("sub", "subf", "subi")
multiply = binary("mul", "mulf", "muli")
divide = binary("div", "divf", None)
floor_divide = binary("div", None, "floordivsi")
ceil_divide = binary("div", None, "ceildivsi")
remainder = binary("rem", "remf", "remsi")
maximum = binary("max", "maximumf", "maxsi")
minimum = binary("min", "minimumf", "minsi")
logical_and = binary("and", None, "andi")
logical_or = binary("or", None, "ori")
logical_xor = binary("xor", None, "xori")
greater = compare("gt", "ogt", "sgt")
greater_equal = compare("ge", "oge", "sge")
less = compare("lt", "olt", "slt")
less_equal = compare("le", "ole", "sle")
equal = compare("eq", "oeq", "eq")
not_equal = compare("ne", "une", "ne")
negate = unary("neg", "arith.negf")
exp = unary("exp", "math.exp")
log = unary("log", "math.log")
sqrt = unary("sqrt", "math.sqrt")
rsqrt = unary("rsqrt", "math.rsqrt")
tanh = unary("tanh", "math.tanh")
erf = unary("erf", "math.erf")
sin = unary("sin", "math.sin")
cos = unary("cos", "math.cos")
absolute = unary("abs", "math.absf")
floor = unary("floor", "math.floor")
ceil = unary("ceil", "math.ceil")


@elementwise
def atan2(y, x):
    function, y, x = pair(y, x)
    return emit(function, "atan", f"math.atan2 {y}, {x} : {y.dtype}", y.dtype)


@elementwise
def where(condition, a, b):
    function, a, b = pair(a, b)
    return emit(function, "select", f"arith.select {condition}, {a}, {b} : {a.dtype}", a.dtype)


@elementwise
def relu(a):
    return maximum(a, 0)


@elementwise
def sigmoid(a):
    return 1 / (1 + exp(-a))


@elementwise
def silu(a):
    return a * sigmoid(a)


@elementwise
def gelu(a):
    """The exact form, by erf."""
    return (0.5 * a) * (1 + erf(a * math.sqrt(0.5)))


@elementwise
def logical_not(a):
    return logical_xor(a, True)


def cast(value, dtype):
    """The value in another type; numbers to integers toward zero."""
    if isinstance(value, Value):
        from .tensors import map_values
        return map_values(lambda a: cast(a, dtype), value)
    if value.dtype == dtype:
        return value
    from_integer, to_integer = value.dtype in INTEGERS, dtype in INTEGERS
    if "index" in (value.dtype, dtype) and from_integer and to_integer:
        name = "index_castui" if value.dtype == "i1" else "index_cast"
    elif value.dtype == "index" or dtype == "index":
        return cast(cast(value, "i32"), dtype)
    elif from_integer and to_integer:
        narrow = ["i1", "i32", "i64"].index(dtype) < ["i1", "i32", "i64"].index(value.dtype)
        name = "trunci" if narrow else "extui" if value.dtype == "i1" else "extsi"
    elif from_integer:
        name = "uitofp" if value.dtype == "i1" else "sitofp"
    elif to_integer:
        name = "fptosi"
    else:
        widths = {"f16": 16, "bf16": 16, "f32": 32, "f64": 64}
        name = "truncf" if widths[dtype] < widths[value.dtype] else "extf"
    return emit(value.function, "cast", f"arith.{name} {value} : {value.dtype} to {dtype}", dtype)


def _operators(kind):
    def swapped(f):
        return lambda a, b: f(b, a)
    for name, f in (("add", add), ("sub", subtract), ("mul", multiply), ("truediv", divide),
                    ("floordiv", floor_divide), ("mod", remainder), ("and", logical_and),
                    ("or", logical_or)):
        setattr(kind, f"__{name}__", lambda a, b, f=f: f(a, b))
        setattr(kind, f"__r{name}__", lambda a, b, f=f: f(b, a))
    for name, f in (("gt", greater), ("ge", greater_equal), ("lt", less), ("le", less_equal)):
        setattr(kind, f"__{name}__", lambda a, b, f=f: f(a, b))
    kind.__neg__ = lambda a: negate(a)
    kind.__invert__ = lambda a: logical_not(a)


_operators(Scalar)
_operators(Value)
