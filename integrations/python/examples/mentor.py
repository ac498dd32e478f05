"""
MENTOR: the actor of a visual reinforcement learning agent. A two-layer router
picks 4 of 16 two-layer ReLU experts with biases, whose width in and out differ.

Scores are an ordinary MLP; weights are the selected probabilities, divided by
their sum plus 1e-9. Rows of the batch are the tokens.

Source: MENTOR, Mixture-of-Experts Network with Task-Oriented Perturbation for
Visual Reinforcement Learning; moe.py of github.com/suninghuang19/mentor.
"""
import moec as moe

g = moe.Graph(__doc__)
h = g.input("h", ["T", 16])
hidden = moe.relu(h @ g.parameter("router_1", [16, 24]))
p = moe.softmax(hidden @ g.parameter("router_2", [24, 16]))
ids = moe.select(p, moe.top_k(4))
w = moe.weigh(p, ids, "sum", eps=1e-9)
plan = moe.plan(ids, experts=16)


def expert(x, up, up_bias, down, down_bias):
    a = moe.map(lambda u, bias: moe.relu(u + bias), x @ up, up_bias)
    return a @ down + down_bias


rows = moe.dispatch(h, plan)
outs = moe.experts(plan, expert, rows, params=[
    g.parameter("w1", [16, 16, 20]), g.parameter("b1", [16, 20]),
    g.parameter("w2", [16, 20, 12]), g.parameter("b2", [16, 12])])
y = moe.combine(outs, plan, w)
g.output(y=y)
print(g.text(), end="")
