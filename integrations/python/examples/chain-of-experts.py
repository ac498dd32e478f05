"""
Chain-of-Experts: inside a layer, tokens pass the same experts several times, routed
anew each time by a gate of the pass. An inner residual adds a pass's input to its
output, an outer one the layer's input to its output.

@inner_outer, @inner, @outer and @none are the four combinations with two passes,
@once is a single pass. All of them name the same parameters.

Source: Chain-of-Experts; github.com/ZihanWang314/CoE.
"""
import moec as moe

PASSES, EXPERTS = 2, 4

g = moe.Graph(__doc__)


def swiglu(x, gate, up, down):
    a = moe.map(lambda gate, up: moe.silu(gate) * up, x @ gate, x @ up)
    return a @ down


def layer(name, inner, outer, passes=PASSES):
    g.function(name)
    x = g.input("x", ["T", 16])
    y = x
    for step in range(passes):
        p = moe.softmax(y @ g.parameter(f"router{step}", [16, EXPERTS]))
        ids = moe.select(p, moe.top_k(2))
        w = moe.weigh(p, ids)
        plan = moe.plan(ids, experts=EXPERTS)
        common = swiglu(y, *(g.parameter(f"shared.{part}", shape, std=0.2) for part, shape in (
            ("gate", [16, 24]), ("up", [16, 24]), ("down", [24, 16]))))
        outs = moe.experts(plan, swiglu, moe.dispatch(y, plan), params=[
            g.parameter("gate", [EXPERTS, 16, 24], std=0.2),
            g.parameter("up", [EXPERTS, 16, 24], std=0.2),
            g.parameter("down", [EXPERTS, 24, 16], std=0.2)])
        y = moe.combine(outs, plan, w, init=y + common if inner else common)
    g.output(y=x + y if outer else y)


layer("inner_outer", True, True)
layer("inner", True, False)
layer("outer", False, True)
layer("none", False, False)
layer("once", True, False, passes=1)
print(g.text(), end="")
