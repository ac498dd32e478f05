"""
ProMoE: two-step routing for diffusion transformers. Unconditional tokens, those
without a label, all go to one expert of their own. The others are compared to the
experts' prototypes by cosine; the best two experts get the activated cosine as their
weight, not renormalised. A shared expert sees every token.

One function for each activation: @softmax, @sigmoid, @identity. Both steps write
into the same list of ids, so that there is one bank.

Source: ProMoE, Routing Matters in MoE, Scaling Diffusion Transformers with Explicit
Routing Guidance; the port of Bili-Sakura.
"""
import moec as moe

ROUTED = 4

g = moe.Graph(__doc__)


def unit(x):
    squares = moe.sum(moe.map(lambda x: x * x, x))
    return moe.map(lambda x, sum: x * moe.rsqrt(sum + 1e-12), x, moe.column(squares))


def swiglu(x, gate, up, down):
    a = moe.map(lambda gate, up: moe.silu(gate) * up, x @ gate, x @ up)
    return a @ down


for name, activation in (("softmax", moe.softmax), ("sigmoid", moe.sigmoid),
                         ("identity", lambda s: s)):
    g.function(name)
    x = g.input("x", ["T", 16])
    unconditional = g.input("unconditional", ["T"], "i1")
    s = moe.matmul(unit(x), unit(g.parameter("prototypes", [ROUTED, 16])), transposed=True)
    p = activation(s)
    best = moe.select(s, moe.top_k(2))
    weights = moe.weigh(p, best)
    ids, w = moe.map(
        lambda id, w, none: (moe.where(none, moe.where(moe.equal(moe.position(w, 1), 0), ROUTED, id * 0 - 1), id),
                             moe.where(none, w * 0 + 1, w)),
        best, weights, moe.column(unconditional))
    plan = moe.plan(ids, experts=ROUTED + 1)
    shared = swiglu(x, g.parameter("shared.gate", [16, 24]), g.parameter("shared.up", [16, 24]),
                    g.parameter("shared.down", [24, 16]))
    outs = moe.experts(plan, swiglu, moe.dispatch(x, plan), params=[
        g.parameter("gate", [ROUTED + 1, 16, 24]), g.parameter("up", [ROUTED + 1, 16, 24]),
        g.parameter("down", [ROUTED + 1, 24, 16])])
    y = moe.combine(outs, plan, w, init=shared)
    g.output(y=y, ids=ids)
print(g.text(), end="")
