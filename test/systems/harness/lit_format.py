# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""lit's view of test/systems: one test for each examples/systems/NAME.mlir, run by
check_system.py with NAME.py. A module of its own because lit pickles it."""

import os

import pathlib
import sys

import lit.formats
import lit.Test
import lit.util

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "tools" / "dev"))
from systems_table import read_gaps  # noqa: E402


def names(folder, suffix):
    return {name[:-len(suffix)] for name in os.listdir(folder) if name.endswith(suffix)}


class SystemTest(lit.formats.ShTest):
    """A .py file is a system; other tests are as everywhere."""

    def __init__(self, examples):
        super().__init__(execute_external=False)
        self.examples = examples

    def getTestsForPath(self, suite, path, litConfig, localConfig):
        if path[-1].endswith(".py"):
            yield lit.Test.Test(suite, path, localConfig)
        else:
            yield from super().getTestsForPath(suite, path, litConfig, localConfig)

    def getTestsInDirectory(self, suite, path, litConfig, localConfig):
        here = suite.getSourcePath(path)
        systems = names(self.examples, ".mlir") | names(here, ".py") - {"check_system"}
        for name in sorted(systems):
            yield lit.Test.Test(suite, path + (name + ".py",), localConfig)
        for file in sorted(os.listdir(here)):
            if not file.endswith(".py"):
                yield from self.getTestsForPath(suite, path + (file,), litConfig, localConfig)

    def execute(self, test, litConfig):
        source = test.getSourcePath()
        if not source.endswith(".py"):
            return super().execute(test, litConfig)
        name = os.path.basename(source)[:-3]
        for file in (source, os.path.join(self.examples, name + ".mlir")):
            if not os.path.exists(file):
                return (lit.Test.FAIL,
                        f"{file} is missing: a system is an example and its reference")

        def check(*options):
            out, err, code = lit.util.executeCommand(
                [test.config.python, os.path.join(os.path.dirname(source), "check_system.py"), name,
                 "--work=" + os.path.join(test.config.test_exec_root, "systems", "Output"),
                 *options], env=test.config.environment)
            return code == 0, out + err

        passed, text = check()
        if name not in read_gaps(pathlib.Path(self.examples).parents[1]):
            return (lit.Test.PASS if passed else lit.Test.FAIL), text
        if passed:
            return lit.Test.FAIL, f"{name} passes: take its line out of test/systems/gaps.txt"
        passed, text = check("--interpreter-only")
        return (lit.Test.XFAIL if passed else lit.Test.FAIL), text
