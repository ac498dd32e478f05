"""
ModuleFormer: feed-forward experts and attention-head experts, chosen by two-layer
routers with weights that are not renormalised. A token's query goes through the
head experts that it selected, attends to keys and values that all share, and comes
back through the same experts' output matrices.

Map, attention, reduce over one plan: between the two banks, rows are not combined.
Attention is stick-breaking: each key, from the nearest one back, takes its share of
what is left.

Source: ModuleFormer, Modularity Emerges from Mixture-of-Experts;
github.com/IBM/ModuleFormer.
"""
import moec as moe

g = moe.Graph(__doc__)


def route(x, name):
    s = moe.gelu(x @ g.parameter(f"{name}.router1", [16, 12])) @ g.parameter(
        f"{name}.router2", [12, 4])
    p = moe.softmax(s)
    ids = moe.select(p, moe.top_k(2))
    return moe.plan(ids, experts=4), moe.weigh(p, ids)


def attention(x, plan):
    wq = g.parameter("heads.q", [4, 16, 8])
    q = moe.experts(plan, lambda x, w: x @ w, moe.dispatch(x, plan), [wq])
    k, v = x @ g.parameter("k", [16, 8]), x @ g.parameter("v", [16, 8])
    position = moe.map(lambda x: moe.cast(moe.position(x, 0), "i32"), x[:, 0])
    rows = moe.dispatch(position, plan)
    logits = moe.matmul(q, k, transposed=True)

    # log(1 - sigmoid) of each key up to the query's, and its sum over later keys.
    left = moe.map(lambda logit, i, j: moe.where(i >= j, -moe.log(1 + moe.exp(logit)), 0.0),
                   logits, moe.column(rows), position)
    later = moe.map(lambda m, j: moe.cast(m > j, "f32"), moe.column(position), position)
    a = moe.map(lambda logit, sum, i, j: moe.where(i >= j, moe.sigmoid(logit) * moe.exp(sum), 0.0),
                logits, left @ later, moe.column(rows), position)
    return a @ v


g.function("attention")
x = g.input("x", ["T", 16])
plan, w = route(x, "heads")
outs = moe.experts(plan, lambda o, w: o @ w, attention(x, plan),
                   [g.parameter("heads.o", [4, 8, 16])])
y = moe.combine(outs, plan, w)
g.output(y=y)

g.function("feed_forward")
x = g.input("x", ["T", 16])
plan, w = route(x, "ffn")
outs = moe.experts(plan, lambda x, up, down: moe.gelu(x @ up) @ down, moe.dispatch(x, plan),
                   [g.parameter("ffn.up", [4, 16, 24]), g.parameter("ffn.down", [4, 24, 16])])
y = moe.combine(outs, plan, w)
g.output(y=y)
print(g.text(), end="")
