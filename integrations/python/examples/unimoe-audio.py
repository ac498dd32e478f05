"""
UniMoE-Audio: a token takes as many experts as it needs to reach a probability of P;
among them may be null experts. The selected ones share their part of the weight by a
sequential softmax; how large that part is, against the shared expert's, decides a
softmax over the selected and the shared logits together.

@main drops nothing; in @by_position and @by_probability an expert takes ceil(cf T/E)
tokens, the first ones or the likeliest. Null experts have no region and no rows that
cost anything.

Source: UniMoE-Audio, Unified Speech and Music Generation with Dynamic-Capacity MoE;
UniMoE_Audio_core.py of github.com/HITsz-TMG.
"""
import moec as moe

REAL, NULL, P, CAPACITY = 4, 2, 0.6, 1.0
EXPERTS = REAL + NULL

g = moe.Graph(__doc__)


def swiglu(x, gate, up, down):
    a = moe.map(lambda gate, up: moe.silu(gate) * up, x @ gate, x @ up)
    return a @ down


def layer(name, order=None):
    g.function(name)
    x = g.input("x", ["T", 16])
    s = x @ g.parameter("router", [16, EXPERTS])
    shared_s = x @ g.parameter("shared.router", [16, 1])
    p = moe.softmax(s)
    ids = moe.select(p, moe.top_p(P, inclusive=True))
    multiplier = moe.weigh(s, ids, "sparse_mixer", jitter=0.1)
    logits = moe.weigh(s, ids, fill=float("-inf"))
    parts = moe.softmax(moe.concat([logits, shared_s]))
    dynamic = moe.sum(parts[:, :EXPERTS])
    total = moe.sum(multiplier)
    w = moe.map(lambda m, total, part: m / total * part, multiplier, moe.column(total),
                moe.column(dynamic))
    shared_w = parts[:, EXPERTS:EXPERTS + 1]
    kept = ids
    if order:
        capacity = moe.cast(moe.ceil(moe.cast(moe.cast(moe.size(x, 0), "i32"), "f32")
                                     * (CAPACITY / EXPERTS)), "i32")
        kept = moe.limit(ids, capacity, EXPERTS, order=order,
                         priority=moe.weigh(p, ids) if order == "score" else None)
    plan = moe.plan(kept, experts=EXPERTS)
    shared = swiglu(x, g.parameter("shared.gate", [16, 24]), g.parameter("shared.up", [16, 24]),
                    g.parameter("shared.down", [24, 16]))
    outs = moe.experts(
        plan, swiglu, moe.dispatch(x, plan),
        [g.parameter("gate", [REAL, 16, 24]), g.parameter("up", [REAL, 16, 24]),
         g.parameter("down", [REAL, 24, 16])],
        members=[0] * REAL + [-1] * NULL, slot=[*range(REAL)] + [0] * NULL)
    y = moe.combine(outs, plan, w, init=moe.map(lambda y, w: y * w, shared, shared_w))
    g.output(y=y, ids=kept, w=w, shared_w=shared_w)


layer("main")
layer("by_position", "token")
layer("by_probability", "score")
print(g.text(), end="")
