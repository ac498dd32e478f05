# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import numpy as np

from mathematics import double, gelu, tokens, top_k


def skills_of(rng, count):
    return (rng.random((count, 10)) < 0.3).astype("f4")


def cases(rng):
    for x in tokens(rng, (0, 1, 7, 33, 100)):
        yield {"x": x, "skills": skills_of(rng, len(x))}


def reference(inputs, params):
    w = double(params)
    x = inputs["x"].astype("f8")
    y, ids = np.zeros((len(x), 8)), np.zeros((len(x), 3), "i4")
    for b in range(len(x)):
        s = w["profile"][inputs["skills"][b] > 0].sum(0) * w["competency"]
        ids[b] = top_k(s, 3)
        answers = [gelu(x[b] @ w["up"][m]) @ w["down"][m] for m in ids[b]]
        y[b] = np.concatenate(answers) @ w["aggregate"]
    return {"y": y, "ids": ids}


def properties(run, rng):
    # Answers do not depend on which questions are asked together.
    x, skills = rng.standard_normal((100, 16)).astype("f4"), skills_of(rng, 100)
    out = run({"x": x, "skills": skills})
    order = np.lexsort(out["ids"].T)
    assert np.allclose(run({"x": x[order], "skills": skills[order]})["y"], out["y"][order],
                       atol=1e-6)
    alone = run({"x": x[40:41], "skills": skills[40:41]})
    assert np.allclose(alone["y"], out["y"][40:41], atol=1e-5)
    # One load of each model that is used, at most 16, against one for each answer.
    assert len(np.unique(out["ids"])) <= 16 < out["ids"].size
