"""
SMoRA: every rank of a low-rank adapter is an expert. A sigmoid gate plus a bias
that keeps the load even picks 4 of 16 ranks; weights are the biased gates divided
by their sum, times 4. Only the selected ranks are computed.

An expert is a row of A and a column of B: a rank-1 product.

Source: SMoRA, Each Rank Could be an Expert; github.com/StyxXuan/smora.
"""
import moec as moe

ALPHA, ACTIVE = 8.0, 4

g = moe.Graph(__doc__)
x = g.input("x", ["T", 16])
base = x @ g.parameter("base", [16, 20])
logits = x @ g.parameter("router", [16, 16])
s = moe.map(lambda logit, bias: moe.sigmoid(logit) + bias, logits,
            g.parameter("bias", [16], std=0.02, mutable=True))
ids = moe.select(s, moe.top_k(ACTIVE))
# gate * (alpha / active), with gate = s / sum(s) * active
w = moe.weigh(s, ids, "sum", scale=ALPHA)
plan = moe.plan(ids, experts=16)


def rank(x, a, b):
    inner = moe.column(moe.sum(moe.map(lambda x, a: x * a, x, a)))
    return moe.map(lambda inner, b: inner * b, inner, b)


rows = moe.dispatch(x, plan)
outs = moe.experts(plan, rank, rows,
                   params=[g.parameter("a", [16, 16]), g.parameter("b", [16, 20])])
y = moe.combine(outs, plan, w, init=base)
g.output(y=y)
print(g.text(), end="")
