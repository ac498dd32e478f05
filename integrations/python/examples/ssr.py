"""
Selective Sinkhorn routing: scores are an optimal transport plan between tokens and
experts, found by a few sweeps that normalise rows and columns in turn. Each token
gives 1, each expert gets T / E. Top-2 of the plan, weights sum to 1. @softmax is the
usual path of inference.

The plan couples all tokens of the batch; a loop carries the two scalings.

Source: Selective Sinkhorn Routing for Improved Sparse Mixture of Experts.
"""
import moec as moe

EXPERTS, SWEEPS, XI = 4, 30, 0.5

g = moe.Graph(__doc__)


def mixture(x, p):
    ids = moe.select(p, moe.top_k(2))
    w = moe.weigh(p, ids, "sum")
    plan = moe.plan(ids, experts=EXPERTS)
    outs = moe.experts(plan, lambda x, up, down: moe.gelu(x @ up) @ down, moe.dispatch(x, plan),
                       [g.parameter("up", [EXPERTS, 16, 24]),
                        g.parameter("down", [EXPERTS, 24, 16])])
    g.output(y=moe.combine(outs, plan, w), p=p, ids=ids)


g.function("main")
x = g.input("x", ["T", 16])
c = x @ g.parameter("router", [16, EXPERTS])
kernel = moe.map(lambda c: moe.exp(c * (1 / XI)), c)
share = moe.cast(moe.cast(moe.size(x, 0), "i32"), "f32") * (1 / EXPERTS)


def sweep(i, u, v):
    columns = moe.sum(moe.map(lambda k, u: k * u, kernel, moe.column(u)), 0)
    v = moe.map(lambda sum: share / sum, columns)
    rows = moe.sum(moe.map(lambda k, v: k * v, kernel, v), 1)
    return moe.map(lambda sum: 1 / sum, rows), v


u, v = moe.for_(SWEEPS, sweep, moe.full((x.shape[0],), value=1, like=x),
                moe.full((EXPERTS,), value=1, like=x))
p = moe.map(lambda k, u, v: k * u * v, kernel, moe.column(u), v)
mixture(x, p)

g.function("softmax")
x = g.input("x", ["T", 16])
mixture(x, moe.softmax(x @ g.parameter("router", [16, EXPERTS])))
print(g.text(), end="")
