#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes docs/generated from the descriptions in the .td files and from the
examples of systems.

gen_docs.py           writes the pages
gen_docs.py --check   fails when a page is not what its sources say
"""

import pathlib
import subprocess
import sys

from systems_table import table

ROOT = pathlib.Path(__file__).resolve().parents[2]
LLVM = pathlib.Path("/usr/lib/llvm-22")
# Page -> source, generator.
PAGES = {
    "moe.md": ("dialects/moe/Moe.td", ["-gen-dialect-doc", "-dialect=moe"]),
    "grouped.md": ("dialects/grouped/Grouped.td", ["-gen-dialect-doc", "-dialect=grouped"]),
    "transformer.md": ("dialects/transformer/Transformer.td",
                       ["-gen-dialect-doc", "-dialect=transformer"]),
    "passes.md": ("passes/Passes.td", ["-gen-pass-doc"]),
    "cpu-passes.md": ("codegen/cpu/Passes.td", ["-gen-pass-doc"]),
    "cuda-passes.md": ("codegen/cuda/Passes.td", ["-gen-pass-doc"]),
}


def generate(source, generator):
    command = [LLVM / "bin/mlir-tblgen", *generator, source, "-I", LLVM / "include", "-I", "."]
    text = subprocess.run(command, cwd=ROOT, check=True, text=True,
                          stdout=subprocess.PIPE).stdout
    # Trailing blanks would differ between editors.
    return "\n".join(line.rstrip() for line in text.splitlines()).strip() + "\n"


def main():
    folder = ROOT / "docs/generated"
    folder.mkdir(parents=True, exist_ok=True)
    stale = []
    texts = {page: generate(*how) for page, how in PAGES.items()}
    texts["systems.md"] = table(ROOT)
    for page, text in texts.items():
        path = folder / page
        if path.exists() and path.read_text() == text:
            continue
        if "--check" in sys.argv[1:]:
            stale.append(page)
        else:
            path.write_text(text)
    for page in stale:
        source = PAGES[page][0] if page in PAGES else "examples/systems"
        print(f"docs/generated/{page}: older than {source}; "
              "run python3 tools/dev/gen_docs.py", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
