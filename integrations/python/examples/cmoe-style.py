"""
CMoE: convolutional experts for underwater acoustic signals. A routing layer reads the
mean of a feature map; the best 2 of 3 convolutions are mixed by a softmax and added
to the map.

The rows of the plan are whole maps [8, 8, 4], so that each convolution runs on those
that selected it; its results are combined as vectors of 256. A 3 by 3 convolution is
a product with nine shifted copies.

Source: CMoE, a convolutional mixture-of-experts for underwater acoustic target
recognition. Details of the network are not verified.
"""
import moec as moe

EXPERTS, SIDE, CHANNELS = 3, 8, 4

g = moe.Graph(__doc__)
x = g.input("x", ["B", SIDE, SIDE, CHANNELS])
pooled = moe.map(lambda sum: sum * (1 / SIDE ** 2), moe.sum(moe.collapse(x, [[0], [1, 2], [3]]), 1))
s = pooled @ g.parameter("router", [CHANNELS, EXPERTS], std=1.0)
ids = moe.select(s, moe.top_k(2))
w = moe.weigh(s, ids, "softmax")
plan = moe.plan(ids, experts=EXPERTS)


def convolution(x, kernel, bias):
    padded = moe.insert(x, moe.full((x.shape[0], SIDE + 2, SIDE + 2, CHANNELS), like=x), (0, 1, 1, 0))
    shifted = [padded[:, i:i + SIDE, j:j + SIDE] for i in range(3) for j in range(3)]
    columns = moe.collapse(moe.concat(shifted), [[0, 1, 2], [3]])
    flat = columns @ moe.collapse(kernel, [[0, 1, 2], [3]]) + bias
    return moe.collapse(moe.expand(flat, [[0, 1, 2], [3]], x.shape), [[0], [1, 2, 3]])


outs = moe.experts(plan, convolution, moe.dispatch(x, plan), [
    g.parameter("kernel", [EXPERTS, 3, 3, CHANNELS, CHANNELS]),
    g.parameter("bias", [EXPERTS, CHANNELS])])
y = x + moe.expand(moe.combine(outs, plan, w), [[0], [1, 2, 3]], x.shape)
g.output(y=y, ids=ids)
print(g.text(), end="")
