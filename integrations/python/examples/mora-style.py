"""
MoRA: every rank of a low-rank adapter is an expert that activates itself. Its score
is the cosine of its own input vector and the token; of the best 4 ranks those count
whose probability is at least a threshold.

There is no router: Ax is computed once, gives the scores and is what the ranks'
output vectors are multiplied by. The host can switch ranks off by a bias of the
scores, and so append ranks for a new task.

Source: Little by Little, Continual Learning via Self-Activated Sparse Mixture-of-Rank
Adaptive Learning. The normalisation is not verified.
"""
import moec as moe

RANKS, TEMPERATURE, THRESHOLD, BUDGET = 12, 0.25, 0.1, 4

g = moe.Graph(__doc__)
x = g.input("x", ["T", 16])
vectors = g.parameter("a", [RANKS, 16])
off = g.parameter("off", [RANKS], mutable=True)
a = moe.matmul(x, vectors, transposed=True)


def length(x):
    return moe.map(lambda sum: moe.sqrt(sum + 1e-12), moe.sum(moe.map(lambda x: x * x, x)))


z = moe.map(lambda a, n, m, off: a / (n * m) * (1 / TEMPERATURE) + off, a,
            moe.column(length(x)), length(vectors), off)
p = moe.softmax(z)
ids = moe.select(p, moe.threshold(THRESHOLD, max=BUDGET))
w = moe.map(lambda p, a: p * a, moe.weigh(p, ids), moe.weigh(a, ids))
plan = moe.plan(ids, experts=RANKS)
outs = moe.experts(plan, lambda x, b: moe.map(lambda x, b: b, x, b), moe.dispatch(x[:, :1], plan),
                   [g.parameter("b", [RANKS, 20])])
y = moe.combine(outs, plan, w, init=x @ g.parameter("base", [16, 20]))
g.output(y=y, ids=ids)
print(g.text(), end="")
