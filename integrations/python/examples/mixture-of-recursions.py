"""
Mixture-of-Recursions: one block is applied up to three times, and each token takes
part as often as a router says. @expert_choice: of the tokens that took part in a
step, the best share takes part in the next one. @token_choice: every token chooses
its number of steps at the start.

The tokens that take part are a mask of fixed size; in a step they are gathered with
their positions, attend to each other and are put back. The block's weights are
parameters that all steps name. Caches of keys and values are not part of this.

Source: Mixture-of-Recursions, Learning Dynamic Recursive Depths for Adaptive
Token-Level Computation.
"""
import moec as moe

STEPS, ALPHA = 3, 0.1

g = moe.Graph(__doc__)


def norm(x):
    mean = moe.map(lambda sum: sum * (1 / 16), moe.sum(x))
    centred = moe.map(lambda x, mean: x - mean, x, moe.column(mean))
    squares = moe.sum(moe.map(lambda c: c * c, centred))
    return moe.map(lambda c, sum: c * moe.rsqrt(sum * (1 / 16) + 1e-5), centred,
                   moe.column(squares))


def block(x, positions):
    n = norm(x)
    q, k, v = (n @ g.parameter(part, [16, 16]) for part in "qkv")
    s = moe.matmul(q, k, transposed=True)

    def attend(s, i, j):
        distance = moe.cast(i - j, "f32")
        return moe.where(i >= j, s * 0.25 - 0.1 * distance, float("-inf"))

    a = moe.map(attend, s, moe.column(positions), positions)
    x = x + moe.softmax(a) @ v @ g.parameter("o", [16, 16])
    return x + moe.gelu(norm(x) @ g.parameter("up", [16, 24])) @ g.parameter("down", [24, 16])


def positions_of(x):
    return moe.map(lambda x: moe.cast(moe.position(x, 0), "i32"), x[:, 0])


g.function("expert_choice")
x = g.input("x", ["T", 16])
positions = positions_of(x)
alive = moe.map(lambda i: i >= 0, moe.expand(positions, [[0, 1]], (x.shape[0], 1)))
outputs = {}
for step in range(STEPS):
    scores = moe.map(lambda s: ALPHA * moe.sigmoid(s), x @ g.parameter(f"router.{step}", [16, 1]))
    share = moe.cast(moe.size(x, 0), "i32") * (STEPS - step) // STEPS
    ids, alive = moe.select_tokens(scores, moe.maximum(share, 1), mask=alive)
    plan = moe.plan_by_expert(ids, x)
    rows = block(moe.dispatch(x, plan), moe.dispatch(positions, plan))
    x = moe.combine(rows, plan, scores, init=x)
    outputs[f"alive_{step}"] = alive
g.output(y=x, **outputs)

g.function("token_choice")
x = g.input("x", ["T", 16])
positions = positions_of(x)
p = moe.softmax(x @ g.parameter("depth_router", [16, STEPS]))
depth = moe.select(p, moe.top_k(1))
w = moe.weigh(p, depth)
h = x
for step in range(STEPS):
    ids = moe.map(lambda depth: moe.where(depth >= step, depth * 0, -1), depth)
    plan = moe.plan(ids, experts=1)
    rows = block(moe.dispatch(h, plan), moe.dispatch(positions, plan))
    h = moe.combine(rows, plan, init=h, into="replace")
y = moe.map(lambda x, w, h: x + w * h, x, w, h)
g.output(y=y, depth=depth)
print(g.text(), end="")
