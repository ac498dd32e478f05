# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The table of published systems in docs/generated/systems.md, read from the
examples themselves. That an example passes is what lit says: test/systems runs
every one, and the ones of test/systems/gaps.txt must not pass."""

import re

HEADING = """# Systems

Published MoE systems in the language of the [`moe` dialect](moe.md). Each is one file of
[`examples/systems`](../../examples/systems), tested by `test/systems`: compiled code and
the reference interpreter against an independent numpy implementation of the system's
equations, within `1e-5 + 1e-5 * |expected|`, on several sizes, and the system's own
promises. A name that ends in `-style` marks a point that is not verified against the
paper. {passing} of {count} pass.

| system | parts of the language | result |
|---|---|---|
"""
# Text -> what it shows that the example uses, beyond operations and policies.
FEATURES = [
    (r"members = \[[^\]]*-1", "null experts"),
    (r"members = \[(?![^\]]*\b0[^\]]*\b0)[^\]]*1", "experts of different kinds"),
    (r"moe\.plan by_expert", "plan by expert"),
    (r"moe\.weigh \w+[^\n]*scale", "scaled weights"),
    (r"\bmask\(", "mask"),
    (r"\bsegments\(", "segments"),
    (r"ml_program\.global private mutable", "parameters set between calls"),
    (r"#moe\.expr<(\w+)", None),
    (r"moe\.combine replace", "replace"),
    (r"scf\.(for|if|while)\b", None),
]


def constructs(text):
    """Names of the parts of the language that an example uses."""
    code = re.sub(r"//.*", "", text)
    found = [f"`{name}`" for name in sorted(set(re.findall(r"#moe\.(?!source|random|expr)(\w+)<", code)))]
    found += [f"weigh `{norm}`" for norm in sorted(set(re.findall(r"moe\.weigh (\w+)", code)))]
    found += [f"limit `{order}`" for order in sorted(set(re.findall(r"moe\.limit (\w+)", code)))]
    for name in ("select_tokens", "slots", "rows", "tap"):
        if re.search(rf"moe\.{name}\b", code):
            found.append(f"`{name}`")
    if re.search(r"moe\.plan\b", code) and not re.search(r"moe\.select", code):
        found.append("given ids")
    for pattern, name in FEATURES:
        matches = sorted(set(re.findall(pattern, code)))
        if matches:
            found += [name] if name else [f"`{match}`" for match in matches]
    for function in re.split(r"(?=func\.func)", code)[1:]:
        plans = re.findall(r"moe\.experts (%[\w.]+)", function)
        if len(set(plans)) < len(plans) and "several banks of one plan" not in found:
            found.append("several banks of one plan")
    functions = len(re.findall(r"func\.func (?!private)", code))
    if functions > 1:
        found.append(f"{functions} functions")
    return found


def header(text):
    lines = []
    for line in text.splitlines():
        if not line.startswith("//"):
            break
        lines.append(line[2:].strip())
    return "\n".join(lines)


def read_gaps(root):
    """NAME -> why its compiled code does not pass."""
    gaps = {}
    for line in (root / "test/systems/gaps.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, reason = line.split(": ", 1)
            gaps[name] = reason
    return gaps


def table(root):
    """The page's text."""
    gaps = read_gaps(root)
    rows = []
    for path in sorted((root / "examples/systems").glob("*.mlir")):
        text = path.read_text()
        # The header begins with the system's name, as far as the colon.
        title = " ".join(header(text).split(": ")[0].split())
        source = " ".join(header(text).partition("Source: ")[2].split("\n\n")[0].split())
        result = f"interpreter only: {gaps[path.stem]}" if path.stem in gaps else "pass"
        rows.append(f"| [{title}](../../examples/systems/{path.name})<br>{source} | "
                    f"{', '.join(constructs(text)) or 'ordinary computation'} | {result} |\n")
    return HEADING.format(count=len(rows), passing=len(rows) - len(gaps)) + "".join(rows)
