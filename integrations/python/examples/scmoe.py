"""
SCMoE: decoding that contrasts two routings of one model. Strong: the two best
experts. Weak: the second best alone. Logits move away from the weak ones where the
strong model is confident, and the best token of the rest wins.

Experts are selected by their rank. Three functions of one artifact share all
weights: @strong, @weak, and @main, which has both.

Source: Unchosen Experts Can Contribute Too, Unleashing MoE Models' Power by
Self-Contrast; github.com/DavidFanzz/SCMoE.
"""
import math

import moec as moe

ALPHA = 0.1

g = moe.Graph(__doc__)


def swiglu(x, gate, up, down):
    a = moe.map(lambda gate, up: moe.silu(gate) * up, moe.linear(x, gate), moe.linear(x, up))
    return moe.linear(a, down)


def model(tokens, policy):
    h = moe.take(g.parameter("embedding", [13, 16], std=1.0), tokens)
    s = h @ g.parameter("router", [16, 4])
    ids = moe.select(s, policy)
    w = moe.weigh(s, ids, "softmax")
    plan = moe.plan(ids, experts=4)
    outs = moe.experts(plan, swiglu, moe.dispatch(h, plan), params=[
        g.parameter("gate", [4, 24, 16]), g.parameter("up", [4, 24, 16]),
        g.parameter("down", [4, 16, 24])])
    return moe.combine(outs, plan, w, init=h) @ g.parameter("head", [16, 13])


for name, policy in (("strong", moe.ranks(0, 1)), ("weak", moe.ranks(1))):
    g.function(name)
    g.output(logits=model(g.input("tokens", ["T"], "i32"), policy))

g.function("main")
tokens = g.input("tokens", ["T"], "i32")
beta = moe.extract(g.input("beta", []))
strong = model(tokens, moe.ranks(0, 1))
weak = model(tokens, moe.ranks(1))
best = moe.column(moe.max(strong))
z = moe.map(lambda s, w, best: moe.where(s >= best + math.log(ALPHA), (1 + beta) * s - beta * w,
                                         float("-inf")), strong, weak, best)
token = moe.select(z, moe.top_k(1))
g.output(z=z, token=token)
print(g.text(), end="")
