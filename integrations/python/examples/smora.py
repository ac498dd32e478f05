"""
SMoRA: every rank of a low-rank adapter is an expert. A sigmoid gate plus a bias
that keeps the load even picks 4 of 16 ranks; weights are the biased gates divided
by their sum, times 4. Only the selected ranks are computed. @all_ranks selects all 16.

An expert is a row of A and a column of B: a rank-1 product.

Source: SMoRA, Each Rank Could be an Expert; github.com/StyxXuan/smora.
"""
import moec as moe

ALPHA, RANKS = 8.0, 16

g = moe.Graph(__doc__)


def rank(x, a, b):
    inner = moe.column(moe.sum(moe.map(lambda x, a: x * a, x, a)))
    return moe.map(lambda inner, b: inner * b, inner, b)


def layer(name, active):
    g.function(name)
    x = g.input("x", ["T", 16])
    base = x @ g.parameter("base", [16, 20])
    logits = x @ g.parameter("router", [16, RANKS])
    s = moe.map(lambda logit, bias: moe.sigmoid(logit) + bias, logits,
                g.parameter("bias", [RANKS], std=0.02, mutable=True))
    ids = moe.select(s, moe.top_k(active))
    # gate * (alpha / active), with gate = s / sum(s) * active
    w = moe.weigh(s, ids, "sum", scale=ALPHA)
    plan = moe.plan(ids, experts=RANKS)
    outs = moe.experts(plan, rank, moe.dispatch(x, plan), params=[
        g.parameter("a", [RANKS, 16]), g.parameter("b", [RANKS, 20])])
    y = moe.combine(outs, plan, w, init=base)
    g.output(y=y, ranks=moe.as_tensor(moe.rows(plan)))


layer("main", 4)
layer("all_ranks", RANKS)
print(g.text(), end="")
