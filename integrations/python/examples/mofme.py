"""
MoFME: experts that only modulate. All tokens share a gated block before the
experts and an MLP behind them; an expert is a pair of linear maps that scale and
shift the shared features (FiLM).

Dispatch happens behind the shared prologue, the epilogue is ordinary computation
on the combined value.

Source: Efficient Deweather Mixture-of-Experts with Uncertainty-aware Feature-wise
Linear Modulation; github.com/RoyZry98/MoFME-Pytorch.
"""
import moec as moe

g = moe.Graph(__doc__)
x = g.input("x", ["T", 16])

mean = moe.map(lambda sum: sum * (1 / 16), moe.column(moe.sum(x)))
centred = moe.map(lambda x, mean: x - mean, x, mean)
squares = moe.map(lambda c: c * c, centred)
variance = moe.column(moe.sum(squares))
norm = moe.map(lambda c, v, gain, bias: c * moe.rsqrt(v * (1 / 16) + 1e-5) * gain + bias,
               centred, variance, g.parameter("norm.gain", [16]), g.parameter("norm.bias", [16]))
h = moe.map(lambda a, b: moe.gelu(a) * b,
            norm @ g.parameter("a", [16, 24]), norm @ g.parameter("b", [16, 24]))

s = x @ g.parameter("router", [16, 4])
ids = moe.select(s, moe.top_k(2))
w = moe.weigh(s, ids, "softmax")
plan = moe.plan(ids, experts=4)


def film(h, scale, shift):
    return moe.map(lambda scale, h, shift: scale * h + shift, h @ scale, h, h @ shift)


rows = moe.dispatch(h, plan)
outs = moe.experts(plan, film, rows,
                   params=[g.parameter("scale", [4, 24, 24]), g.parameter("shift", [4, 24, 24])])
z = moe.combine(outs, plan, w)
y = x + moe.gelu(z @ g.parameter("w1", [24, 32])) @ g.parameter("w2", [32, 16])
g.output(y=y)
print(g.text(), end="")
