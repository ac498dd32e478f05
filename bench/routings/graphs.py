# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The seven graphs that are compared, `d` wide. Each has the function layers.0.moe
from x to moe_out; openblas.cpp computes the same, reading the parameters in the
order in which they are asked for here."""

import moec as moe


class Layer:
    """A graph and its parameters (name, shape), in order."""

    def __init__(self, d):
        self.graph = moe.Graph("")
        self.graph.function("layers.0.moe")
        self.x = self.graph.input("x", ["T", d])
        self.parameters = []

    def parameter(self, name, *shape):
        self.parameters.append((name, shape))
        return self.graph.parameter(name, list(shape), source=("weights-f32.safetensors", name))

    def finish(self, y):
        self.graph.output(moe_out=y)
        return self


def swiglu(x, gate, up, down):
    return moe.linear(moe.map(lambda g, u: moe.silu(g) * u, moe.linear(x, gate),
                              moe.linear(x, up)), down)


def bank(layer, prefix, experts, d, width):
    return [layer.parameter(prefix + "gate", experts, width, d),
            layer.parameter(prefix + "up", experts, width, d),
            layer.parameter(prefix + "down", experts, d, width)]


def by_token(layer, scores, ids, weights, experts, body, params, init=None):
    plan = moe.plan(ids, experts=experts)
    outs = moe.experts(plan, body, moe.dispatch(layer.x, plan), params=params)
    return moe.combine(outs, plan, weights, init=init)


def lora(d):
    """64 low-rank adapters of rank 16 on one base, top-2."""
    layer, experts, rank = Layer(d), 64, 16
    p = moe.softmax(moe.linear(layer.x, layer.parameter("router", experts, d)))
    base = moe.linear(layer.x, layer.parameter("base", d, d))
    ids = moe.select(p, moe.top_k(2))
    params = [layer.parameter("a", experts, rank, d), layer.parameter("b", experts, d, rank)]
    return layer.finish(by_token(layer, p, ids, moe.weigh(p, ids, "sum"), experts,
                                 lambda x, a, b: moe.linear(moe.linear(x, a), b), params, base))


def rank_one(d):
    """1024 experts that are one row and one column, top-16."""
    layer, experts = Layer(d), 1024
    s = moe.map(moe.sigmoid, moe.linear(layer.x, layer.parameter("router", experts, d)))
    ids = moe.select(s, moe.top_k(16))

    def body(x, a, b):
        inner = moe.column(moe.sum(moe.map(lambda x, a: x * a, x, a)))
        return moe.map(lambda inner, b: moe.relu(inner) * b, inner, b)

    params = [layer.parameter("a", experts, d), layer.parameter("b", experts, d)]
    return layer.finish(by_token(layer, s, ids, moe.weigh(s, ids, "sum"), experts, body, params))


def top_p(d):
    """16 SwiGLU experts of width d, as many as make up 0.4, at most 8."""
    layer, experts = Layer(d), 16
    p = moe.softmax(moe.linear(layer.x, layer.parameter("router", experts, d)))
    ids = moe.select(p, moe.top_p(0.4, max=8))
    return layer.finish(by_token(layer, p, ids, moe.weigh(p, ids, "none"), experts, swiglu,
                                 bank(layer, "", experts, d, d)))


def expert_choice(d):
    """16 SwiGLU experts of width d, each with T/8 tokens."""
    layer, experts = Layer(d), 16
    p = moe.softmax(moe.linear(layer.x, layer.parameter("router", experts, d)))
    capacity = moe.cast(moe.ceil_divide(moe.size(layer.x, 0), 8), "i32")
    ids, _ = moe.select_tokens(p, capacity)
    plan = moe.plan_by_expert(ids, layer.x)
    outs = moe.experts(plan, swiglu, moe.dispatch(layer.x, plan),
                       params=bank(layer, "", experts, d, d))
    return layer.finish(moe.combine(outs, plan, p))


def mixture_of_depths(d):
    """Half of the tokens go through a SwiGLU of width 4 d, the rest pass by."""
    layer = Layer(d)
    s = moe.map(moe.sigmoid, moe.linear(layer.x, layer.parameter("router", 1, d)))
    capacity = moe.cast(moe.ceil_divide(moe.size(layer.x, 0), 2), "i32")
    ids, _ = moe.select_tokens(s, capacity)
    plan = moe.plan_by_expert(ids, layer.x)
    outs = moe.experts(plan, swiglu, moe.dispatch(layer.x, plan),
                       params=bank(layer, "", 1, d, 4 * d))
    return layer.finish(moe.combine(outs, plan, s, init=layer.x))


def null_experts(d):
    """16 SwiGLU experts of width d and 16 that are nothing, top-4 of 32."""
    layer, experts = Layer(d), 16
    p = moe.softmax(moe.linear(layer.x, layer.parameter("router", 2 * experts, d)))
    ids = moe.select(p, moe.top_k(4))
    plan = moe.plan(ids, experts=2 * experts)
    outs = moe.experts(plan, swiglu, moe.dispatch(layer.x, plan),
                       params=bank(layer, "", experts, d, d),
                       members=[0] * experts + [-1] * experts,
                       slot=list(range(experts)) + [0] * experts)
    return layer.finish(moe.combine(outs, plan, moe.weigh(p, ids, "sum")))


def heterogeneous(d):
    """8 SwiGLU experts of width d/4, 4 of d, 2 of 2 d and 2 identities, top-2."""
    layer = Layer(d)
    p = moe.softmax(moe.linear(layer.x, layer.parameter("router", 16, d)))
    params = (bank(layer, "small_", 8, d, d // 4) + bank(layer, "middle_", 4, d, d)
              + bank(layer, "large_", 2, d, 2 * d))
    ids = moe.select(p, moe.top_k(2))
    plan = moe.plan(ids, experts=16)

    def member(at):
        def body(x, g0, u0, d0, g1, u1, d1, g2, u2, d2):
            return swiglu(x, *(g0, u0, d0, g1, u1, d1, g2, u2, d2)[at:at + 3])
        return body

    outs = moe.experts(plan, [member(0), member(3), member(6), lambda x: x],
                       moe.dispatch(layer.x, plan), params=params,
                       members=[0] * 8 + [1] * 4 + [2] * 2 + [3] * 2,
                       slot=[*range(8), *range(4), 0, 1, 0, 0])
    return layer.finish(moe.combine(outs, plan, moe.weigh(p, ids, "sum")))


GRAPHS = {f.__name__.replace("_", "-"): f for f in (
    lora, rank_one, top_p, expert_choice, mixture_of_depths, null_experts, heterogeneous)}
