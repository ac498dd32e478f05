"""
Tryage: a router predicts the loss of each model on a prompt and sends it to the one
with the least loss plus costs. Costs (size, age) are constants of the models; how
much each counts comes with the prompt.

The smallest sum is the best of the negated sums; the factors are an argument of each
prompt.

Source: Tryage, Real-time, intelligent Routing of User Prompts to Large Language
Models. The form of the objective is not verified.
"""
import moec as moe

MODELS = 5

g = moe.Graph(__doc__)
x = g.input("x", ["B", 16])
factors = g.input("factors", ["B", 2])
loss = moe.gelu(x @ g.parameter("predict.w1", [16, 24])) @ g.parameter("predict.w2", [24, MODELS])
cost = factors @ g.parameter("costs", [2, MODELS], std=1.0)
s = moe.map(lambda loss, cost: -(loss + cost), loss, cost)
ids = moe.select(s, moe.top_k(1))
plan = moe.plan(ids, experts=MODELS)
outs = moe.experts(plan, lambda x, up, down: moe.gelu(x @ up) @ down, moe.dispatch(x, plan),
                   [g.parameter("up", [MODELS, 16, 24]), g.parameter("down", [MODELS, 24, 16])])
y = moe.combine(outs, plan)
g.output(y=y, loss=loss, ids=ids)
print(g.text(), end="")
