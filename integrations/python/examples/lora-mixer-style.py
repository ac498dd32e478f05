"""
LoRA-Mixer: low-rank experts on any linear layer, here the query and the value
projection of an attention layer. Each projection has its own router and its own
bank; the frozen projection is the initial value that expert rows are added to.

Source: LoRA-Mixer, Coordinate Modular LoRA Experts Through Serial Attention
Routing. Which projections are mixed and how weights are normalised is not verified.
"""
import moec as moe

SCALE = 2.0  # alpha / r

g = moe.Graph(__doc__)
x = g.input("x", ["T", 16])


def mixed(name):
    base = x @ g.parameter(f"{name}.base", [16, 16])
    p = moe.softmax(x @ g.parameter(f"{name}.router", [16, 4]))
    ids = moe.select(p, moe.top_k(2))
    w = moe.weigh(p, ids, "sum", scale=SCALE)
    plan = moe.plan(ids, experts=4)
    rows = moe.dispatch(x, plan)
    outs = moe.experts(plan, lambda x, a, b: (x @ a) @ b, rows, params=[
        g.parameter(f"{name}.a", [4, 16, 2]), g.parameter(f"{name}.b", [4, 2, 16])])
    return moe.combine(outs, plan, w, init=base)


q = mixed("q")
v = mixed("v")
g.output(q=q, v=v)
print(g.text(), end="")
