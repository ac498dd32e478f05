"""
Self-MoA: the best model answers several times, and its answers are aggregated two
at a time with the current synthesis, in a sliding window.

Models are pure functions here: an answer depends on the prompt and on the noise of
its sampling. Five answers and a window of three make two calls of the aggregator;
taps name every call.

Source: Rethinking Mixture-of-Agents, Is Mixing Different Large Language Models
Beneficial?
"""
import moec as moe

ANSWERS, WINDOW = 5, 3

g = moe.Graph(__doc__)
prompt = g.input("prompt", ["T", 16])
noise = g.input("noise", [ANSWERS, 16])


def propose(noise):
    h = moe.map(lambda x, n: x + n, prompt, noise)
    return moe.gelu(h @ g.parameter("model.up", [16, 24])) @ g.parameter("model.down", [24, 16])


def aggregate(parts):
    h = moe.concat([prompt, *parts])
    return moe.gelu(h @ g.parameter("aggregator.up", [64, 24])) @ g.parameter(
        "aggregator.down", [24, 16])


answers = [moe.tap(f"answer.{i}", propose(noise[i])) for i in range(ANSWERS)]
y, rest, call = answers[0], answers[1:], 0
while rest:
    parts, rest = rest[:WINDOW - 1], rest[WINDOW - 1:]
    y = moe.tap(f"synthesis.{call}", aggregate([y, *parts]))
    call += 1
g.output(y=y)
print(g.text(), end="")
