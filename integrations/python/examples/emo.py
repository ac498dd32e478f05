"""
EMO: tokens of a document may only use experts of the document's pool. The pool is
the 4 experts with the largest sum of probabilities over the document; in it, each
token takes its best 2. Probabilities are masked after the softmax.

Two selections: one of documents, whose ids become a mask, and one of tokens under
the mask that their document looks up.

Source: EMO, emergent modularity; github.com/allenai/EMO.
"""
import moec as moe

g = moe.Graph(__doc__)
x = g.input("x", ["T", 16])
document = g.input("document", ["T"], "i32")
documents = g.input("documents", ["D"], "i32")  # the documents' numbers

p = moe.softmax(x @ g.parameter("router", [16, 8]))
belongs = moe.map(lambda d, t: moe.cast(moe.equal(d, t), "f32"),
                  moe.column(documents), document)
v = belongs @ p
pool_ids = moe.select(v, moe.top_k(4))
# Which experts are in the pool: one of its slots names them.
expert = moe.map(lambda v: moe.cast(moe.position(v, 1), "i32"), v)
pool = sum((moe.map(lambda e, id: moe.cast(moe.equal(e, id), "i32"), expert, pool_ids[:, i:i + 1])
            for i in range(1, 4)),
           moe.map(lambda e, id: moe.cast(moe.equal(e, id), "i32"), expert, pool_ids[:, 0:1]))
mask = moe.map(lambda n: moe.not_equal(n, 0), moe.take(pool, document))
masked = moe.map(lambda p, ok: moe.where(ok, p, 0.0), p, mask)
ids = moe.select(masked, moe.top_k(2), mask=mask)
w = moe.weigh(masked, ids, "sum")
plan = moe.plan(ids, experts=8)


def swiglu(x, gate, up, down):
    a = moe.map(lambda gate, up: moe.silu(gate) * up, x @ gate, x @ up)
    return a @ down


outs = moe.experts(plan, swiglu, moe.dispatch(x, plan), params=[
    g.parameter("gate", [8, 16, 24]), g.parameter("up", [8, 16, 24]),
    g.parameter("down", [8, 24, 16])])
y = moe.combine(outs, plan, w)
g.output(y=y, ids=ids)
print(g.text(), end="")
