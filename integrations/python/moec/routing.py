# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Routing and experts: the operations of the moe dialect."""

import inspect

from .graph import Dim, Name, Scalar, Site, Value, fail, number, tensor_type
from .tensors import _list, size


class Policy:
    """A selection policy: its text, and how many slots, score tensors and results
    it has. Anything that moe.select accepts can be named by `policy`."""

    def __init__(self, text, slots, yields_scores=False):
        self.text, self.slots, self.yields_scores = text, slots, yields_scores


def policy(text, slots, yields_scores=False):
    return Policy(text, slots, yields_scores)


def _max(limit):
    return f", max = {limit}"


def top_k(k=None, max=None):
    """The k best experts; without k it is an operand: one number or one a token."""
    return Policy(f"#moe.top_k<{k}>", k) if k else Policy(f"#moe.top_k<?{_max(max)}>", max)


def top_p(p=None, inclusive=True, min=1, max=None):
    """The fewest best experts whose scores sum up to p; `inclusive` keeps the one
    that crosses it. Without p it is an operand."""
    lead = "?" if p is None else number(p)
    kind = "inclusive" if inclusive else "exclusive"
    return Policy(lambda n: f"#moe.top_p<{lead}, {kind}, min = {min}, max = {max or n}>",
                  lambda n: max or n)


def threshold(t=None, max=None):
    """All experts whose score is at least t."""
    lead = "?" if t is None else number(t)
    return Policy(lambda n: f"#moe.threshold<{lead}{_max(max or n)}>", lambda n: max or n)


def ranks(*chosen):
    """The experts of these ranks, 0 the best."""
    return Policy(f"#moe.ranks<[{', '.join(map(str, chosen))}]>", len(chosen))


def grouped_top_k(k, groups, kept, score="max", masked="neg_inf"):
    return Policy(f"#moe.grouped_top_k<{k}, groups = {groups}, kept = {kept}, "
                  f"score = {score}, masked = {masked}>", k)


def product_key(k, side):
    return Policy(f"#moe.product_key<{k}, side = {side}>", k, yields_scores=True)


def select(scores, policy, mask=None, params=()):
    """Expert ids of each row in rank order; with some policies also their scores."""
    scores = scores if isinstance(scores, (list, tuple)) else [scores]
    params = params if isinstance(params, (list, tuple)) else [params]
    first = scores[0]
    experts = first.shape[-1]
    text = policy.text(experts) if callable(policy.text) else policy.text
    slots = policy.slots(experts) if callable(policy.slots) else policy.slots
    text = f"moe.select {text} scores({_list(scores)})"
    if mask is not None:
        text += f" mask({_list([mask])})"
    if params:
        kinds = ", ".join(p.type if isinstance(p, Value) else p.dtype for p in params)
        text += f" params({', '.join(map(str, params))} : {kinds})"
    types = [((first.shape[0], slots), "i32")]
    if policy.yields_scores:
        types.append(((first.shape[0], slots), first.dtype))
    text += " -> " + ", ".join(tensor_type(*kind) for kind in types)
    return first.function.emit("ids", text, *types)


def weigh(scores, ids, norm="none", **options):
    """The scores at the ids, normalised; options are eps, scale, fill, p, jitter."""
    texts = [f"{key} = {number(value, 'f64')} : f64"
             if not isinstance(value, str) else f"{key} = #moe.eps_mode<{value}>"
             for key, value in options.items()]
    kind = (ids.shape, scores.dtype)
    attributes = " {" + ", ".join(texts) + "}" if texts else ""
    return scores.function.emit(
        "weights", f"moe.weigh {norm} {scores}, {ids}{attributes} : {scores.type}, {ids.type} -> {tensor_type(*kind)}", kind)


class Plan:
    """Assignments of tokens to experts. `tokens` is the number of tokens."""

    def __init__(self, function, name, experts, slots, tokens):
        self.function, self.name = function, name
        self.experts, self.slots, self.tokens = experts, slots, tokens
        self.type = f"!moe.plan<experts = {experts}, slots = {slots}>"

    def __str__(self):
        return str(self.name)


def _plan(function, text, experts, slots, tokens):
    site = Site()
    name, = function.named("plan", site)
    kind = f"!moe.plan<experts = {experts}, slots = {slots}>"
    function.lines.add(f"{name} = {text} -> {kind}", site)
    return Plan(function, name, experts, slots, tokens)


def plan(ids, experts):
    """Orders assignments [T, slots] by expert."""
    return _plan(ids.function, f"moe.plan {ids} : {ids.type}", experts, ids.shape[1], ids.shape[0])


def plan_by_expert(ids, x):
    """The plan of token ids [E, C]; `x` has the tokens."""
    tokens = size(x, 0)
    experts = ids.shape[0]
    return _plan(ids.function, f"moe.plan by_expert {ids} tokens({tokens}) : {ids.type}",
                 experts, experts, x.shape[0])


def rows(plan):
    """The number of rows of a plan, as an index."""
    return plan.function.emit("rows", f"moe.rows {plan} : {plan.type}", "index")


def _weights(weights):
    return "" if weights is None else f" weights({_list([weights])})"


def dispatch(x, plan, weights=None):
    """The rows of tokens in the plan's order."""
    kind = ((Dim(), *x.shape[1:]), x.dtype)
    return x.function.emit("rows", f"moe.dispatch {x} by {plan}{_weights(weights)} : {x.type}, "
                           f"{plan.type} -> {tensor_type(*kind)}", kind)


def combine(rows, plan, weights=None, init=None, into="add"):
    """Sums rows back into their tokens, from zero or `init`."""
    function = rows.function
    if init is None:
        tokens = Value(function, "", (plan.tokens,), "i32")
        init = function.full([tokens], (plan.tokens, *rows.shape[1:]), rows.dtype)
    return function.emit(
        "combined", f"moe.combine {into} {rows} by {plan}{_weights(weights)} "
        f"init({_list([init])}) : {rows.type}, {plan.type} -> {init.type}", (init.shape, init.dtype))


def slots(rows, plan, init):
    """The rows of each token by slot, [T, slots, ..], and `init` where there is none."""
    return rows.function.emit(
        "slots", f"moe.slots {rows} by {plan} init({_list([init])}) : {rows.type}, {plan.type} "
        f"-> {init.type}", (init.shape, init.dtype))


def limit(ids, capacity, experts, order="token", priority=None, segments=None, seed=None):
    """Drops assignments beyond each expert's capacity."""
    text = f"moe.limit {order} {ids} capacity({_scalar(ids, capacity, 'i32')})"
    if priority is not None:
        text += f" priority({_list([priority])})"
    if segments is not None:
        text += f" segments({_list([segments])})"
    text += f" experts = {experts}" + (f" {{seed = {seed} : i64}}" if seed is not None else "")
    return ids.function.emit("kept", f"{text} : {ids.type} -> {ids.type}", (ids.shape, "i32"))


def _scalar(of, value, dtype):
    return value if isinstance(value, (Scalar, Value)) else of.function.constant(value, dtype)


def select_tokens(scores, capacity, order="position", mask=None, segments=None):
    """(ids [E, C], chosen [T, E]): each expert takes its best tokens."""
    capacity = _scalar(scores, capacity, "i32")
    kind = capacity.type if isinstance(capacity, Value) else capacity.dtype
    text = f"moe.select_tokens {order} {scores} capacity({capacity} : {kind})"
    if mask is not None:
        text += f" mask({_list([mask])})"
    if segments is not None:
        text += f" segments({_list([segments])})"
    types = (((scores.shape[1], Dim()), "i32"), (scores.shape, "i1"))
    text += f" : {scores.type} -> " + ", ".join(tensor_type(*kind) for kind in types)
    return scores.function.emit("ids", text, *types)


def tap(name, value):
    """Records a value under this name."""
    value.function.lines.add(f'moe.tap "{name}" {value} : {value.type}', Site())
    return value


def experts(plan, body, rows, params=(), members=None, slot=None, result=None):
    """Runs `body(rows.., params.., expert)` for each expert on its rows. `body` may be
    a list of functions, `members` then has the one of each expert (-1: null)."""
    bodies = body if isinstance(body, (list, tuple)) else [body]
    rows = rows if isinstance(rows, (list, tuple)) else [rows]
    function, site = plan.function, Site()
    last = function.last
    regions, types = [], None
    for each in bodies:
        outer, function.lines.entries = function.lines.entries, []
        function.zeros.append({})
        try:
            wanted = [*inspect.signature(each).parameters]
        except (TypeError, ValueError):
            wanted = []
        wanted += [None] * (len(rows) + len(params) + 1 - len(wanted))
        arguments = [Value(function, Name("rows", wanted[i]), (Dim(), *value.shape[1:]), value.dtype)
                     for i, value in enumerate(rows)]
        # All row operands of a region have as many rows.
        for value in arguments[1:]:
            value.shape = (arguments[0].shape[0], *value.shape[1:])
        dim = arguments[0].shape[0]
        arguments += [Value(function, Name("slice", wanted[len(rows) + i]), value.shape[1:],
                            value.dtype) for i, value in enumerate(params)]
        expert = Scalar(function, Name("expert", wanted[len(rows) + len(params)]), "index")
        zero = function.index(0)
        dim.ssa = Name("count")
        function.lines.add(f"{dim.ssa} = tensor.dim {arguments[0]}, {zero} : {arguments[0].type}")
        takes = [*arguments, expert]
        results = each(*takes[:len(inspect.signature(each).parameters)])
        results = results if isinstance(results, tuple) else (results,)
        found = [(value.shape[1:], value.dtype) for value in results]
        if types is not None and found != types:
            fail(f"experts of different results: {found} and {types}")
        types = found
        texts = [f"{value}: {value.type}" for value in arguments] + [f"{expert}: index"]
        function.lines.add(f"moe.yield {_list(results)}", site)
        if not any(str(dim.ssa) in text for _, text, _ in function.lines.entries[1:]):
            del function.lines.entries[0]  # nobody asked how many rows there are
        regions.append((f"^bb0({', '.join(texts)}):", function.lines.entries))
        function.lines.entries = outer
        function.zeros.pop()
    text = f"moe.experts {plan} rows({_list(rows)})"
    if params:
        text += f" params({_list(params)})"
    for name, values in (("members", members), ("slot", slot)):
        if values is not None:
            text += f" {name} = [{', '.join(map(str, values))}]"
    kinds = [((Dim(), *shape), dtype) for shape, dtype in types]
    text += f" : {plan.type} -> {', '.join(tensor_type(*kind) for kind in kinds)} {{"
    function.last = last
    made = function.open("outs", text, kinds, site)
    for number_, (block, entries) in enumerate(regions):
        function.begin_region()
        function.lines.add(block)
        function.lines.entries.extend(entries)
        last = number_ + 1 == len(regions)
        function.end_region("}" if last else "}, {", site if last else None)
    return made
