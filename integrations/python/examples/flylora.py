"""
FlyLoRA: the frozen sparse down-projection of a low-rank adapter is the router. The
4 of 16 ranks with the largest |Ax + d| are used, d being a bias that keeps the load
even; what is multiplied is Ax without the bias.

The scores are the activations: A is multiplied once, and each expert scales its
column of B by its own entry of Ax, which is the routing weight.

Source: FlyLoRA, Boosting Task Decoupling and Parameter Efficiency via Implicit
Rank-Wise Mixture-of-Experts; github.com/gfyddha/FlyLoRA.
"""
import moec as moe

g = moe.Graph(__doc__)
x = g.input("x", ["T", 32])
base = x @ g.parameter("base", [32, 20])
a = x @ g.parameter("a", [32, 16])
s = moe.map(lambda a, d: moe.absolute(a + d), a,
            g.parameter("d", [16], std=0.05, mutable=True))
ids = moe.select(s, moe.top_k(4))
w = moe.weigh(a, ids, scale=0.5)  # alpha / r
plan = moe.plan(ids, experts=16)


def column_of_b(x, b):
    return moe.map(lambda x, b: b, x, b)


# The rows carry nothing but their number: one column of x.
rows = moe.dispatch(x[:, :1], plan)
outs = moe.experts(plan, column_of_b, rows, params=[g.parameter("b", [16, 20])])
y = moe.combine(outs, plan, w, init=base)
g.output(y=y, ids=ids)
print(g.text(), end="")
