"""
MoveGCL: a mobility model whose router sees more than the token: the city, the time
since the last stay, the distance, the radius of gyration and entropy features.
Top-2 logits, softmax over the selected, GELU experts with biases. For a new city,
experts are appended and the router gets rows for them.

The score is a linear layer on the concatenation of the token and its features.

Source: MoveGCL, generative continual learning of mobility foundation models;
github.com/tsinghua-fib-lab/MoveGCL.
"""
import moec as moe

g = moe.Graph(__doc__)
h = g.input("h", ["T", 16])
city = g.input("city", ["T"], "i32")
features = g.input("features", ["T", 5])
city_embedding = moe.take(g.parameter("cities", [3, 4]), city)
z = moe.concat([h, city_embedding, features])
s = z @ g.parameter("router", [25, 6]) + g.parameter("router_bias", [6])
ids = moe.select(s, moe.top_k(2))
w = moe.weigh(s, ids, "softmax")
plan = moe.plan(ids, experts=6)


def expert(x, up, up_bias, down, down_bias):
    a = moe.map(lambda u, bias: moe.gelu(u + bias), x @ up, up_bias)
    return a @ down + down_bias


rows = moe.dispatch(h, plan)
outs = moe.experts(plan, expert, rows, params=[
    g.parameter("w1", [6, 16, 24]), g.parameter("b1", [6, 24]),
    g.parameter("w2", [6, 24, 16]), g.parameter("b2", [6, 16])])
y = moe.combine(outs, plan, w)
g.output(y=y)
print(g.text(), end="")
