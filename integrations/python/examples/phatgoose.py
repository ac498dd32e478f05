"""
PHATGOOSE: adapters that were trained apart, each with a gate vector of its own, are
mixed afterwards. At every linear layer the normalised token meets the normalised
gate vectors; the best two of 8 adapters are added, weighted by a softmax over the
two.

A score depends on its own gate vector only, so that adapters can be added at any
time.

Source: PHATGOOSE, Learning to Route Among Specialized Experts for Zero-Shot
Generalization; github.com/r-three/phatgoose.
"""
import moec as moe

EXPERTS = 8

g = moe.Graph(__doc__)
x = g.input("x", ["T", 16])
scores = {}


def norm(x):
    width = x.shape[1]
    mean = moe.column(moe.map(lambda sum: sum * (1 / width), moe.sum(x)))
    centred = moe.map(lambda x, mean: x - mean, x, mean)
    squares = moe.column(moe.sum(moe.map(lambda c: c * c, centred)))
    return moe.map(lambda c, sum: c * moe.rsqrt(sum * (1 / width) + 1e-5), centred, squares)


def linear(x, name, width):
    depth = x.shape[1]
    gate = norm(g.parameter(f"{name}.gate", [EXPERTS, depth], std=1.0))
    s = moe.map(lambda s: s * depth ** -0.5, moe.matmul(norm(x), gate, transposed=True))
    ids = moe.select(s, moe.top_k(2))
    w = moe.weigh(s, ids, "softmax")
    plan = moe.plan(ids, experts=EXPERTS)
    outs = moe.experts(plan, lambda x, a, b: (x @ a) @ b, moe.dispatch(x, plan), params=[
        g.parameter(f"{name}.a", [EXPERTS, depth, 2]),
        g.parameter(f"{name}.b", [EXPERTS, 2, width])])
    scores[f"{name}_s"] = s
    return moe.combine(outs, plan, w, init=x @ g.parameter(f"{name}.w", [depth, width]))


y = linear(moe.relu(linear(x, "up", 24)), "down", 16)
g.output(y=y, **scores)
print(g.text(), end="")
