"""
gamma-MoD: a dense multimodal model whose layers became mixtures of depths. A router
that all such layers share scores each token; half of them, and every instruction
token, go through the whole block and attend to each other, the rest pass by.

Selection along the tokens: the kept ones keep their order, so that the causal mask
is one on their positions. @main selects the best half, @threshold the tokens with a
probability of 1/2 or more, as at decoding.

Source: gamma-MoD, Exploring Mixture-of-Depth Adaptation for Multimodal Large
Language Models; github.com/Yaxin9Luo/Gamma-MOD. Choosing the layers to convert by
the rank of their attention maps happens before and is not shown.
"""
import moec as moe

g = moe.Graph(__doc__)


def norm(x):
    width = x.shape[1]
    mean = moe.map(lambda sum: sum * (1 / width), moe.sum(x))
    centred = moe.map(lambda x, mean: x - mean, x, moe.column(mean))
    squares = moe.sum(moe.map(lambda c: c * c, centred))
    return moe.map(lambda c, sum: c * moe.rsqrt(sum * (1 / width) + 1e-5), centred,
                   moe.column(squares))


def block(x, p, positions, name):
    n = norm(x)
    q, k, v = (n @ g.parameter(f"{name}.{part}", [16, 16]) for part in "qkv")
    s = moe.matmul(q, k, transposed=True)
    causal = moe.map(lambda s, i, j: moe.where(i >= j, s * 0.25, float("-inf")),
                     s, moe.column(positions), positions)
    x = x + moe.softmax(causal) @ v @ g.parameter(f"{name}.o", [16, 16])
    mlp = moe.gelu(norm(x) @ g.parameter(f"{name}.up", [16, 24])) @ g.parameter(
        f"{name}.down", [24, 16])
    return moe.map(lambda x, mlp, p: x + mlp * p, x, mlp, p)


def layer(x, name, choose):
    logits = norm(x) @ g.parameter("router", [16, 2])  # one router for all layers
    p = moe.softmax(logits)[:, 1:2]
    plan = choose(p)
    positions = moe.map(lambda p: moe.cast(moe.position(p, 0), "i32"), p[:, 0])
    rows = block(moe.dispatch(x, plan), moe.dispatch(p, plan), moe.dispatch(positions, plan), name)
    return moe.combine(rows, plan, init=x, into="replace")


g.function("main")
x = g.input("x", ["T", 16])
instruction = g.input("instruction", ["T"], "i1")


def best_half(p):
    s = moe.map(lambda p, keep: moe.where(keep, p + 1, p), p, moe.column(instruction))
    half = moe.ceil_divide(moe.size(x, 0), 2)
    always = moe.sum(moe.map(lambda keep: moe.cast(keep, "i32"), instruction), 0)
    capacity = moe.maximum(moe.cast(half, "i32"), moe.extract(always))
    ids, chosen = moe.select_tokens(s, capacity)
    return moe.plan_by_expert(ids, x)


y = layer(layer(x, "0", best_half), "1", best_half)
g.output(y=y)

g.function("threshold")
x = g.input("x", ["T", 16])


def likely(p):
    ids = moe.map(lambda p: moe.where(p >= 0.5, moe.cast(p * 0, "i32"), -1), p)
    return moe.plan(ids, experts=1)


y = layer(layer(x, "0", likely), "1", likely)
g.output(y=y)
print(g.text(), end="")
