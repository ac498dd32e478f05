"""
Graph of tokens: a token is routed by its own probabilities and those of the tokens
that it resembles. P' = M P, where M is a softmax of learned similarities (@similarity)
or the mean attention of the block before (@attention). Top-2 of P', weights sum to 1.

Attention probabilities are a value like any other; M inherits their causal mask.

Source: Improving Routing in Sparse Mixture of Experts with Graph of Tokens. The exact
M is not verified.
"""
import moec as moe

EXPERTS, HEADS = 4, 2

g = moe.Graph(__doc__)


def causal_softmax(s):
    visible = moe.map(lambda s: moe.where(moe.position(s, 0) >= moe.position(s, 1), s,
                                          float("-inf")), s)
    return moe.softmax(visible)


def mixture(x, m):
    p = moe.softmax(x @ g.parameter("router", [16, EXPERTS], std=1.0))
    smoothed = m @ p
    ids = moe.select(smoothed, moe.top_k(2))
    w = moe.weigh(smoothed, ids, "sum")
    plan = moe.plan(ids, experts=EXPERTS)
    outs = moe.experts(plan, lambda x, up, down: moe.gelu(x @ up) @ down, moe.dispatch(x, plan),
                       [g.parameter("up", [EXPERTS, 16, 24]),
                        g.parameter("down", [EXPERTS, 24, 16])])
    g.output(y=moe.combine(outs, plan, w, init=x), p=smoothed)


g.function("similarity")
x = g.input("x", ["T", 16])
mixture(x, causal_softmax(moe.matmul(x @ g.parameter("metric", [16, 16]), x, transposed=True)))

g.function("attention")
x = g.input("x", ["T", 16])
h, mean = x, moe.full((x.shape[0], x.shape[0]), like=x)
for head in range(HEADS):
    q, k, v = (x @ g.parameter(f"{head}.{part}", [16, 8]) for part in "qkv")
    a = causal_softmax(moe.matmul(q, k, transposed=True))
    h = h + (a @ v) @ g.parameter(f"{head}.o", [8, 16])
    mean = moe.map(lambda m, a: m + a * (1 / HEADS), mean, a)
mixture(h, mean)
print(g.text(), end="")
