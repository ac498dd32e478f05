# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""docs/write-your-own-router.md says what is so: its Python runs and gives the text
and the message that it shows, its C++ is that of the policy it names, and a
compiler that has this policy accepts the last graph."""

import contextlib
import io
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
os.chdir(sys.argv[1])
page = (ROOT / "docs/write-your-own-router.md").read_text()
blocks = re.findall(r"```(\w+)\n(.*?)```", page, re.S)
namespace, printed, texts = {}, io.StringIO(), []
for number, (language, block) in enumerate(blocks):
    if language == "python":
        # A file, so that errors can quote its lines.
        path = pathlib.Path(f"block{number}.py")
        path.write_text(block)
        with contextlib.redirect_stdout(printed):
            exec(compile(block, str(path), "exec"), namespace)
        texts.append(namespace["g"].text())
    elif language == "mlir":
        for line in block.splitlines():
            assert any(line in text for text in texts), f"no graph prints {line}"
    elif language == "text":
        assert block in printed.getvalue(), printed.getvalue()
    elif language == "cpp":
        assert block in (ROOT / "test/lib/TestPolicy.cpp").read_text(), block
assert os.path.getsize("router.moe") > 0
pathlib.Path("bottom_k.mlir").write_text(texts[-1])
subprocess.run(["moec-test-opt", "bottom_k.mlir", "-o", os.devnull], check=True)
print(f"{len(blocks)} blocks are so")
