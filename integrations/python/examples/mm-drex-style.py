"""
MM-DREX: four trading policies of different kinds, each with its own view of the
market, mixed by a router that sees the chart and the series. All four always act;
their weights are on record.

A dense mixture of different computations is ordinary computation; the weights are
tapped under a name, so that a host can log them at every call.

Source: MM-DREX, Multimodal-Driven Dynamic Routing of Large Language Model Experts
for Financial Trading. The policies' form is not verified.
"""
import moec as moe

ACTIONS = 3

g = moe.Graph(__doc__)
chart = g.input("chart", ["B", 24])
series = g.input("series", ["B", 12])
news = g.input("news", ["B", 8])
z = moe.relu(moe.concat([chart, series]) @ g.parameter("router.w1", [36, 16]))
w = moe.softmax(z @ g.parameter("router.w2", [16, 4]))
moe.tap("w", w)

trend = moe.tanh(series @ g.parameter("trend.w", [12, ACTIONS]) + g.parameter("trend.b", [ACTIONS]))
reversal = moe.tanh(moe.gelu(series @ g.parameter("reversal.up", [12, 20]))
                    @ g.parameter("reversal.down", [20, ACTIONS]))
breakout = moe.softmax(chart @ g.parameter("breakout.w", [24, ACTIONS]))
a = moe.map(lambda gate, up: moe.silu(gate) * up, news @ g.parameter("event.gate", [8, 10]),
            news @ g.parameter("event.up", [8, 10]))
event = a @ g.parameter("event.down", [10, ACTIONS])

y = moe.map(lambda w0, w1, w2, w3, a, b, c, d: w0 * a + w1 * b + w2 * c + w3 * d,
            *(w[:, e:e + 1] for e in range(4)), trend, reversal, breakout, event)
g.output(y=y, w=w)
print(g.text(), end="")
