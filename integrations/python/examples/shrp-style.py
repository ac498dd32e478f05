"""
SHRP: attention heads are experts with one common feed-forward network behind them.
@routed sends each token to its best head; @masked runs all heads but those that a
mask removes; @pruned is what is deployed: the two most used heads, no router.

A head is an expert that reads its own tokens as queries and all tokens as keys. The
pruned model is slices of the same parameters.

Source: SHRP, Specialized Head Routing and Pruning. The equation of the routed form
is not verified; how usage is counted in training is not shown.
"""
import moec as moe

HEADS, KEPT = 4, (1, 3)

g = moe.Graph(__doc__)


def begin(name):
    g.function(name)
    x = g.input("x", ["T", 16])
    return x, [g.parameter(part, [HEADS, *shape]) for part, shape in (
        ("q", (16, 4)), ("k", (16, 4)), ("v", (16, 4)), ("o", (4, 16)))]


def attend(queries, x, q, k, v, o):
    s = moe.map(lambda s: 0.5 * s, moe.matmul(queries @ q, x @ k, transposed=True))
    return (moe.softmax(s) @ (x @ v)) @ o


def expander(h):
    return moe.gelu(h @ g.parameter("up", [16, 24])) @ g.parameter("down", [24, 16])


x, params = begin("routed")
p = moe.softmax(x @ g.parameter("router", [16, HEADS]))
head = moe.select(p, moe.top_k(1))
plan = moe.plan(head, experts=HEADS)
outs = moe.experts(plan, lambda rows, q, k, v, o: attend(rows, x, q, k, v, o),
                   moe.dispatch(x, plan), params)
y = expander(moe.combine(outs, plan, moe.weigh(p, head)))
g.output(y=y, head=head)

x, params = begin("masked")
mask = g.input("mask", [HEADS])
h = moe.full(x.shape, like=x)
for head in range(HEADS):
    out = attend(x, x, *(param[head] for param in params))
    h = moe.map(lambda h, out, keep: h + keep * out, h, out, mask[head:head + 1])
y = expander(h)
g.output(y=y)

x, params = begin("pruned")
h = moe.full(x.shape, like=x)
for head in KEPT:
    h = h + attend(x, x, *(param[head] for param in params))
y = expander(h)
g.output(y=y)
print(g.text(), end="")
