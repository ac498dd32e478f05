"""
GMoPE: graph networks that differ only by a prompt vector added to every node. Each
graph has its own weights of the experts, from its mean node.

The body is shared: all experts are columns of one product with the adjacency matrix
and rows of one product with each weight. Weights belong to a graph and are looked up
by node.

Source: GMoPE, A Prompt-Expert Mixture Framework for Graph Foundation Models. The
form of the router is not verified.
"""
import moec as moe

EXPERTS = 3

g = moe.Graph(__doc__)
x = g.input("x", ["N", 16])
adjacency = g.input("adjacency", ["N", "N"])  # normalised, block by graph
graph = g.input("graph", ["N"], "i32")
sizes = g.input("sizes", ["G"])

belongs = moe.map(lambda size, graph: moe.cast(
    moe.equal(graph, moe.cast(moe.position(size, 0), "i32")), "f32"), moe.column(sizes), graph)
mean = moe.map(lambda sum, size: sum / size, belongs @ x, moe.column(sizes))
w = moe.softmax(mean @ g.parameter("router", [16, EXPERTS]))

prompted = moe.expand(x, [[0], [1, 2]], (x.shape[0], 1, 16)) + g.parameter("prompts", [EXPERTS, 16])


def convolve(h, name):
    """One layer of all experts: a product for each node and one along the edges."""
    width = h.shape[2]
    weight = g.parameter(name, [width, 16])
    each = moe.collapse(h, [[0, 1], [2]]) @ weight
    side = moe.expand(each, [[0, 1], [2]], (x.shape[0], EXPERTS, 16))
    mixed = adjacency @ moe.collapse(side, [[0], [1, 2]])
    return moe.expand(mixed, [[0], [1, 2]], (x.shape[0], EXPERTS, 16))


h = convolve(moe.relu(convolve(prompted, "layer1")), "layer2")
weighted = h * moe.expand(moe.take(w, graph), [[0], [1, 2]], (x.shape[0], EXPERTS, 1))
y = moe.sum(weighted, 1)
g.output(y=y, w=w)
print(g.text(), end="")
