"""
Growing Transformers: models that were trained alone on the same frozen embeddings
are combined by the mean of their logits; a model grows by a layer on top of it.

Every model is selected with a constant weight, so nothing is routed: the models
are ordinary computation on one embedding table, which is stored once. @first is
one model alone, over the same parameters.

Source: Growing Transformers, Modular Composition and Layer-wise Expansion on a
Frozen Substrate.
"""
import moec as moe

g = moe.Graph(__doc__)


def model(tokens, name, layers):
    h = moe.take(g.parameter("embedding", [11, 16], std=1.0), tokens)
    for i in range(layers):
        h = h + moe.gelu(h @ g.parameter(f"{name}.{i}.up", [16, 24])) @ g.parameter(
            f"{name}.{i}.down", [24, 16])
    return h @ g.parameter(f"{name}.head", [16, 11])


g.function("main")
tokens = g.input("tokens", ["T"], "i32")
first = model(tokens, "first", layers=1)
second = model(tokens, "second", layers=2)
logits = moe.map(lambda a, b: 0.5 * (a + b), first, second)
g.output(logits=logits)

g.function("first")
tokens = g.input("tokens", ["T"], "i32")
g.output(logits=model(tokens, "first", layers=1))
print(g.text(), end="")
