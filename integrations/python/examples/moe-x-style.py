"""
MoE-X: experts of ReLU neurons whose router prefers the expert that will be
activated most sparsely. If the columns of an expert's first matrix are normal with
mean m and variance v, its pre-activations have mean m.x and variance v.(x*x); the
score is minus the error function of their ratio.

The statistics m and v are parameters that the packer of a real model computes
once; scores are ordinary computation on them.

Source: Mixture of Experts Made Intrinsically Interpretable. The exact form of the
score and of its normalisation is not verified.
"""
import math

import moec as moe

g = moe.Graph(__doc__)
x = g.input("x", ["T", 16])
mean = x @ g.parameter("m", [16, 6])
square = moe.map(lambda x: x * x, x)
variance = square @ g.parameter("v", [16, 6])
s = moe.map(lambda mean, variance: -moe.erf(mean * math.sqrt(0.5) / moe.sqrt(variance)),
            mean, variance)
ids = moe.select(s, moe.top_k(2))
w = moe.weigh(s, ids, "softmax")
plan = moe.plan(ids, experts=6)


def expert(x, up, down):
    return moe.relu(x @ up) @ down


rows = moe.dispatch(x, plan)
outs = moe.experts(plan, expert, rows,
                   params=[g.parameter("w1", [6, 16, 24]), g.parameter("w2", [6, 24, 16])])
y = moe.combine(outs, plan, w)
g.output(y=y, s=s)
print(g.text(), end="")
