"""
FlexOlmo: experts that were trained apart, on data that stays with its owners, are
joined by router rows that belong to their domain. Expert 0 is the public one; the
others have a bias that may only lower their score. Top-2, weights are the
probabilities.

Whoever opts out for one request is masked: a score of minus infinity and no part of
the softmax. Whoever opts out for good is a smaller parameter.

Source: FlexOlmo, Open Language Models for Flexible Data Use; github.com/allenai/FlexOlmo.
"""
import moec as moe

EXPERTS = 5

g = moe.Graph(__doc__)
x = g.input("x", ["T", 16])
enabled = g.input("enabled", [EXPERTS], "i1")
s = moe.matmul(x, g.parameter("router", [EXPERTS, 16]), transposed=True)


def adjust(s, bias, enabled):
    own = moe.minimum(bias, 0)
    biased = moe.where(moe.equal(moe.position(s, 1), 0), s, s + own)
    return moe.where(enabled, biased, float("-inf"))


adjusted = moe.map(adjust, s, g.parameter("bias", [EXPERTS], mutable=True), enabled)
p = moe.softmax(adjusted)
ids = moe.select(p, moe.top_k(2), mask=moe.map(lambda enabled, p: enabled, enabled, p))
w = moe.weigh(p, ids)
plan = moe.plan(ids, experts=EXPERTS)


def swiglu(x, gate, up, down):
    a = moe.map(lambda gate, up: moe.silu(gate) * up, x @ gate, x @ up)
    return a @ down


outs = moe.experts(plan, swiglu, moe.dispatch(x, plan), params=[
    g.parameter("gate", [EXPERTS, 16, 24]), g.parameter("up", [EXPERTS, 16, 24]),
    g.parameter("down", [EXPERTS, 24, 16])])
y = moe.combine(outs, plan, w)
g.output(y=y, ids=ids)
print(g.text(), end="")
