"""
Tutel: a cosine router with a learned, bounded temperature; any number of experts for
a token; three kinds of capacity. A factor above 0 fixes how many tokens an expert
takes, 0 means as many as needed, below 0 the factor's amount is an upper bound.

k and the factor are arguments of the call. Who comes first keeps the place: all
first choices before the second ones. No expert ever needs more than T places, which
is the capacity that stands for "as many as needed".

Source: Tutel, Adaptive Mixture-of-Experts at Scale; github.com/microsoft/tutel. Its
parallel plans are not shown.
"""
import math

import moec as moe

EXPERTS = 8

g = moe.Graph(__doc__)
x = g.input("x", ["T", 16])
k = moe.extract(g.input("k", [1], "i32"), 0)
factor = moe.extract(g.input("factor", [1]), 0)


def unit(x):
    squares = moe.sum(moe.map(lambda x: x * x, x))
    return moe.map(lambda x, sum: x * moe.rsqrt(sum + 1e-12), x, moe.column(squares))


projected = unit(x @ g.parameter("project", [16, 12]))
cosine = moe.matmul(projected, unit(g.parameter("experts", [EXPERTS, 12])), transposed=True)
p = moe.softmax(moe.map(lambda s, log_t: s * moe.exp(moe.minimum(log_t, math.log(100))), cosine,
                        g.parameter("log_temperature", [1], std=1.0)))
best = moe.select(p, moe.top_k(max=EXPERTS), params=k)
w = moe.weigh(p, best, "sum")

T = moe.cast(moe.size(x, 0), "i32")
share = moe.cast(k * moe.ceil_divide(T, EXPERTS), "f32")
fixed = moe.cast(moe.ceil(share * moe.absolute(factor)), "i32")
capacity = moe.where(factor > 0, fixed, moe.where(factor < 0, moe.minimum(fixed, T), T))
ids = moe.limit(best, capacity, EXPERTS, order="slot")
plan = moe.plan(ids, experts=EXPERTS)
outs = moe.experts(plan, lambda x, up, down: moe.gelu(x @ up) @ down, moe.dispatch(x, plan),
                   [g.parameter("up", [EXPERTS, 16, 24]), g.parameter("down", [EXPERTS, 24, 16])])
y = moe.combine(outs, plan, w)
g.output(y=y, ids=ids)
print(g.text(), end="")
