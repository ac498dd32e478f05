# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs moec and moe-opt on a graph's text and brings their messages home."""

import linecache
import os
import re
import subprocess
import tempfile

from .graph import GraphError

MESSAGE = re.compile(r"^(?P<file>[^:\n]+):(?P<line>\d+):\d+: error: (?P<text>.*)$", re.M)


def run(graph, command):
    lines = list(graph.lines(locations=True))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "graph.mlir")
        with open(path, "w") as file:
            file.writelines(line + "\n" for line, _ in lines)
        done = subprocess.run([command[0], path, *command[1:]], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode == 0:
        return
    match = MESSAGE.search(done.stdout)
    if not match:
        raise GraphError(f"{command[0]}: exit code {done.returncode}: {done.stdout.strip()}")
    file, line = match["file"], int(match["line"])
    if file == path:
        # Not from an operation's location: MLIR did not get that far with the text.
        sites = [site for _, site in lines[:line] if site]
        if not sites:
            raise GraphError(match["text"])
        file, line = sites[-1].file, sites[-1].line
    raise GraphError(match["text"], file, line, linecache.getline(file, line))
