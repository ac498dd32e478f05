"""
GE/LE/GN: on a device, a small network (GN) decides
for each sample whether the big global network (GE) or a small local one (LE)
answers. Only the chosen one runs.

The bank is heterogeneous: expert 0 is a convolution with a pooled classifier,
expert 1 one linear layer. Samples are the tokens, images are their rows.

Source: Mixture of Experts for low-cost customization of deep neural networks.
"""
import moec as moe

g = moe.Graph(__doc__)
x = g.input("x", ["B", 8, 8])


def pixels(x):
    return moe.collapse(x, [[0], [1, 2]])


s = moe.relu(pixels(x) @ g.parameter("gate.w1", [64, 6])) @ g.parameter("gate.w2", [6, 2])
ids = moe.select(s, moe.top_k(1))
plan = moe.plan(ids, experts=2)


def big(x, kernel, classes):
    # A 3x3 convolution to 4 channels as 9 shifted images, then ReLU.
    count = x.shape[0]
    out = None
    for i in range(3):
        for j in range(3):
            window = moe.expand(x[:, i:i + 6, j:j + 6], [[0], [1], [2, 3]], (count, 6, 6, 1))
            term = moe.map(lambda x, w: x * w, window, kernel[i, j])
            out = term if out is None else out + term
    features = moe.collapse(moe.relu(out), [[0], [1, 2, 3]])
    return features @ classes


def small(x, kernel, classes, linear):
    return pixels(x) @ linear


rows = moe.dispatch(x, plan)
outs = moe.experts(plan, [big, small], rows, members=[0, 1], slot=[0, 0], params=[
    g.parameter("big.kernel", [1, 3, 3, 4]), g.parameter("big.classes", [1, 144, 5], std=0.1),
    g.parameter("small.linear", [1, 64, 5])])
y = moe.combine(outs, plan)
g.output(y=y, ids=ids)
print(g.text(), end="")
