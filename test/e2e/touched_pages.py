# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""touched_pages.py MOEC PAGES.so FOLDER: a counter of what compiled layers read.

Each layer is a shared object with weights by pointer (docs/embedding.md). Weights and
tokens lie in memory that counts the pages that were touched; each expert's weights
and each token are whole pages. Scores are arguments, so that a case says what is
selected. What is not selected must count 0, what is selected all of its pages.
"""

import ctypes
import pathlib
import re
import subprocess
import sys

import numpy as np

import moec as moe

PROGRAM, PAGES, FOLDER = sys.argv[1], ctypes.CDLL(sys.argv[2]), pathlib.Path(sys.argv[3])
PAGES.newPages.restype = ctypes.c_void_p
PAGES.countTouched.restype = ctypes.c_int64
D, INNER, PAGE, MAX_TOKENS = 1024, 64, 4096, 70


def linears(graph, experts, prefix="", inner=INNER):
    return [graph.parameter(prefix + "gate", [experts, inner, D]),
            graph.parameter(prefix + "up", [experts, inner, D]),
            graph.parameter(prefix + "down", [experts, D, inner])]


def swiglu(x, gate, up, down):
    return moe.linear(moe.map(lambda g, u: moe.silu(g) * u, moe.linear(x, gate),
                              moe.linear(x, up)), down)


def by_token(x, ids, experts, body, params, **members):
    plan = moe.plan(ids, experts=experts)
    outs = moe.experts(plan, body, moe.dispatch(x, plan), params=params, **members)
    return moe.combine(outs, plan)


# Each layer: (graph, x, scores) -> result, with 8 experts.

def top_k(graph, x, scores):
    return by_token(x, moe.select(scores, moe.top_k(2)), 8, swiglu, linears(graph, 8))


def top_p(graph, x, scores):
    return by_token(x, moe.select(scores, moe.top_p(0.5, max=4)), 8, swiglu, linears(graph, 8))


def null(graph, x, scores):
    return by_token(x, moe.select(scores, moe.top_k(2)), 8, swiglu, linears(graph, 4),
                    members=[0] * 4 + [-1] * 4, slot=[*range(4), 0, 0, 0, 0])


def heterogeneous(graph, x, scores):
    def small(x, g, u, d, *_):
        return swiglu(x, g, u, d)

    def big(x, _0, _1, _2, g, u, d):
        return swiglu(x, g, u, d)

    params = linears(graph, 3) + linears(graph, 3, "big_", 2 * INNER)
    return by_token(x, moe.select(scores, moe.top_k(2)), 8, [small, big, lambda x, *_: x], params,
                    members=[0] * 3 + [1] * 3 + [2, -1], slot=[0, 1, 2, 0, 1, 2, 0, 0])


def rank_one(graph, x, scores):
    def body(x, a, b):
        inner = moe.column(moe.sum(moe.map(lambda x, a: x * a, x, a)))
        return moe.map(lambda inner, b: moe.relu(inner) * b, inner, b)

    params = [graph.parameter("a", [8, D]), graph.parameter("b", [8, D])]
    return by_token(x, moe.select(scores, moe.top_k(2)), 8, body, params)


def lora(graph, x, scores):
    params = [graph.parameter("a", [8, 16, D]), graph.parameter("b", [8, D, 16])]
    return by_token(x, moe.select(scores, moe.top_k(2)), 8,
                    lambda x, a, b: moe.linear(moe.linear(x, a), b), params)


def whole_expert(graph, x, scores):
    """The largest of all rows of an expert, so that it runs expert by expert."""
    def body(x, gate, up, down):
        y = swiglu(x, gate, up, down)
        return moe.map(lambda y, m: y - m, y, moe.max(y, axis=0))

    return by_token(x, moe.select(scores, moe.top_k(2)), 8, body, linears(graph, 8))


def some_tokens(graph, x, scores):
    """One expert that takes half of the tokens (mixture of depths)."""
    capacity = moe.cast(moe.ceil_divide(moe.size(x, 0), 2), "i32")
    ids, _ = moe.select_tokens(scores, capacity)
    plan = moe.plan_by_expert(ids, x)
    outs = moe.experts(plan, swiglu, moe.dispatch(x, plan), params=linears(graph, 1))
    return moe.combine(outs, plan)


class Compiled:
    def __init__(self, name, build, experts, options):
        graph = moe.Graph("")
        graph.function("f")
        x, scores = graph.input("x", ["T", D]), graph.input("scores", ["T", experts])
        graph.output(y=build(graph, x, scores))
        graph.write(FOLDER / f"{name}.mlir")
        library = FOLDER / f"{name}.so"
        subprocess.run([PROGRAM, FOLDER / f"{name}.mlir", "-o", library, "--emit=shared",
                        "--weights=pointers", *options], check=True)
        self.function = getattr(ctypes.CDLL(str(library)), f"{name}_f")
        self.workspace = getattr(ctypes.CDLL(str(library)), f"{name}_f_workspace")
        self.workspace.restype = ctypes.c_int64
        header = library.with_suffix(".h").read_text()
        PAGES.freePages()
        self.tokens = PAGES.newPages(ctypes.c_int64(MAX_TOKENS * D * 4))
        # Of each weight: its name, its address and its bytes.
        self.weights = []
        for weight, size in re.findall(r"weights\[\d+\]: (\S+), (\d+) bytes", header):
            at = PAGES.newPages(ctypes.c_int64(int(size)))
            ctypes.memset(at, 0, int(size))
            self.weights.append((weight, at, int(size)))
        self.table = (ctypes.c_void_p * max(1, len(self.weights)))(*[at for _, at, _ in self.weights])

    def run(self, scores):
        """Counts what a call with these scores touches."""
        scores = np.ascontiguousarray(scores, "f4")
        tokens = len(scores)
        y = np.empty((tokens, D), "f4")
        size = self.workspace(ctypes.c_int64(tokens), None)
        space = np.empty(size + 64, np.uint8)
        space = space[-space.ctypes.data % 64:]
        pointer = lambda array: ctypes.c_void_p(array.ctypes.data)
        PAGES.watchPages()
        status = self.function(ctypes.c_void_p(self.tokens), ctypes.c_int64(tokens), pointer(scores),
                               pointer(y), self.table, pointer(space), ctypes.c_int64(size), None)
        assert status == 0, status

    def count(self, experts):
        """{weight: which part of each of its equal slices was touched}"""
        result = {}
        for name, at, size in self.weights:
            slices = experts(name)
            assert size % (slices * PAGE) == 0, (name, size)
            step = size // slices
            result[name] = [PAGES.countTouched(ctypes.c_void_p(at + i * step), ctypes.c_int64(step))
                            / (step // PAGE) for i in range(slices)]
        return result


def scores_for(tokens, chosen):
    """Rows that prefer the chosen experts, in turns."""
    scores = np.zeros((tokens, 8))
    for token in range(tokens):
        scores[token, np.roll(chosen, token)] = [0.6, 0.4][:len(chosen)]
    return scores


def check(name, build, selected, slices=lambda name: 8, options=()):
    """`selected`: the experts that scores prefer, and of each weight the slices that
    they read."""
    layer = Compiled(name, build, 8, options)
    for tokens in (1, 2, 9, MAX_TOKENS):
        for chosen, read in selected:
            layer.run(scores_for(tokens, chosen))
            for weight, counts in layer.count(slices).items():
                wanted = read(weight) if callable(read) else read
                found = [slice for slice, count in enumerate(counts) if count]
                assert found == list(wanted), f"{name}, {tokens} tokens, {weight}: read {found}"
                assert all(counts[slice] == 1 for slice in found), (name, tokens, weight, counts)
    print(f"{name}: only the selected")


def check_tokens():
    layer = Compiled("some_tokens", some_tokens, 1, ())
    for tokens in (2, 9, MAX_TOKENS):
        scores = np.random.default_rng(tokens).permutation(tokens).astype("f4")[:, None]
        layer.run(scores)
        half = (tokens + 1) // 2
        wanted = [int(score >= tokens - half) for score in scores[:, 0]]
        found = [PAGES.countTouched(ctypes.c_void_p(layer.tokens + token * D * 4),
                                     ctypes.c_int64(D * 4))
                 for token in range(tokens)]
        assert found == wanted, (tokens, found)
    print("some_tokens: only the selected")


pair = [([1, 6], [1, 6]), ([0, 7], [0, 7])]
check("top_k", top_k, pair)
check("top_k_plain", top_k, pair, options=["--disable-pass=moe-select-strategy",
                                           "--disable-pass=moe-encode-weights"])
check("top_p", top_p, [([3], [3])])
check("null", null, [([4, 7], []), ([2, 5], [2])], lambda name: 4)
check("heterogeneous", heterogeneous,
      [([6, 7], []), ([1, 6], lambda name: [] if "big" in name else [1]),
       ([0, 5], lambda name: [2] if "big" in name else [0])], lambda name: 3)
check("rank_one", rank_one, pair)
check("lora", lora, pair)
check("whole_expert", whole_expert, pair)
check_tokens()
