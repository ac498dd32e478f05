"""
MixER: reconstructs dynamical systems. Each environment has a context vector; the
nearest centroid chooses the expert, once for the whole trajectory. An expert is the
right-hand side of an ordinary differential equation, integrated by 20 steps of
Runge-Kutta.

The score is minus the squared distance; one plan serves all 80 evaluations, which
run in a loop around the experts.

Source: MixER, Better Mixture of Experts Routing for Hierarchical Meta-Learning. The
gate's form is not verified.
"""
import moec as moe

STEP = 0.05

g = moe.Graph(__doc__)
x = g.input("x", ["B", 2])
context = g.input("context", ["B", 3])
centroids = g.parameter("centroids", [4, 3], std=1.0)
distance = moe.map(lambda a, b: a - 2 * b,
                   moe.sum(moe.map(lambda c: c * c, centroids)),
                   moe.matmul(context, centroids, transposed=True))
ids = moe.select(-distance, moe.top_k(1))
plan = moe.plan(ids, experts=4)
fields, inputs = g.parameter("a", [4, 2, 2], std=1.0), g.parameter("b", [4, 3, 2])
contexts = moe.dispatch(context, plan)


def slope(x):
    rows = moe.dispatch(x, plan)
    outs = moe.experts(plan, lambda x, c, a, b: x @ a + c @ b, [rows, contexts],
                       params=[fields, inputs])
    return moe.combine(outs, plan)


def step(_, x):
    k1 = slope(x)
    k2 = slope(moe.map(lambda x, k: x + STEP / 2 * k, x, k1))
    k3 = slope(moe.map(lambda x, k: x + STEP / 2 * k, x, k2))
    k4 = slope(moe.map(lambda x, k: x + STEP * k, x, k3))
    return moe.map(lambda x, a, b, c, d: x + STEP / 6 * (a + 2 * b + 2 * c + d), x, k1, k2, k3, k4)


y = moe.for_(20, step, x)
g.output(y=y, ids=ids)
print(g.text(), end="")
