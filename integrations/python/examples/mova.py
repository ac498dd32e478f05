"""
MoVA: a language model decides which vision encoders suit a question (a mask, given
here); a gate then mixes their features, each by its own cross-attention. Encoders
that were not chosen do not run.

The granularity is a sample: rows of the plan are whole images' tokens, [4, 16], and
results are combined as vectors of 64. Each expert reads its own encoder's features, of
its own width.

Source: MoVA, Adapting Mixture of Vision Experts to Multimodal Context;
github.com/TempleX98/MoVA.
"""
import moec as moe

WIDTHS = (8, 12, 16)

g = moe.Graph(__doc__)
x = g.input("x", ["B", 4, 16])
text = g.input("text", ["B", 8])
coarse = g.input("coarse", ["B", 3], "i1")
features = [g.input(f"v{e}", ["B", 5, width]) for e, width in enumerate(WIDTHS)]

mean = moe.map(lambda sum: 0.25 * sum, moe.sum(x, 1))
s = moe.relu(moe.concat([text, mean]) @ g.parameter("gate.w1", [24, 12])) @ g.parameter(
    "gate.w2", [12, 3])
masked = moe.map(lambda s, m: moe.where(m, s, s - 1e6), s, coarse)
p = moe.softmax(masked)
ids = moe.select(p, moe.top_k(2), mask=coarse)
w = moe.weigh(p, ids, "sum")
plan = moe.plan(ids, experts=3)


def norm(x):
    width = x.shape[2]
    keep = (x.shape[0], x.shape[1], 1)
    mean = moe.expand(moe.map(lambda sum: sum * (1 / width), moe.sum(x)), [[0], [1, 2]], keep)
    centred = x - mean
    squares = moe.expand(moe.sum(moe.map(lambda c: c * c, centred)), [[0], [1, 2]], keep)
    return moe.map(lambda c, sum: c * moe.rsqrt(sum * (1 / width) + 1e-5), centred, squares)


def linear(x, w):
    """The last of three dimensions times a matrix."""
    flat = moe.collapse(x, [[0, 1], [2]]) @ w
    return moe.expand(flat, [[0, 1], [2]], (x.shape[0], x.shape[1], w.shape[1]))


def attend(q, k, v):
    s = moe.map(lambda s: s * 0.25, moe.matmul(q, k, transposed=True))
    return moe.matmul(moe.softmax(s), v)


def adapter(e):
    def body(x, v0, v1, v2, q0, k0, u0, q1, k1, u1, q2, k2, u2):
        v = norm((v0, v1, v2)[e])
        q, k, u = ((q0, k0, u0), (q1, k1, u1), (q2, k2, u2))[e]
        y = attend(linear(norm(x), q), linear(v, k), linear(v, u))
        return moe.collapse(y, [[0], [1, 2]])
    return body


params = []
for e, width in enumerate(WIDTHS):
    params += [g.parameter(f"q{e}", [1, 16, 16]), g.parameter(f"k{e}", [1, width, 16]),
               g.parameter(f"u{e}", [1, width, 16])]
rows = [moe.dispatch(value, plan) for value in (x, *features)]
outs = moe.experts(plan, [adapter(e) for e in range(3)], rows, params, members=[0, 1, 2],
                   slot=[0, 0, 0])
h = x + moe.expand(moe.combine(outs, plan, w), [[0], [1, 2]], x.shape)
q, k, v = (linear(norm(h), g.parameter(f"self.{part}", [16, 16])) for part in "qkv")
h = h + attend(q, k, v)
n = norm(h)
a = moe.map(lambda gate, up: moe.silu(gate) * up, linear(n, g.parameter("gate", [16, 24])),
            linear(n, g.parameter("up", [16, 24])))
y = h + linear(a, g.parameter("down", [24, 16]))
g.output(y=y, ids=ids)
print(g.text(), end="")
