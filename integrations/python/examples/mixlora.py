"""
MixLoRA: experts that are low-rank changes (LoRA) of one frozen SwiGLU. Top-2 of a
softmax, weights sum to 1. The base projections of gate and up are the same for all
experts; each expert adds its own low-rank product in all three places.

The base of gate and up is computed once for each token and dispatched beside it. The
base of the last matrix stands behind the nonlinearity, so it runs on rows: captured in
the experts' region it is one product without groups. The low-rank banks are parameters
with one slice for each expert.

Source: MixLoRA, Enhancing Large Language Models Fine-Tuning with LoRA-based
Mixture of Experts; github.com/TUDB-Labs/MixLoRA.
"""
import moec as moe

SCALE = 2.0  # alpha / r

g = moe.Graph(__doc__)
x = g.input("x", ["T", 16])
p = moe.softmax(x @ g.parameter("router", [16, 4]))
ids = moe.select(p, moe.top_k(2))
w = moe.weigh(p, ids, "sum")
plan = moe.plan(ids, experts=4)
common_gate = x @ g.parameter("base_gate", [16, 24])
common_up = x @ g.parameter("base_up", [16, 24])
base_down = g.parameter("base_down", [24, 16])


def expert(x, common_gate, common_up, gate_a, gate_b, up_a, up_b, down_a, down_b):
    gate = (x @ gate_a) @ gate_b
    up = (x @ up_a) @ up_b
    a = moe.map(lambda common_gate, gate, common_up, up:
                moe.silu(common_gate + SCALE * gate) * (common_up + SCALE * up),
                common_gate, gate, common_up, up)
    down = (a @ down_a) @ down_b
    return moe.map(lambda base, down: base + SCALE * down, a @ base_down, down)


rows = [moe.dispatch(value, plan) for value in (x, common_gate, common_up)]
outs = moe.experts(plan, expert, rows, params=[
    g.parameter("gate_a", [4, 16, 2]), g.parameter("gate_b", [4, 2, 24]),
    g.parameter("up_a", [4, 16, 2]), g.parameter("up_b", [4, 2, 24]),
    g.parameter("down_a", [4, 24, 2]), g.parameter("down_b", [4, 2, 16])])
y = moe.combine(outs, plan, w)
g.output(y=y)
print(g.text(), end="")
