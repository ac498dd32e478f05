"""
MoMa: experts of each modality choose their tokens (expert choice inside typed
groups); a token's result is weighted by the sigmoid of its score. @depths first
chooses the half of the tokens that take part. Expert choice looks at later tokens;
@causal, for inference, lets an auxiliary router decide token by token, with the
same weights.

Capacity is computed for each expert: its modality's tokens, divided by its
modality's experts. Weights of a plan by expert are [T, E].

Source: MoMa, Efficient Early-Fusion Pre-training with Mixture of Modality-Aware
Experts.
"""
import moec as moe

g = moe.Graph(__doc__)


def expert(x, gate, up, down):
    a = moe.map(lambda gate, up: moe.silu(gate) * up, x @ gate, x @ up)
    return a @ down


def begin(name):
    g.function(name)
    x = g.input("x", ["T", 16])
    modality = g.input("modality", ["T"], "i32")
    # Experts 0, 1: text; 2, 3: image.
    own = moe.map(lambda m, e: moe.equal(m, e), moe.column(modality),
                  moe.constant(g, [0, 0, 1, 1], "i32"))
    scores = moe.sigmoid(x @ g.parameter("router", [16, 4]))
    return x, own, scores


def run_experts(x, plan, scores):
    outs = moe.experts(plan, expert, moe.dispatch(x, plan), params=[
        g.parameter("gate", [4, 16, 24]), g.parameter("up", [4, 16, 24]),
        g.parameter("down", [4, 24, 16])])
    return moe.combine(outs, plan, scores, init=x)


def choose_tokens(x, own, scores):
    count = moe.sum(moe.map(lambda own: moe.cast(own, "i32"), own), 0)
    capacity = moe.map(lambda n: moe.ceil_divide(n, 2), count)
    ids, chosen = moe.select_tokens(scores, capacity, mask=own)
    return run_experts(x, moe.plan_by_expert(ids, x), scores), chosen


x, own, scores = begin("main")
y, chosen = choose_tokens(x, own, scores)
g.output(y=y, chosen=chosen)

x, own, scores = begin("depths")
depth = x @ g.parameter("depth_router", [16, 1])
half = moe.cast(moe.ceil_divide(moe.size(x, 0), 2), "i32")
_, takes_part = moe.select_tokens(depth, half)
alive = moe.map(lambda own, part: moe.logical_and(own, part), own, takes_part)
y, chosen = choose_tokens(x, alive, scores)
g.output(y=y, chosen=chosen)

x, own, scores = begin("causal")
auxiliary = moe.gelu(x @ g.parameter("auxiliary1", [16, 12])) @ g.parameter("auxiliary2", [12, 4])
ids = moe.map(lambda a, own: moe.where(moe.logical_and(moe.sigmoid(a) > 0.5, own),
                                       moe.cast(moe.position(a, 1), "i32"), -1), auxiliary, own)
y = run_experts(x, moe.plan(ids, experts=4), scores)
g.output(y=y, ids=ids)
print(g.text(), end="")
