"""
Yi-Lightning: fine-grained experts. Each feed-forward network is cut into 8 small
ones, and as many more are selected: 64 experts of 8 hidden units, top-8, weights sum
to 1, SwiGLU.

Nothing but small experts in large numbers: groups of few rows and matrices of 8
columns.

Source: Yi-Lightning Technical Report. Its attention and its key-value cache are not
shown; how weights are normalised is not verified.
"""
import moec as moe

g = moe.Graph(__doc__)
x = g.input("x", ["T", 16])
p = moe.softmax(x @ g.parameter("router", [16, 64]))
ids = moe.select(p, moe.top_k(8))
w = moe.weigh(p, ids, "sum")
plan = moe.plan(ids, experts=64)


def expert(x, gate, up, down):
    a = moe.map(lambda gate, up: moe.silu(gate) * up, x @ gate, x @ up)
    return a @ down


outs = moe.experts(plan, expert, moe.dispatch(x, plan), params=[
    g.parameter("gate", [64, 16, 8]), g.parameter("up", [64, 16, 8]),
    g.parameter("down", [64, 8, 16])])
y = moe.combine(outs, plan, w)
g.output(y=y, ids=ids)
print(g.text(), end="")
