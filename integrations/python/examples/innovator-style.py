"""
Innovator: a dense model becomes a mixture of fine-grained science experts. The
network of each discipline is cut along its hidden units into 4 experts; the general
network stays as the shared expert. Top-8 of 16, softmax over the selected.

Experts are views of the disciplines' matrices; nothing is copied.

Source: Innovator, Scientific Continued Pretraining with Fine-grained MoE Upcycling.
How the router normalises is not verified.
"""
import moec as moe

DISCIPLINES, SLICES, HIDDEN = 4, 4, 8
EXPERTS = DISCIPLINES * SLICES

g = moe.Graph(__doc__)
x = g.input("x", ["T", 16])


def swiglu(x, gate, up, down):
    a = moe.map(lambda gate, up: moe.silu(gate) * up, x @ gate, x @ up)
    return a @ down


def columns(name):
    """[disciplines, 16, slices * hidden] as [experts, 16, hidden]."""
    parts = moe.expand(g.parameter(name, [DISCIPLINES, 16, SLICES * HIDDEN]), [[0], [1], [2, 3]],
                       (DISCIPLINES, 16, SLICES, HIDDEN))
    return moe.collapse(moe.transpose(parts, (0, 2, 1, 3)), [[0, 1], [2], [3]])


def rows(name):
    """[disciplines, slices * hidden, 16] as [experts, hidden, 16]."""
    whole = g.parameter(name, [DISCIPLINES, SLICES * HIDDEN, 16])
    parts = moe.expand(whole, [[0], [1, 2], [3]], (DISCIPLINES, SLICES, HIDDEN, 16))
    return moe.collapse(parts, [[0, 1], [2], [3]])


s = x @ g.parameter("router", [16, EXPERTS])
ids = moe.select(s, moe.top_k(8))
w = moe.weigh(s, ids, "softmax")
plan = moe.plan(ids, experts=EXPERTS)
general = swiglu(x, g.parameter("general.gate", [16, 32]), g.parameter("general.up", [16, 32]),
                 g.parameter("general.down", [32, 16]))
outs = moe.experts(plan, swiglu, moe.dispatch(x, plan),
                   [columns("gate"), columns("up"), rows("down")])
y = moe.combine(outs, plan, w, init=general)
g.output(y=y, ids=ids)
print(g.text(), end="")
