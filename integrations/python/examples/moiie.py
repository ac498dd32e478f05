"""
MoIIE: experts of one modality each, and a shared pool of experts for both. A token
chooses among the experts of its own modality and the pool; each modality has its
own router over the same bank.

Which experts a modality may use is a table, looked up by token type and given to
the softmax and to the selection as a mask.

Source: MoIIE, Mixture of Intra- and Inter-Modality Experts;
github.com/AlenjandroWang/MoIIE.
"""
import moec as moe

g = moe.Graph(__doc__)
x = g.input("x", ["T", 16])
modality = g.input("modality", ["T"], "i32")

# Experts 0, 1: text; 2, 3: vision; 4, 5: both.
allowed = moe.take(moe.constant(g, [[1, 1, 0, 0, 1, 1], [0, 0, 1, 1, 1, 1]], "i32"), modality)
mask = moe.map(lambda allowed: moe.not_equal(allowed, 0), allowed)
text = x @ g.parameter("text_router", [16, 6])
vision = x @ g.parameter("vision_router", [16, 6])
s = moe.map(lambda m, ok, text, vision:
            moe.where(ok, moe.where(moe.equal(m, 0), text, vision), float("-inf")),
            moe.column(modality), mask, text, vision)
p = moe.softmax(s)
ids = moe.select(p, moe.top_k(2), mask=mask)
w = moe.weigh(p, ids, "sum")
plan = moe.plan(ids, experts=6)


def expert(x, up, down):
    return moe.gelu(x @ up) @ down


rows = moe.dispatch(x, plan)
outs = moe.experts(plan, expert, rows,
                   params=[g.parameter("up", [6, 16, 24]), g.parameter("down", [6, 24, 16])])
y = moe.combine(outs, plan, w)
g.output(y=y, ids=ids)
print(g.text(), end="")
