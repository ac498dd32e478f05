"""
RMoE: the router remembers. A recurrent cell (GRU), shared by all layers, carries a
state of each token from layer to layer; a layer's scores are a projection of the
state. Top-2, weights sum to 1, SwiGLU experts.

The state is a value that one layer's router yields and the next one reads; the
cell's weights are parameters that every layer names.

Source: Layerwise Recurrent Router for Mixture-of-Experts; github.com/qiuzh20/RMoE.
"""
import moec as moe

g = moe.Graph(__doc__)
x = g.input("x", ["T", 16])
state = moe.full((x.shape[0], 4), like=x)


def swiglu(x, gate, up, down):
    a = moe.map(lambda gate, up: moe.silu(gate) * up, x @ gate, x @ up)
    return a @ down


def gru(u, h):
    gates = moe.map(lambda a, b, c, d: moe.sigmoid(a + b + c + d),
                    u @ g.parameter("gru.w_gates", [4, 8]), g.parameter("gru.b_gates", [8]),
                    h @ g.parameter("gru.u_gates", [4, 8]), g.parameter("gru.c_gates", [8]))
    reset, update = gates[:, :4], gates[:, 4:8]
    return moe.map(lambda a, b, c, d, r, z, h: (1 - z) * moe.tanh(a + b + r * (c + d)) + z * h,
                   u @ g.parameter("gru.w_new", [4, 4]), g.parameter("gru.b_new", [4]),
                   h @ g.parameter("gru.u_new", [4, 4]), g.parameter("gru.c_new", [4]),
                   reset, update, h)


ids_of = []
for layer in range(3):
    u = x @ g.parameter(f"{layer}.w1", [16, 4])
    state = gru(u, state)
    p = moe.softmax(state @ g.parameter(f"{layer}.w2", [4, 6], std=1.0))
    ids = moe.select(p, moe.top_k(2))
    w = moe.weigh(p, ids, "sum")
    plan = moe.plan(ids, experts=6)
    outs = moe.experts(plan, swiglu, moe.dispatch(x, plan), params=[
        g.parameter(f"{layer}.gate", [6, 16, 24], std=0.2),
        g.parameter(f"{layer}.up", [6, 16, 24], std=0.2),
        g.parameter(f"{layer}.down", [6, 24, 16], std=0.2)])
    x = moe.combine(outs, plan, w, init=x)
    ids_of.append(ids)
g.output(y=x, state=state, ids_0=ids_of[0], ids_1=ids_of[1], ids_2=ids_of[2])
print(g.text(), end="")
