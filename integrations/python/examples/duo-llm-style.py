"""
Duo-LLM: every layer offers a small feed-forward expert, a big one, or nothing. A
router decides (@learned), or the routes are given (@given), so that an oracle can
try all of them.

The bank is heterogeneous: experts 0 and 1 are two regions of different width,
expert 2 is null. Given routes need no selection: ids go straight to the plan.

Source: Duo-LLM, A Framework for Studying Adaptive Computation in Large Language
Models. The form of the learned router is not verified.
"""
import moec as moe

g = moe.Graph(__doc__)


def small(x, small_up, small_down):
    return moe.gelu(x @ small_up) @ small_down


def big(x, small_up, small_down, big_up, big_down):
    return moe.gelu(x @ big_up) @ big_down


def layer(x, ids, name):
    plan = moe.plan(ids, experts=3)
    rows = moe.dispatch(x, plan)
    outs = moe.experts(plan, [small, big], rows, members=[0, 1, -1], slot=[0, 0, 0], params=[
        g.parameter(f"{name}.small_up", [1, 16, 8]), g.parameter(f"{name}.small_down", [1, 8, 16]),
        g.parameter(f"{name}.big_up", [1, 16, 32]), g.parameter(f"{name}.big_down", [1, 32, 16])])
    return moe.combine(outs, plan, init=x)


g.function("given")
x = g.input("x", ["T", 16])
routes = g.input("routes", ["T", 3], "i32")
for i in range(3):
    x = layer(x, routes[:, i:i + 1], f"layers.{i}")
g.output(y=x)

g.function("learned")
x = g.input("x", ["T", 16])
for i in range(3):
    s = x @ g.parameter(f"layers.{i}.router", [16, 3])
    ids = moe.select(s, moe.top_k(1))
    x = layer(x, ids, f"layers.{i}")
g.output(y=x)
print(g.text(), end="")
