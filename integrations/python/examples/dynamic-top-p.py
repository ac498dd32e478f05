"""
Dynamic top-p: harder tokens need more experts. A token takes its best experts until
their probabilities sum up to P; the expert that crosses P is taken, and weights are
not renormalised. Every second layer has experts, the others are dense.

P is an argument of the call; at 1 and above all experts are taken.

Source: Harder Tasks Need More Experts, Dynamic Routing in MoE Models;
github.com/ZhenweiAn/Dynamic_MoE.
"""
import moec as moe

g = moe.Graph(__doc__)
x = g.input("x", ["T", 16])
P = moe.extract(g.input("P", [1]), 0)


def swiglu(x, gate, up, down):
    a = moe.map(lambda gate, up: moe.silu(gate) * up, x @ gate, x @ up)
    return a @ down


h = x + swiglu(x, g.parameter("dense.gate", [16, 24], std=0.2), g.parameter("dense.up", [16, 24], std=0.2),
               g.parameter("dense.down", [24, 16], std=0.2))
p = moe.softmax(h @ g.parameter("router", [16, 6]))
ids = moe.select(p, moe.top_p(inclusive=True), params=P)
w = moe.weigh(p, ids)
plan = moe.plan(ids, experts=6)
outs = moe.experts(plan, swiglu, moe.dispatch(h, plan), params=[
    g.parameter("gate", [6, 16, 24], std=0.2), g.parameter("up", [6, 16, 24], std=0.2),
    g.parameter("down", [6, 24, 16], std=0.2)])
y = moe.combine(outs, plan, w, init=h)
g.output(y=y, ids=ids)
print(g.text(), end="")
