"""
Symbolic-MoE: models are recruited for each question by the skills that it needs. A
model's score is the sum of its profile over the question's skills, times its global
competency; the best 3 of 16 answer, and an aggregator reads their answers in rank
order.

The granularity is a question, the experts are models (small networks here). Each
model runs once for all questions that recruited it, which is the batching that the
paper schedules.

Source: Symbolic Mixture-of-Experts, Adaptive Skill-based Routing for Heterogeneous
Reasoning. The form of the score is not verified.
"""
import moec as moe

MODELS, SKILLS, RECRUITED = 16, 10, 3

g = moe.Graph(__doc__)
x = g.input("x", ["B", 16])
skills = g.input("skills", ["B", SKILLS])
profile = g.parameter("profile", [SKILLS, MODELS], std=1.0)
competency = g.parameter("competency", [MODELS], std=1.0)
s = moe.map(lambda s, c: s * c, skills @ profile, competency)
ids = moe.select(s, moe.top_k(RECRUITED))
plan = moe.plan(ids, experts=MODELS)
outs = moe.experts(plan, lambda x, up, down: moe.gelu(x @ up) @ down, moe.dispatch(x, plan),
                   [g.parameter("up", [MODELS, 16, 24]), g.parameter("down", [MODELS, 24, 8])])
answers = moe.slots(outs, plan, moe.full((x.shape[0], RECRUITED, 8), like=x))
y = moe.collapse(answers, [[0], [1, 2]]) @ g.parameter("aggregate", [RECRUITED * 8, 8])
g.output(y=y, ids=ids)
print(g.text(), end="")
