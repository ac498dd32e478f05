"""
MoDE: a diffusion policy whose router sees nothing but the noise level. All tokens of
a step have the same two experts, so that for each of the 4 levels both can be fused
into one network once: @main routes, @fused reads the level's network from a table.

The fused network has the hidden units of both experts side by side, their weights in
its last matrix. The tables are parameters that a packer computes.

Source: Efficient Diffusion Transformer Policies with Mixture of Expert Denoisers;
github.com/intuitive-robots/MoDE_Diffusion_Policy.
"""
import moec as moe

LEVELS, EXPERTS, HIDDEN = 4, 4, 24

g = moe.Graph(__doc__)


def swiglu(x, gate, up, down):
    a = moe.map(lambda gate, up: moe.silu(gate) * up, x @ gate, x @ up)
    return a @ down


g.function("main")
x = g.input("x", ["T", 16])
level = g.input("level", [1], "i32")
embedding = moe.take(g.parameter("noise", [LEVELS, 8], std=1.0), level)
s = moe.silu(embedding @ g.parameter("router.w1", [8, 12])) @ g.parameter("router.w2", [12, EXPERTS])
p = moe.softmax(s)
common = moe.select(p, moe.top_k(2))
share = moe.weigh(p, common, "sum")
ids = moe.map(lambda x, id: id, x[:, :2], common)
w = moe.map(lambda x, share: share, x[:, :2], share)
plan = moe.plan(ids, experts=EXPERTS)
outs = moe.experts(plan, swiglu, moe.dispatch(x, plan), params=[
    g.parameter("gate", [EXPERTS, 16, HIDDEN]), g.parameter("up", [EXPERTS, 16, HIDDEN]),
    g.parameter("down", [EXPERTS, HIDDEN, 16])])
y = moe.combine(outs, plan, w, init=x)
g.output(y=y, ids=common)

g.function("fused")
x = g.input("x", ["T", 16])
level = moe.extract(g.input("level", [1], "i32"), 0)
y = x + swiglu(x, g.parameter("fused.gate", [LEVELS, 16, 2 * HIDDEN])[level],
               g.parameter("fused.up", [LEVELS, 16, 2 * HIDDEN])[level],
               g.parameter("fused.down", [LEVELS, 2 * HIDDEN, 16])[level])
g.output(y=y)
print(g.text(), end="")
