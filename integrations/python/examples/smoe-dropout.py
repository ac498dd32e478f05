"""
SMoE-Dropout: a router with random weights that are never trained, and as many active
experts as one can afford. k grows in training and is free at inference; weights are
a softmax over the selected logits.

k is an argument of the call: one artifact for any k. The router is nothing but a
seed. The number of rows is a result: work is linear in k.

Source: Sparse MoE as the New Dropout, Scaling Dense and Self-Slimmable Transformers;
github.com/VITA-Group/Random-MoE-as-Dropout.
"""
import moec as moe

EXPERTS = 8

g = moe.Graph(__doc__)
x = g.input("x", ["T", 16])
k = moe.extract(g.input("k", [1], "i32"), 0)
s = x @ g.parameter("router", [16, EXPERTS], seed=1234)
ids = moe.select(s, moe.top_k(max=EXPERTS), params=k)
w = moe.weigh(s, ids, "softmax")
plan = moe.plan(ids, experts=EXPERTS)
outs = moe.experts(plan, lambda x, up, down: moe.gelu(x @ up) @ down, moe.dispatch(x, plan),
                   [g.parameter("up", [EXPERTS, 16, 24]), g.parameter("down", [EXPERTS, 24, 16])])
y = moe.combine(outs, plan, w)
g.output(y=y, rows=moe.as_tensor(moe.rows(plan)))
print(g.text(), end="")
