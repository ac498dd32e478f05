# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Mixture-of-Experts graphs in Python, printed as MLIR for moec. Needs nothing but
Python 3.9; moec and moe-opt are found in PATH.

    import moec as moe
    g = moe.Graph()
    x = g.input("hidden_states", ["T", 32])
    scores = moe.softmax(x @ g.parameter("router", [32, 8]))
    ids = moe.select(scores, moe.top_p(0.4))
    weights = moe.weigh(scores, ids)
    plan = moe.plan(ids, experts=8)
    up, down = g.parameter("up", [8, 32, 64]), g.parameter("down", [8, 64, 32])
    outs = moe.experts(plan, lambda x, up, down: moe.silu(x @ up) @ down,
                       rows=moe.dispatch(x, plan), params=[up, down])
    g.output(moe_out=moe.combine(outs, plan, weights))
    g.compile("layer.moe")

With libmoec, as in the wheel of integrations/pytorch, it also runs what was compiled:
moec.load, and for PyTorch models moec.replace_moe.
"""

from .control import for_, if_
from .graph import Graph, GraphError, Scalar, Value
from .routing import (Policy, combine, dispatch, experts, grouped_top_k, limit, plan,
                      plan_by_expert, policy, product_key, ranks, rows, select, select_tokens,
                      slots, tap, threshold, top_k, top_p, weigh)
from .runtime import load
from .scalars import (absolute, atan2, cast, ceil, ceil_divide, cos, equal, erf, exp, floor, gelu,
                      log, logical_and, logical_not, logical_or, maximum, minimum, not_equal,
                      relu, rsqrt, sigmoid, silu, sin, sqrt, tanh, where)
from .tensors import (as_tensor, collapse, column, concat, constant, dim, expand, extract,
                      flat, full, insert, linear, matmul, position, size, softmax, take,
                      transpose)
from .tensors import map_values as map
from .tensors import max_over as max
from .tensors import sum_over as sum


def __getattr__(name):
    # Whoever writes graphs needs no PyTorch.
    if name != "replace_moe":
        raise AttributeError(f"module 'moec' has no attribute {name!r}")
    from .pytorch import replace_moe
    return replace_moe
