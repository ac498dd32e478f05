"""
Union of Experts: a transformer cut into equal experts as if for tensor parallelism.
@expert_selection gives a whole sample the best 2 of 4 partitions of a feed-forward
network, whose partial sums are added without weights. In @data_selection each
partition takes its best tokens of those that chose it. In @attention each head
attends only among the tokens that it takes.

Partitions are views of the two matrices of one network. Heads and partitions take
tokens in position order; the number that each takes and the number of partitions
that a sample gets are arguments of the call.

Source: Union of Experts, Adapting Hierarchical Routing to Equivalently Decomposed
Transformer; github.com/YujiaoYang-work/UoE.
"""
import moec as moe

PARTS, HIDDEN, TOKENS = 4, 8, 4

g = moe.Graph(__doc__)


def partitions():
    up = g.parameter("up", [16, PARTS * HIDDEN])
    down = g.parameter("down", [PARTS * HIDDEN, 16])
    return [moe.transpose(moe.expand(up, [[0], [1, 2]], (16, PARTS, HIDDEN)), (1, 0, 2)),
            moe.expand(down, [[0, 1], [2]], (PARTS, HIDDEN, 16))]


g.function("expert_selection")
x = g.input("x", ["B", TOKENS, 16])
k = moe.extract(g.input("k", [1], "i32"), 0)
p = moe.softmax(moe.collapse(x, [[0], [1, 2]]) @ g.parameter("sample_router", [TOKENS * 16, PARTS]))
ids = moe.select(p, moe.top_k(max=PARTS), params=k)
plan = moe.plan(ids, experts=PARTS)


def partition(x, up, down):
    flat = moe.gelu(moe.collapse(x, [[0, 1], [2]]) @ up) @ down
    return moe.expand(flat, [[0, 1], [2]], (x.shape[0], TOKENS, 16))


outs = moe.experts(plan, partition, moe.dispatch(x, plan), partitions())
y = moe.combine(outs, plan)
g.output(y=y, ids=ids)

g.function("data_selection")
x = g.input("x", ["T", 16])
capacity = moe.extract(g.input("capacity", [1], "i32"), 0)
p = moe.softmax(x @ g.parameter("token_router", [16, PARTS]))
chosen = moe.select(p, moe.top_k(2))
wanted = moe.map(lambda p, a, b: moe.logical_or(
    moe.equal(a, moe.cast(moe.position(p, 1), "i32")),
    moe.equal(b, moe.cast(moe.position(p, 1), "i32"))), p, chosen[:, 0:1], chosen[:, 1:2])
ids, taken = moe.select_tokens(p, capacity, mask=wanted)
plan = moe.plan_by_expert(ids, x)
outs = moe.experts(plan, lambda x, up, down: moe.gelu(x @ up) @ down, moe.dispatch(x, plan),
                   partitions())
y = moe.combine(outs, plan)
g.output(y=y, taken=taken)

g.function("attention")
x = g.input("x", ["T", 16])
capacity = moe.extract(g.input("capacity", [1], "i32"), 0)
p = moe.softmax(x @ g.parameter("head_router", [16, PARTS]))
ids, taken = moe.select_tokens(p, capacity)
plan = moe.plan_by_expert(ids, x)


def head(x, q, k, v, o):
    s = moe.map(lambda s: 0.5 * s, moe.matmul(x @ q, x @ k, transposed=True))
    return (moe.softmax(s) @ (x @ v)) @ o


outs = moe.experts(plan, head, moe.dispatch(x, plan), [
    g.parameter("q", [PARTS, 16, 4]), g.parameter("k", [PARTS, 16, 4]),
    g.parameter("v", [PARTS, 16, 4]), g.parameter("o", [PARTS, 4, 16])])
y = moe.combine(outs, plan)
g.output(y=y, taken=taken)
print(g.text(), end="")
