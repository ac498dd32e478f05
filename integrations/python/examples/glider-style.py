"""
GLIDER: adapters are chosen by a global and a local router. The global score compares
the embedding of the task's instruction to each adapter's, once a sample; the local
one is the product of the normalised token and a normalised gate vector, at every
linear layer. If an adapter fits the task well enough, the global score counts more.
Top-2, softmax over the selected.

Scores of two granularities are added: the sample's row is looked up by token. The
two factors and the bound between them are parameters that the host sets.

Source: GLIDER, Global and Local Instruction-Driven Expert Router. The rule for the
factor alpha is not verified.
"""
import moec as moe

EXPERTS = 4

g = moe.Graph(__doc__)
x = g.input("x", ["T", 16])
sample = g.input("sample", ["T"], "i32")
instruction = g.input("instruction", ["B", 8])
alpha = g.parameter("alpha", [2], mutable=True)
bound = g.parameter("bound", [1], mutable=True)


def unit(x):
    squares = moe.sum(moe.map(lambda x: x * x, x))
    return moe.map(lambda x, sum: x * moe.rsqrt(sum + 1e-12), x, moe.column(squares))


def norm(x):
    width = x.shape[1]
    mean = moe.column(moe.map(lambda sum: sum * (1 / width), moe.sum(x)))
    centred = moe.map(lambda x, mean: x - mean, x, mean)
    squares = moe.column(moe.sum(moe.map(lambda c: c * c, centred)))
    return moe.map(lambda c, sum: c * moe.rsqrt(sum * (1 / width) + 1e-5), centred, squares)


cosine = moe.matmul(unit(instruction), unit(g.parameter("tasks", [EXPERTS, 8])), transposed=True)
scaled = moe.map(lambda s, best, low, high, bound: s * moe.where(best > bound, high, low),
                 cosine, moe.column(moe.max(cosine)), alpha[0:1], alpha[1:2], bound)
common = moe.take(scaled, sample)
chosen = {}


def linear(x, name, width):
    depth = x.shape[1]
    gate = norm(g.parameter(f"{name}.gate", [EXPERTS, depth], std=1.0))
    s = moe.map(lambda common, own: common + own * depth ** -0.5, common,
                moe.matmul(norm(x), gate, transposed=True))
    ids = moe.select(s, moe.top_k(2))
    w = moe.weigh(s, ids, "softmax")
    plan = moe.plan(ids, experts=EXPERTS)
    outs = moe.experts(plan, lambda x, a, b: (x @ a) @ b, moe.dispatch(x, plan), params=[
        g.parameter(f"{name}.a", [EXPERTS, depth, 2]),
        g.parameter(f"{name}.b", [EXPERTS, 2, width])])
    chosen[f"{name}_ids"] = ids
    return moe.combine(outs, plan, w, init=x @ g.parameter(f"{name}.w", [depth, width]))


y = linear(moe.relu(linear(x, "up", 24)), "down", 16)
g.output(y=y, **chosen)
print(g.text(), end="")
