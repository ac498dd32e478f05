"""
MoDES: experts of a multimodal model are skipped without training. Of the selected
experts, a token keeps those whose probability times the layer's importance reaches
a threshold of the token's modality.

What is skipped becomes -1 between selection and plan; the thresholds are a
parameter that the host changes between calls, which is how they are calibrated.

Source: MoDES, Accelerating Mixture-of-Experts Multimodal Large Language Models via
Dynamic Expert Skipping.
"""
import moec as moe

g = moe.Graph(__doc__)
x = g.input("x", ["T", 16])
modality = g.input("modality", ["T"], "i32")
tau = moe.column(moe.take(g.parameter("tau", [2], std=0.1, mutable=True), modality))
importance = g.parameter("importance", [3])


def expert(x, up, down):
    return moe.gelu(x @ up) @ down


kept = {}
for layer in range(3):
    p = moe.softmax(x @ g.parameter(f"{layer}.router", [16, 8]))
    selected = moe.select(p, moe.top_k(4))
    probability = moe.weigh(p, selected)
    ids = moe.map(lambda id, p, a, tau: moe.where(a * p >= tau, id, -1),
                  selected, probability, importance[layer:layer + 1], tau)
    w = moe.weigh(p, ids)
    plan = moe.plan(ids, experts=8)
    rows = moe.dispatch(x, plan)
    outs = moe.experts(plan, expert, rows, params=[
        g.parameter(f"{layer}.up", [8, 16, 24]), g.parameter(f"{layer}.down", [8, 24, 16])])
    x = moe.combine(outs, plan, w, init=x)
    kept[f"ids_{layer}"] = ids
g.output(y=x, **kept)
print(g.text(), end="")
