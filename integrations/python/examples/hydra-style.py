"""
Hydra: a proposal of a long-context model. Here are its two routed parts: experts
chosen for chunks of 4 tokens by the chunk's mean (@chunks), and a product-key
memory (@memory), which finds the best 4 of 64 values by two tables of 8 keys.

Chunks are computed on a tensor of ceil(T / 4) rows and looked up by token; the last
one may be shorter. The memory's values are a bank of 64 experts that give their own
vector.

Source: Hydra, a 1.6B-parameter state-space language model with sparse attention,
mixture-of-experts, and memory. How chunks are pooled is not verified.
"""
import moec as moe

g = moe.Graph(__doc__)

g.function("chunks")
x = g.input("x", ["T", 16])
chunks = moe.dim("C", moe.ceil_divide(moe.size(x, 0), 4))
grid = moe.full((chunks, x.shape[0]), like=x)
belongs = moe.map(lambda z: moe.cast(moe.equal(moe.position(z, 0), moe.position(z, 1) // 4), "f32"),
                  grid)
mean = moe.map(lambda sum, count: sum / count, belongs @ x, moe.column(moe.sum(belongs)))
p = moe.softmax(mean @ g.parameter("router", [16, 6]))
chunk_ids = moe.select(p, moe.top_k(2))
chunk_w = moe.weigh(p, chunk_ids, "sum")
chunk = moe.map(lambda x: moe.cast(moe.position(x, 0) // 4, "i32"), x[:, 0])
ids = moe.take(chunk_ids, chunk)
w = moe.take(chunk_w, chunk)
plan = moe.plan(ids, experts=6)
outs = moe.experts(plan, lambda x, up, down: moe.gelu(x @ up) @ down, moe.dispatch(x, plan),
                   [g.parameter("up", [6, 16, 24]), g.parameter("down", [6, 24, 16])])
y = moe.combine(outs, plan, w)
g.output(y=y, ids=ids)

g.function("memory")
x = g.input("x", ["T", 16])
query = x @ g.parameter("query", [16, 12])
left = moe.matmul(query[:, :6], g.parameter("left_keys", [8, 6], std=1.0), transposed=True)
right = moe.matmul(query[:, 6:12], g.parameter("right_keys", [8, 6], std=1.0), transposed=True)
ids, scores = moe.select([left, right], moe.product_key(4, side=8))
w = moe.softmax(scores)
plan = moe.plan(ids, experts=64)
outs = moe.experts(plan, lambda x, value: moe.map(lambda x, v: v, x, value),
                   moe.dispatch(x[:, :1], plan), [g.parameter("values", [64, 16])])
y = moe.combine(outs, plan, w)
g.output(y=y, ids=ids)
print(g.text(), end="")
