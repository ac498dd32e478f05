"""
DNMM: a density as a sum of three densities, each a network,
with weights that do not depend on the input.

The score is a parameter, all experts are selected, and the weights are its softmax
(the same for every point). An expert is a Gaussian bump times the exponential of
a bounded network, divided by its integral.

Source: DNMM, deep neural mixture density.
"""
import moec as moe

g = moe.Graph(__doc__)
x = g.input("x", ["T", 2])
zero = moe.full((x.shape[0], 3), like=x)
p = moe.softmax(moe.map(lambda z, c: z + c, zero, g.parameter("c", [3])))
ids = moe.map(lambda z: moe.cast(moe.position(z, 1), "i32"), zero)
w = moe.weigh(p, ids)
plan = moe.plan(ids, experts=3)


def density(x, centre, up, down, integral):
    squares = moe.sum(moe.map(lambda x, c: (x - c) * (x - c), x, centre))
    network = moe.map(lambda a: moe.tanh(a), x @ up) @ down
    return moe.map(lambda s, n, z: moe.exp(moe.tanh(n) - s) / z, moe.column(squares), network,
                   integral)


rows = moe.dispatch(x, plan)
outs = moe.experts(plan, density, rows, params=[
    g.parameter("centre", [3, 2], std=1.0), g.parameter("up", [3, 2, 8], std=1.0),
    g.parameter("down", [3, 8, 1]), g.parameter("integral", [3, 1])])
y = moe.combine(outs, plan, w)
g.output(y=y)
print(g.text(), end="")
