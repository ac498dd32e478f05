"""
Rewiring Experts on the Fly: while a model generates, vectors that are added to the
router logits of some layers are adapted to the text so far. Everything else stays as
it is. Two layers, top-2 of 6, weights sum to 1, and an output layer.

The vectors are parameters that the host sets between calls, without another
compilation; how it finds them (steps down the text's loss) is the host's business.

Source: Rewiring Experts on the Fly, Continuous Rerouting for Better Online Adaptation
in Mixture-of-Expert models. The rule of the update is not verified.
"""
import moec as moe

LAYERS, EXPERTS, WORDS = 2, 6, 20

g = moe.Graph(__doc__)


def model(adapted):
    x = g.input("x", ["T", 16])
    for layer in range(LAYERS):
        s = x @ g.parameter(f"{layer}.router", [16, EXPERTS])
        if adapted:
            s = s + g.parameter(f"{layer}.delta", [EXPERTS], std=0.1, mutable=True)
        p = moe.softmax(s)
        ids = moe.select(p, moe.top_k(2))
        w = moe.weigh(p, ids, "sum")
        plan = moe.plan(ids, experts=EXPERTS)
        outs = moe.experts(plan, lambda x, up, down: moe.gelu(x @ up) @ down,
                           moe.dispatch(x, plan), [
                               g.parameter(f"{layer}.up", [EXPERTS, 16, 24]),
                               g.parameter(f"{layer}.down", [EXPERTS, 24, 16])])
        x = moe.combine(outs, plan, w, init=x)
    g.output(logits=x @ g.parameter("words", [16, WORDS]))


g.function("main")
model(True)
g.function("plain")
model(False)
print(g.text(), end="")
