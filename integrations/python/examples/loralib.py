"""
LoRALib: a library of low-rank adapters, of which a task uses a few. Six adapters;
the host names three of them at each call. @dense mixes all three, weighted by a
softmax (LoRAMoE); @sparse gives each token the best two of them.

The dense mixture is one low-rank product of the stacked adapters, with the weights
between its two halves. The sparse one is a plan over the library: ids come from the
scores of the three, looked up in the list of names.

Source: LoRALib, A Standardized Benchmark for Evaluating LoRA-MoE Methods.
"""
import moec as moe

RANK, CHOSEN, SCALE = 2, 3, 2.0

g = moe.Graph(__doc__)


def begin(name):
    g.function(name)
    x = g.input("x", ["T", 16])
    chosen = g.input("chosen", [CHOSEN], "i32")
    router = moe.take(g.parameter("router", [6, 16]), chosen)
    p = moe.softmax(moe.matmul(x, router, transposed=True))
    return x, chosen, p, x @ g.parameter("base", [16, 20])


x, chosen, p, base = begin("dense")
a = moe.collapse(moe.take(g.parameter("a", [6, RANK, 16]), chosen), [[0, 1], [2]])
b = moe.collapse(moe.take(g.parameter("b", [6, RANK, 20]), chosen), [[0, 1], [2]])
z = moe.expand(moe.matmul(x, a, transposed=True), [[0], [1, 2]], (x.shape[0], CHOSEN, RANK))
weighted = moe.map(lambda z, p: SCALE * p * z, z,
                   moe.expand(p, [[0], [1, 2]], (x.shape[0], CHOSEN, 1)))
y = base + moe.collapse(weighted, [[0], [1, 2]]) @ b
g.output(y=y)

x, chosen, p, base = begin("sparse")
slot = moe.select(p, moe.top_k(2))
w = moe.weigh(p, slot, "sum", scale=SCALE)
ids = moe.map(lambda slot: moe.extract(chosen, slot), slot)
plan = moe.plan(ids, experts=6)
outs = moe.experts(plan, lambda x, a, b: moe.matmul(x, a, transposed=True) @ b,
                   moe.dispatch(x, plan),
                   [g.parameter("a", [6, RANK, 16]), g.parameter("b", [6, RANK, 20])])
y = moe.combine(outs, plan, w, init=base)
g.output(y=y, ids=ids)
print(g.text(), end="")
