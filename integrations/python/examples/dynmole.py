"""
DynMoLE: a token that is unsure uses all adapters, a sure one few. If the Tsallis
entropy of its probabilities is above a bound, all 6 low-rank adapters are selected;
otherwise those whose probabilities sum up to 0.6, without the one that crosses it,
but the best two at least. Weights are not renormalised.

Both cases are one selection by top-p with a limit for each token. The entropic index
and the bound are parameters that the host sets.

Source: DynMoLE, Boosting Mixture of LoRA Experts Fine-Tuning with a Hybrid Routing
Mechanism; its code in moe_peft.
"""
import moec as moe

EXPERTS, RANK, SCALE, P = 6, 2, 2.0, 0.6

g = moe.Graph(__doc__)
x = g.input("x", ["T", 16])
q = g.parameter("q", [1], mutable=True)
tau = g.parameter("tau", [1], mutable=True)
p = moe.softmax(x @ g.parameter("router", [16, EXPERTS]))
powers = moe.sum(moe.map(lambda p, q: moe.exp(q * moe.log(p)), p, q))
entropy = moe.map(lambda sum, q: (1 - sum) / (q - 1), powers, q)
limit = moe.map(lambda h, tau: moe.where(h > tau, h * 0 + 2, P), entropy, tau)
ids = moe.select(p, moe.top_p(inclusive=False, min=2), params=limit)
w = moe.weigh(p, ids, scale=SCALE)
plan = moe.plan(ids, experts=EXPERTS)
outs = moe.experts(plan, lambda x, a, b: (x @ a) @ b, moe.dispatch(x, plan),
                   [g.parameter("a", [EXPERTS, 16, RANK]), g.parameter("b", [EXPERTS, RANK, 20])])
y = moe.combine(outs, plan, w, init=x @ g.parameter("base", [16, 20]))
g.output(y=y, ids=ids, entropy=entropy)
print(g.text(), end="")
