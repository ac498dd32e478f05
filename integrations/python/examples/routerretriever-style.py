"""
RouterRetriever: embedding models for different domains, one of which embeds a query.
A base model's embedding is compared to three pilot embeddings of each domain; the
domain with the highest mean cosine wins.

Experts are low-rank changes of the base encoder. A domain that is switched off is a
column of the mask; its pilots do not touch the scores of the others.

Source: RouterRetriever, Routing over a Mixture of Expert Embedding Models. How the
pilots of a domain are reduced is not verified.
"""
import moec as moe

EXPERTS, PILOTS = 5, 3

g = moe.Graph(__doc__)
x = g.input("x", ["B", 16])
enabled = g.input("enabled", [EXPERTS], "i1")
base = g.parameter("base", [16, 16])


def unit(x):
    squares = moe.sum(moe.map(lambda x: x * x, x))
    return moe.map(lambda x, sum: x * moe.rsqrt(sum + 1e-12), x, moe.column(squares))


query = unit(moe.tanh(x @ base))
pilots = unit(moe.collapse(g.parameter("pilots", [EXPERTS, PILOTS, 16], std=1.0), [[0, 1], [2]]))
cosines = moe.expand(moe.matmul(query, pilots, transposed=True), [[0], [1, 2]],
                     (x.shape[0], EXPERTS, PILOTS))
s = moe.map(lambda sum: sum * (1 / PILOTS), moe.sum(cosines))
mask = moe.map(lambda enabled, s: enabled, enabled, s)
ids = moe.select(s, moe.top_k(1), mask=mask)
plan = moe.plan(ids, experts=EXPERTS)


def encoder(x, a, b):
    change = (x @ a) @ b
    return moe.map(lambda base, change: moe.tanh(base + change), x @ base, change)


outs = moe.experts(plan, encoder, moe.dispatch(x, plan),
                   [g.parameter("a", [EXPERTS, 16, 2]), g.parameter("b", [EXPERTS, 2, 16])])
y = moe.combine(outs, plan)
g.output(y=y, s=s, ids=ids)
print(g.text(), end="")
