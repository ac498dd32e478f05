"""
Composition of Experts: a classifier finds the category of a request, a table the
model for the category, and the whole request goes to that model. Eight categories,
three models of different sizes.

Ids come from a table behind the selection, many categories to one model. The models
are regions of their own widths; one that nobody needs does not run.

Source: Composition of Experts, A Modular Compound AI System Leveraging Large
Language Models. Where the models are kept, the paper's second subject, is not shown;
the classifier's form is not verified.
"""
import moec as moe

TABLE = [0, 1, 1, 2, 0, 2, 1, 0]
WIDTHS = (8, 24, 40)

g = moe.Graph(__doc__)
x = g.input("x", ["B", 16])
table = moe.constant(g, TABLE, "i32")
s = moe.relu(x @ g.parameter("classify.w1", [16, 12])) @ g.parameter("classify.w2", [12, 8])
category = moe.select(s, moe.top_k(1))
ids = moe.map(lambda category: moe.extract(table, category), category)
plan = moe.plan(ids, experts=3)


def model(e):
    def body(x, up0, down0, up1, down1, up2, down2):
        up, down = ((up0, down0), (up1, down1), (up2, down2))[e]
        return x + moe.gelu(x @ up) @ down
    return body


params = []
for e, width in enumerate(WIDTHS):
    params += [g.parameter(f"up{e}", [1, 16, width]), g.parameter(f"down{e}", [1, width, 16])]
outs = moe.experts(plan, [model(e) for e in range(3)], moe.dispatch(x, plan), params,
                   members=[0, 1, 2], slot=[0, 0, 0])
y = moe.combine(outs, plan)
g.output(y=y, category=category, ids=ids)
print(g.text(), end="")
