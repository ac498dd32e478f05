# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""MLIR text in the making: names that are settled at the end, source places."""

import json
import linecache
import os
import re
import sys

PACKAGE = os.path.dirname(os.path.abspath(__file__))
ASSIGNMENT = re.compile(r"^\s*([A-Za-z_]\w*(?:\s*,\s*[A-Za-z_]\w*)*)\s*=(?!=)")
TOKEN = re.compile("\0(\\d+)\0")


class Site:
    """A line of the user's program: the innermost frame outside this package."""

    def __init__(self):
        frame = sys._getframe(1)
        while frame.f_back and os.path.abspath(frame.f_code.co_filename).startswith(PACKAGE):
            frame = frame.f_back
        self.file = frame.f_code.co_filename
        self.line = frame.f_lineno
        self.frame = id(frame)
        self.instruction = frame.f_lasti
        self.in_lambda = frame.f_code.co_name == "<lambda>"

    def __str__(self):
        return f"loc({json.dumps(self.file)}:{self.line}:0)"

    @staticmethod
    def is_own(f):
        """Whether a function is this package's, not the user's."""
        code = getattr(f, "__code__", None)
        return code is None or os.path.abspath(code.co_filename).startswith(PACKAGE)

    def source(self):
        return linecache.getline(self.file, self.line)

    def targets(self):
        """The variables that this line assigns, in order."""
        match = None if self.in_lambda else ASSIGNMENT.match(self.source())
        return re.split(r"\s*,\s*", match[1]) if match else []

    def continues(self, other):
        """Whether this is a later step of the same run of the same line."""
        return (other is not None and (self.file, self.line) == (other.file, other.line)
                and self.frame == other.frame and self.instruction > other.instruction)


class Name:
    """The name of an SSA value. `wanted` is the user's variable; of the values that
    one line makes, the last one gets it, the others are called `plain`."""

    table = []

    def __init__(self, plain, wanted=None):
        if wanted and wanted[0].isdigit():
            wanted = "p" + wanted
        self.plain, self.wanted = plain, wanted
        self.number = len(Name.table)
        Name.table.append(self)

    def __str__(self):
        return f"\0{self.number}\0"


class Lines:
    """The lines of one function. Each is (kind, text, site): a whole operation
    (`line`), one whose regions follow (`open`), the begin of a region (`push`) and
    its end (`pop`), behind which its names are free again."""

    def __init__(self):
        self.entries = []
        self.constants = {}  # text of the constant -> Name

    def add(self, text, site=None):
        self.entries.append(("line", text, site))

    def open(self, text, site):
        self.entries.append(("open", text, site))

    def push(self):
        self.entries.append(("push", "", None))

    def pop(self, text, site=None):
        """Ends a region; `text` is its closing line."""
        self.entries.append(("pop", text, site))

    def constant(self, name, text):
        if text not in self.constants:
            self.constants[text] = Name(name)
        return self.constants[text]

    def render(self, arguments, locations):
        """(text, site) lines, indented, below the names of the function's arguments;
        with MLIR locations of the user's lines on request."""
        scopes = [{name.wanted for name in arguments}]
        settled = {name: "%" + name.wanted for name in arguments}

        def settle(match):
            name = Name.table[int(match[1])]
            if name not in settled:
                base = name.wanted or name.plain
                taken = set().union(*scopes)
                choice, count = base, 0
                while choice in taken:
                    count += 1
                    choice = f"{base}_{count}"
                scopes[-1].add(choice)
                settled[name] = "%" + choice
            return settled[name]

        prologue = [("line", f"{name} = {text}", None) for text, name in self.constants.items()]
        depth = 1
        for kind, text, site in prologue + self.entries:
            if kind == "push":
                depth += 1
                scopes.append(set())
                continue
            if kind == "pop":
                depth -= 1
                scopes.pop()
            # Block arguments stand at the level of the operation that holds them.
            indent = depth - 1 if text.startswith("^") else depth
            if locations and site and kind != "open":
                text += f" {site}"
            yield "  " * indent + TOKEN.sub(settle, text), site


def number(value, dtype="f32"):
    """A float as MLIR reads it."""
    value = float(value)
    if value in (float("inf"), float("-inf")):
        infinity = "7FF0000000000000" if dtype == "f64" else "7F800000"
        return "0x" + (infinity if value > 0 else "F" + infinity[1:])
    text = repr(value)
    mantissa, e, exponent = text.partition("e")
    return (mantissa if "." in mantissa else mantissa + ".0") + (f"e{int(exponent)}" if e else "")
