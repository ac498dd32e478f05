"""
VersatileFFN: one feed-forward network used in two ways. Depth: a token passes it 1
to 4 times, as its router says. Width: slices of its hidden units are 8 experts, of
which it takes 2. The harder a token, the more it is depth: both are blended by the
number of passes, and the deepest tokens skip the width.

The bank of 8 slices and the whole network are two views of the same two parameters.

Source: VersatileFFN, Achieving Parameter Efficiency in LLMs via Adaptive
Wide-and-Deep Reuse; the code of huawei-noah.
"""
import moec as moe

DEPTHS = 4

g = moe.Graph(__doc__)
x = g.input("x", ["T", 16])
up = g.parameter("up", [8, 4, 16])    # hidden units by slice, from the input
down = g.parameter("down", [8, 4, 16])  # and to the output
whole_up = moe.collapse(up, [[0, 1], [2]])
whole_down = moe.collapse(down, [[0, 1], [2]])


def norm(x):
    squares = moe.sum(moe.map(lambda x: x * x, x))
    return moe.map(lambda x, sum: x * moe.rsqrt(sum * (1 / 16) + 1e-5), x, moe.column(squares))


def network(x, up, down):
    return moe.gelu(moe.matmul(norm(x), up, transposed=True)) @ down


q = moe.select(x @ g.parameter("depth_router", [16, DEPTHS]), moe.top_k(1))

deep = x
for step in range(DEPTHS):
    ids = moe.map(lambda q: moe.where(q >= step, q * 0, -1), q)
    plan = moe.plan(ids, experts=1)
    outs = moe.experts(plan, lambda x: network(x, whole_up, whole_down),
                       moe.dispatch(deep, plan))
    deep = moe.combine(outs, plan, init=deep)

s = x @ g.parameter("width_router", [16, 8])
chosen = moe.select(s, moe.top_k(2))
width_ids = moe.map(lambda id, q: moe.where(q < DEPTHS - 1, id, -1), chosen, q)
w = moe.weigh(s, width_ids, "softmax")
plan = moe.plan(width_ids, experts=8)
outs = moe.experts(plan, lambda x, up, down: x + network(x, up, down), moe.dispatch(x, plan),
                   [up, down])
wide = moe.combine(outs, plan, w)


def blend(q, deep, wide):
    share = 1 - (moe.cast(q, "f32") + 1) * (1 / DEPTHS)
    return (1 - share) * deep + share * wide


y = moe.map(blend, q, deep, wide)
g.output(y=y, q=q, width_ids=width_ids)
print(g.text(), end="")
