# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every graph of integrations/python/examples prints its examples/systems/NAME.mlir.
With --write, writes it."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]


def main():
    old = []
    graphs = sorted((ROOT / "integrations/python/examples").glob("*.py"))
    for graph in graphs:
        text = subprocess.run([sys.executable, graph], check=True, text=True,
                              stdout=subprocess.PIPE).stdout
        path = ROOT / "examples/systems" / f"{graph.stem}.mlir"
        if not path.exists() or path.read_text() != text:
            old.append(graph.stem)
            if "--write" in sys.argv[1:]:
                path.write_text(text)
    if old and "--write" not in sys.argv[1:]:
        sys.exit(f"examples/systems: not what their graphs print: {', '.join(old)}; "
                 "run check_examples.py --write")
    print(f"{len(graphs)} graphs print their examples")


if __name__ == "__main__":
    main()
