"""
Mixture-of-Transformers: all weights of a block (norms, projections, feed-forward)
exist once for each modality; attention is over the whole mixed sequence.

The routes are given: a token's type is its expert. One plan serves every bank of
the block, so tokens are sorted by modality once.

Source: Mixture-of-Transformers, A Sparse and Scalable Architecture for Multi-Modal
Foundation Models; github.com/facebookresearch/Mixture-of-Transformers.
"""
import moec as moe

g = moe.Graph(__doc__)
x = g.input("x", ["T", 16])
modality = g.input("modality", ["T"], "i32")
ids = moe.expand(modality, [[0, 1]], (x.shape[0], 1))
plan = moe.plan(ids, experts=3)


def norm(x, gain):
    mean = moe.map(lambda sum: sum * (1 / 16), moe.sum(x))
    centred = moe.map(lambda x, mean: x - mean, x, moe.column(mean))
    squares = moe.sum(moe.map(lambda c: c * c, centred))
    return moe.map(lambda c, sum, gain: c * moe.rsqrt(sum * (1 / 16) + 1e-5) * gain, centred,
                   moe.column(squares), gain)


def by_modality(x, body, *params, init=None):
    outs = moe.experts(plan, body, moe.dispatch(x, plan), params)
    return moe.combine(outs, plan, init=init)


qkv = by_modality(x, lambda x, gain, w: norm(x, gain) @ w,
                  g.parameter("norm_in", [3, 16]), g.parameter("qkv", [3, 16, 48]))
q, k, v = qkv[:, :16], qkv[:, 16:32], qkv[:, 32:48]
s = moe.matmul(q, k, transposed=True)
attention = moe.softmax(moe.map(lambda s: moe.where(
    moe.position(s, 0) >= moe.position(s, 1), s * 0.25, float("-inf")), s)) @ v
h = by_modality(attention, lambda a, w, gain: norm(a @ w, gain),
                g.parameter("o", [3, 16, 16]), g.parameter("norm_attention", [3, 16]), init=x)
y = by_modality(h, lambda h, up, down, gain: norm(moe.gelu(h @ up) @ down, gain),
                g.parameter("up", [3, 16, 24]), g.parameter("down", [3, 24, 16]),
                g.parameter("norm_ffn", [3, 16]), init=h)
g.output(y=y)
print(g.text(), end="")
