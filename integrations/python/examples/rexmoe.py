"""
ReXMoE: routers may use the experts of a neighbouring layer. Four layers in groups of
two; the layers of a group have one bank of 4 + 4 experts, and each its own router
over all 8. Top-2, weights sum to 1, SwiGLU experts, residual.

A bank is a parameter that several layers name, so that it is stored once. The mask
says for each layer which experts it may use: all, or only its own four.

Source: ReXMoE, Reusing Experts with Minimal Overhead in Mixture-of-Experts.
"""
import moec as moe

g = moe.Graph(__doc__)
x = g.input("x", ["T", 16])
allowed = g.input("allowed", [4, 8], "i1")


def swiglu(x, gate, up, down):
    a = moe.map(lambda gate, up: moe.silu(gate) * up, x @ gate, x @ up)
    return a @ down


ids_of = []
for layer in range(4):
    pool = layer // 2
    s = x @ g.parameter(f"{layer}.router", [16, 8])
    p = moe.softmax(s)
    mask = moe.map(lambda allowed, s: allowed, allowed[layer], s)
    ids = moe.select(p, moe.top_k(2), mask=mask)
    w = moe.weigh(p, ids, "sum")
    plan = moe.plan(ids, experts=8)
    outs = moe.experts(plan, swiglu, moe.dispatch(x, plan), params=[
        g.parameter(f"pool{pool}.gate", [8, 16, 32], std=0.2),
        g.parameter(f"pool{pool}.up", [8, 16, 32], std=0.2),
        g.parameter(f"pool{pool}.down", [8, 32, 16], std=0.2)])
    x = moe.combine(outs, plan, w, init=x)
    ids_of.append(ids)
g.output(y=x, ids_0=ids_of[0], ids_1=ids_of[1], ids_2=ids_of[2], ids_3=ids_of[3])
print(g.text(), end="")
