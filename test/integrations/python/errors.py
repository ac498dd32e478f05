# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What is wrong with a graph is said at the line of this file that is wrong."""

import inspect
import unittest

import moec as moe


def begin():
    g = moe.Graph()
    x = g.input("x", ["T", 16])
    return g, x


class Errors(unittest.TestCase):
    def expect(self, build, marker, *words):
        """`build` raises a GraphError at the line that holds the marker."""
        with self.assertRaises(moe.GraphError) as caught:
            build()
        lines, first = inspect.getsourcelines(build)
        at = first + next(i for i, line in enumerate(lines) if f"# {marker}" in line)
        self.assertEqual((caught.exception.file, caught.exception.line), (__file__, at),
                         caught.exception)
        for word in words:
            self.assertIn(word, str(caught.exception))

    def test_verifier(self):
        def build():
            g, x = begin()
            p = moe.softmax(x @ g.parameter("router", [16, 4]))
            ids = moe.select(p, moe.top_k(5))  # here
            g.output(ids=ids)
            g.verify()
        self.expect(build, "here", "moe.select", "top_k", "moe.top_k(5)")

    def test_verifier_in_a_region(self):
        def build():
            g, x = begin()
            plan = moe.plan(moe.select(x, moe.top_k(1)), experts=16)

            def expert(x, w):
                return w  # not rows: the yield is wrong
            outs = moe.experts(plan, expert, moe.dispatch(x, plan),  # here
                               [g.parameter("w", [16, 16, 16])])
            g.output(y=moe.combine(outs, plan))
            g.verify()
        self.expect(build, "here", "moe.experts", "yield")

    def test_compiler(self):
        def build():
            g, x = begin()
            g.function("a.b")
            x = g.input("x", ["T", 16])
            g.output(y=x + x)
            g.function("a_b")
            x = g.input("x", ["T", 16])
            g.output(y=x + x)
            g.functions.pop(0)
            g.compile("/dev/null")
        with self.assertRaisesRegex(moe.GraphError, "same C name"):
            build()

    def test_shapes(self):
        def build():
            g, x = begin()
            x @ g.parameter("w", [8, 4])  # here
        self.expect(build, "here", "depths 16 and 8 differ")

    def test_broadcast(self):
        def build():
            g, x = begin()
            x + g.parameter("w", [8])  # here
        self.expect(build, "here", "do not broadcast")

    def test_types(self):
        def build():
            g, x = begin()
            moe.map(lambda x: x + moe.cast(x, "i32"), x)  # here
        self.expect(build, "here", "f32 and i32 meet")

    def test_outputs_without_a_name(self):
        def build():
            g, x = begin()
            ids, chosen = moe.select_tokens(x, 2)
            g.output(ids=ids)  # here
        self.expect(build, "here", "dimension without a name")

    def test_input_after_output(self):
        def build():
            g, x = begin()
            g.output(y=x)
            g.input("z", ["T"])  # here
        self.expect(build, "here", "inputs come before outputs")


if __name__ == "__main__":
    unittest.main()
