# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The text that graphs print. Every graph here is also verified by moe-opt."""

import unittest

import moec as moe


class Text(unittest.TestCase):
    def setUp(self):
        self.g = moe.Graph("A graph.")
        self.x = self.g.input("x", ["T", 4])

    def text(self, **outputs):
        self.g.output(**outputs)
        self.g.verify()
        return self.g.text()

    def test_names_are_the_variables(self):
        x = self.x
        a = moe.exp(x) + 1
        a, b = moe.select_tokens(a, 1)
        text = self.text(b=b)
        self.assertIn("%a_1, %b = moe.select_tokens position %a capacity(", text)
        self.assertTrue(text.startswith("// A graph.\n"))

    def test_lambda_arguments_name_numbers(self):
        y = moe.map(lambda left, right: left * right, self.x, self.x)
        self.assertIn("^bb0(%left: f32, %right: f32, %out: f32):", self.text(y=y))

    def test_broadcasting_is_in_the_maps(self):
        v = self.g.parameter("v", [4])
        total = moe.column(moe.sum(self.x))
        y = moe.map(lambda x, v, s: x + v + s, self.x, v, total)
        text = self.text(y=y)
        for line in ("#ij_j = affine_map<(i, j) -> (j)>", "#ij_i = affine_map<(i, j) -> (i)>",
                     "indexing_maps = [#ij, #ij_j, #ij_i, #ij]"):
            self.assertIn(line, text)

    def test_equal_tensors_are_made_once(self):
        w = self.g.parameter("w", [4, 4])
        y = self.x @ w @ w
        self.assertEqual(self.text(y=y).count("linalg.fill"), 1)

    def test_parameters_are_declared_and_loaded_once(self):
        for function in ("one", "two"):
            self.g.function(function)
            x = self.g.input("x", ["T", 4])
            w = self.g.parameter("layers.0.w", [4, 4])
            self.g.output(y=x @ w + x @ self.g.parameter("layers.0.w", [4, 4]))
        self.g.functions.pop(0)
        self.g.verify()
        self.assertEqual(self.g.text().count("ml_program.global private @layers.0.w("), 1)
        self.assertEqual(self.g.text().count("global_load_const @layers.0.w "), 2)

    def test_mutable_and_sources(self):
        a = self.g.parameter("a", [4], mutable=True)
        b = self.g.parameter("b", [4], source=("m.safetensors", "x.b"))
        text = self.text(y=self.x + a + b)
        self.assertIn("ml_program.global private mutable @a(#moe.random<seed = 1, std = 0.3 : f64>)",
                      text)
        self.assertIn("ml_program.global_load @a", text)
        self.assertIn('@b(#moe.source<"m.safetensors", "x.b">)', text)

    def test_loops_and_branches(self):
        y = moe.for_(3, lambda i, y: y + moe.map(lambda y: moe.cast(i, "f32"), y), self.x)
        first = moe.extract(self.x, 0, 0) > 0
        z = moe.if_(first, lambda: y + 1, lambda: y)
        text = self.text(z=z)
        self.assertIn("scf.for %i = %c0 to %c3 step %c1 iter_args(", text)
        self.assertIn("scf.if %first -> (tensor<?x4xf32>) {", text)

    def test_policies(self):
        s = moe.softmax(self.x)
        for policy, words in (
                (moe.top_k(2), "#moe.top_k<2>"),
                (moe.top_p(0.4, max=3), "#moe.top_p<0.4, inclusive, min = 1, max = 3>"),
                (moe.top_p(0.4, inclusive=False, min=2),
                 "#moe.top_p<0.4, exclusive, min = 2, max = 4>"),
                (moe.threshold(0.5, max=4), "#moe.threshold<0.5, max = 4>"),
                (moe.ranks(1, 3), "#moe.ranks<[1, 3]>"),
                (moe.grouped_top_k(1, groups=2, kept=1),
                 "#moe.grouped_top_k<1, groups = 2, kept = 1, score = max, masked = neg_inf>"),
                (moe.policy("#moe.top_k<1>", slots=1), "#moe.top_k<1>")):
            ids = moe.select(s, policy)
            self.assertIn(f"moe.select {words} scores(", self.g.text())
        self.text(ids=ids)

    def test_operands_of_policies(self):
        k = moe.map(lambda x: moe.cast(x, "i32"), self.x[:, 0])
        ids = moe.select(self.x, moe.top_k(max=3), params=k)
        self.assertIn("moe.select #moe.top_k<?, max = 3> scores(%x : tensor<?x4xf32>) "
                      "params(%k : tensor<?xi32>) -> tensor<?x3xi32>", self.text(ids=ids))

    def test_experts_of_different_kinds(self):
        plan = moe.plan(moe.select(self.x, moe.top_k(1)), experts=4)
        outs = moe.experts(plan, [lambda x, w: x @ w, lambda x: x + x], moe.dispatch(self.x, plan),
                           [self.g.parameter("w", [2, 4, 4])], members=[0, 1, -1, 0],
                           slot=[0, 0, 0, 1])
        text = self.text(y=moe.combine(outs, plan))
        self.assertIn("members = [0, 1, -1, 0] slot = [0, 0, 0, 1]", text)

    def test_slots_limit_and_taps(self):
        ids = moe.select(self.x, moe.top_k(2))
        kept = moe.limit(ids, 3, experts=4, order="score", priority=moe.weigh(self.x, ids))
        plan = moe.plan(kept, experts=4)
        zero = moe.full((self.x.shape[0], 2, 4), like=self.x)
        y = moe.tap("y", moe.slots(moe.dispatch(self.x, plan), plan, zero))
        text = self.text(y=y, n=moe.as_tensor(moe.rows(plan)))
        for words in ("moe.limit score %ids capacity(%c3_i32) priority(", 'moe.tap "y"', "moe.rows"):
            self.assertIn(words, text)

    def test_tensors(self):
        x = self.x
        table = moe.constant(self.g, [[1, 2], [3, 4]])
        id = moe.map(lambda x: moe.cast(moe.position(x, 0) % 2, "i32"), x[:, 0])
        parts = moe.concat([x[:, :1], x[:, 3:4], moe.take(table, id)])
        square = moe.matmul(parts, parts, transposed=True)
        y = moe.transpose(moe.softmax(square) @ x)
        row = moe.insert(y[0], y, [1, 0])
        self.text(row=row, top=moe.max(x), flat=moe.flat(x[:, 2:3]))

    def test_comments_and_floats(self):
        self.g.comment("The largest\nfirst.")
        y = self.x * 1e-9 + float("inf")
        text = self.text(y=y)
        for words in ("  // The largest\n  // first.\n", "arith.constant 1.0e-9 : f32",
                      "arith.constant 0x7F800000 : f32"):
            self.assertIn(words, text)


if __name__ == "__main__":
    unittest.main()
