"""
HiMoE-VLA: the action transformer of a robot policy with two kinds of MoE layers by
depth. At the ends, the data mask of the whole sample chooses one expert, which all
tokens of the sample share (@action_space: no renormalisation, no shared expert).
In between, each token chooses 4 experts, weights sum to 1, and a shared expert is
added (@balanced).

The sample's decision reaches its tokens by a lookup of ids and weights: routing
decisions are tensors.

Source: HiMoE-VLA; modeling_moe.py of github.com/ZhiyingDu/HiMoE-VLA.
"""
import moec as moe

g = moe.Graph(__doc__)


def swiglu(x, gate, up, down):
    a = moe.map(lambda gate, up: moe.silu(gate) * up, moe.linear(x, gate), moe.linear(x, up))
    return moe.linear(a, down)


def bank(name, experts):
    return [g.parameter(f"{name}.gate", [experts, 24, 16]),
            g.parameter(f"{name}.up", [experts, 24, 16]),
            g.parameter(f"{name}.down", [experts, 16, 24])]


g.function("action_space")
x = g.input("x", ["T", 16])
sample = g.input("sample", ["T"], "i32")
mask = g.input("mask", ["B", 24])
p = moe.softmax(mask @ g.parameter("action.router", [24, 3]))
sample_ids = moe.select(p, moe.top_k(1))
sample_w = moe.weigh(p, sample_ids)
ids = moe.take(sample_ids, sample)
w = moe.take(sample_w, sample)
plan = moe.plan(ids, experts=3)
outs = moe.experts(plan, swiglu, moe.dispatch(x, plan), bank("action", 3))
y = moe.combine(outs, plan, w)
g.output(y=y)

g.function("balanced")
x = g.input("x", ["T", 16])
p = moe.softmax(x @ g.parameter("balanced.router", [16, 8]))
ids = moe.select(p, moe.top_k(4))
w = moe.weigh(p, ids, "sum")
plan = moe.plan(ids, experts=8)
outs = moe.experts(plan, swiglu, moe.dispatch(x, plan), bank("balanced", 8))
shared = swiglu(x, g.parameter("shared.gate", [24, 16]), g.parameter("shared.up", [24, 16]),
                g.parameter("shared.down", [16, 24]))
y = moe.combine(outs, plan, w, init=shared)
g.output(y=y)
print(g.text(), end="")
