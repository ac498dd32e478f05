"""
DiT-MoE: a diffusion transformer whose feed-forward layers have 2 shared experts
beside the routed ones. Top-2 of the probabilities, which are not renormalised;
the shared experts are one SwiGLU of twice the width, added to every token.

The block's modulation by time step and class (adaLN-Zero) enters as three vectors
of each token: scale and shift before the layer, a gate behind it.

Source: Scaling Diffusion Transformers to 16 Billion Parameters;
github.com/feizc/DiT-MoE.
"""
import moec as moe

g = moe.Graph(__doc__)
x = g.input("x", ["T", 16])
scale, shift, gate = (g.input(name, ["T", 16]) for name in ("scale", "shift", "gate"))
h = moe.map(lambda x, scale, shift: x * (1 + scale) + shift, x, scale, shift)

p = moe.softmax(h @ g.parameter("router", [16, 4]))
ids = moe.select(p, moe.top_k(2))
w = moe.weigh(p, ids)
plan = moe.plan(ids, experts=4)


def swiglu(x, gate, up, down):
    a = moe.map(lambda gate, up: moe.silu(gate) * up, moe.linear(x, gate), moe.linear(x, up))
    return moe.linear(a, down)


rows = moe.dispatch(h, plan)
outs = moe.experts(plan, swiglu, rows, params=[
    g.parameter("gate_proj", [4, 24, 16]), g.parameter("up_proj", [4, 24, 16]),
    g.parameter("down_proj", [4, 16, 24])])
routed = moe.combine(outs, plan, w)
shared = swiglu(h, g.parameter("shared_gate", [48, 16]), g.parameter("shared_up", [48, 16]),
                g.parameter("shared_down", [16, 48]))
y = moe.map(lambda x, gate, routed, shared: x + gate * (routed + shared), x, gate, routed, shared)
g.output(y=y, ids=ids)
print(g.text(), end="")
