"""
ExpertRAG: a gate decides for each query whether to retrieve, then experts work on
the query and on what was retrieved (nothing, if nothing was).

Retrieval is an expert that runs on the gated queries only; here it is the value of
the nearest key of a memory, in place of a call of an external service. The number
of its rows is a result, so that the cost can be accounted for.

Source: ExpertRAG, Efficient RAG with Mixture of Experts. The factorisation is not
verified.
"""
import moec as moe

g = moe.Graph(__doc__)
x = g.input("x", ["T", 16])
gate = moe.sigmoid(x @ g.parameter("gate", [16, 1]))
tau = g.parameter("tau", [1], mutable=True)
retrieve = moe.map(lambda g, tau: moe.where(g > tau, moe.cast(g * 0, "i32"), -1), gate, tau)
calls = moe.plan(retrieve, experts=1)
keys, values = g.parameter("keys", [20, 16], std=1.0), g.parameter("values", [20, 8], std=1.0)


def nearest(x):
    s = moe.matmul(x, keys, transposed=True)
    return moe.take(values, moe.flat(moe.select(s, moe.top_k(1))))


found = moe.experts(calls, nearest, moe.dispatch(x, calls))
z = moe.combine(found, calls)

p = moe.softmax(moe.concat([x, z]) @ g.parameter("router", [24, 4]))
ids = moe.select(p, moe.top_k(2))
w = moe.weigh(p, ids, "sum")
plan = moe.plan(ids, experts=4)


def expert(x, z, up, down):
    return moe.gelu(moe.concat([x, z]) @ up) @ down


outs = moe.experts(plan, expert, [moe.dispatch(x, plan), moe.dispatch(z, plan)],
                   params=[g.parameter("up", [4, 24, 24]), g.parameter("down", [4, 24, 16])])
y = moe.combine(outs, plan, w)
g.output(y=y, calls=moe.as_tensor(moe.rows(calls)))
print(g.text(), end="")
