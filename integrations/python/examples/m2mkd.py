"""
m2mKD: what runs after module-to-module distillation is V-MoE. Top-1 with
the probability as weight and room for ceil(T / E) tokens at each expert. When an
expert overflows, the tokens with the highest probability keep their places (batch
priority), the others get nothing from this layer.

Capacity is arithmetic on the number of tokens; moe.limit drops what overflows.

Source: m2mKD, Module-to-Module Knowledge Distillation for Modular Transformers;
Scaling Vision with Sparse Mixture of Experts.
"""
import moec as moe

g = moe.Graph(__doc__)
x = g.input("x", ["T", 16])
p = moe.softmax(x @ g.parameter("router", [16, 4]))
chosen = moe.select(p, moe.top_k(1))
priority = moe.weigh(p, chosen)
capacity = moe.cast(moe.ceil_divide(moe.size(x, 0), 4), "i32")
ids = moe.limit(chosen, capacity, experts=4, order="score", priority=priority)
w = moe.weigh(p, ids)
plan = moe.plan(ids, experts=4)


def expert(x, up, up_bias, down, down_bias):
    a = moe.map(lambda u, bias: moe.gelu(u + bias), x @ up, up_bias)
    return a @ down + down_bias


rows = moe.dispatch(x, plan)
outs = moe.experts(plan, expert, rows, params=[
    g.parameter("w1", [4, 16, 24]), g.parameter("b1", [4, 24]),
    g.parameter("w2", [4, 24, 16]), g.parameter("b2", [4, 16])])
y = moe.combine(outs, plan, w, init=x)
g.output(y=y, ids=ids)
print(g.text(), end="")
