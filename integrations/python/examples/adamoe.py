"""
AdaMoE: null experts let each token choose how many experts it needs. Top-4 of 4
true and 4 null experts; weights are the probabilities divided by their sum over
the selected true experts. A token that chose only null experts gets zero.

Experts 4 to 7 are null: their slots become -1 before the plan, so that they have
no rows and cost nothing.

Source: AdaMoE, Token-Adaptive Routing with Null Experts for Mixture-of-Experts;
github.com/CengZihao/AdaMoE.
"""
import moec as moe

g = moe.Graph(__doc__)
x = g.input("x", ["T", 16])
s = moe.concat([x @ g.parameter("true_router", [16, 4]), x @ g.parameter("null_router", [16, 4])])
p = moe.softmax(s)
selected = moe.select(p, moe.top_k(4))
ids = moe.map(lambda id: moe.where(id < 4, id, -1), selected)
w = moe.weigh(p, ids, "sum")
plan = moe.plan(ids, experts=4)


def expert(x, gate, up, down):
    a = moe.map(lambda gate, up: moe.silu(gate) * up, moe.linear(x, gate), moe.linear(x, up))
    return moe.linear(a, down)


rows = moe.dispatch(x, plan)
outs = moe.experts(plan, expert, rows, params=[
    g.parameter("gate", [4, 24, 16]), g.parameter("up", [4, 24, 16]),
    g.parameter("down", [4, 16, 24])])
y = moe.combine(outs, plan, w)
g.output(y=y, ids=ids, assignments=moe.as_tensor(moe.rows(plan)))
print(g.text(), end="")
