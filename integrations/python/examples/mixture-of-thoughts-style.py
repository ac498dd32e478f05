"""
Mixture of Thoughts: a router reads a query and picks two of three models of
different width, one of them primary. Models run in lockstep; after every stage the
primary model attends to the latent states of the selected ones.

Models are branches that run only if they were selected; what they hand over is a
latent tensor of one width, and the combination is ordinary attention under a mask.

Source: Mixture of Thoughts, Learning to Aggregate What Experts Think, Not Just What
They Say. The interaction's details are not verified.
"""
import math

import moec as moe

WIDTHS, LATENT = (8, 12, 16), 8

g = moe.Graph(__doc__)
query = g.input("query", [1, 8])
x = g.input("x", ["T", 8])

scores = moe.softmax(moe.relu(query @ g.parameter("router.w1", [8, 16])) @ g.parameter(
    "router.w2", [16, 3]))
ids = moe.select(scores, moe.top_k(2))
primary, second = moe.extract(ids, 0, 0), moe.extract(ids, 0, 1)
is_primary = [moe.equal(primary, m) for m in range(3)]
selected = [moe.logical_or(is_primary[m], moe.equal(second, m)) for m in range(3)]

none = moe.full((x.shape[0], LATENT), like=x)
h = [x @ g.parameter(f"{m}.embed", [8, WIDTHS[m]]) for m in range(3)]

# Keys of models that were not selected get no attention.
keys = moe.concat([moe.full((x.shape[0],), "i32", m, like=x) for m in range(3)], 0)
visible = moe.map(lambda key: moe.logical_or(moe.equal(key, primary), moe.equal(key, second)), keys)

for stage in range(2):
    latents = []
    for m, width in enumerate(WIDTHS):
        weight = g.parameter(f"{m}.{stage}.w", [width, width])
        project = g.parameter(f"{m}.{stage}.project", [width, LATENT])

        def run():
            after = h[m] + moe.relu(h[m] @ weight)
            moe.tap(f"model{m}.stage{stage}", after)
            return after, after @ project

        h[m], latent = moe.if_(selected[m], run, lambda: (h[m], none))
        latents.append(latent)
    z = moe.concat(latents, 0)
    for m, width in enumerate(WIDTHS):
        back = g.parameter(f"{m}.{stage}.back", [LATENT, width])

        def attend():
            s = moe.matmul(latents[m], z, transposed=True)
            masked = moe.map(lambda s, v: moe.where(v, s * (1 / math.sqrt(LATENT)), float("-inf")),
                             s, visible)
            return h[m] + moe.softmax(masked) @ z @ back

        h[m] = moe.if_(is_primary[m], attend, lambda: h[m])

y = none
for m, width in enumerate(WIDTHS):
    head = g.parameter(f"{m}.head", [width, 8])
    y = moe.if_(is_primary[m], lambda: h[m] @ head, lambda: y)
g.output(y=y, ids=ids)
print(g.text(), end="")
