# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""report.py FOLDER: the arithmetic of bench/peers without running an engine."""

import json
import pathlib
import sys
import tempfile
import types

sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])

import grid  # noqa: E402
import report  # noqa: E402

ROOF = {"gflops": 200.0, "gbps": 20.0, "int8": 400.0, "int4": 600.0}
MOEC, GGML = grid.PEERS[0], grid.PEERS[1]


def result(peer, tokens, seconds):
    return report.Result(peer, "S1", tokens, seconds, 2 * seconds, 8.0, 5, 100.0, 1e-6)


# One token reads eight experts of 3 * 2048 * 1024 f32 weights: 201326592 bytes.
decode = result(MOEC, 1, 201326592 / 20e9)
assert abs(decode.fraction(ROOF) - 1) < 1e-9, decode.fraction(ROOF)
assert abs(decode.gbps - 20) < 1e-9
# 2048 tokens need 6 * 2048 * 8 * 2048 * 1024 operations.
prefill = result(MOEC, 2048, 2 * 206158430208 / 200e9)
assert abs(prefill.fraction(ROOF) - 0.5) < 1e-9
assert abs(prefill.gflops - 100) < 1e-9
# Blocks of 32 4-bit weights take 18 bytes, and integer kernels have their own roof.
assert grid.expert_bytes("S1", "int4") == 3 * 2048 * 1024 * 18 // 32
integer = next(p for p in grid.PEERS if p.dtype == "int4" and p.integer)
assert abs(report.Result(integer, "S1", 2048, 206158430208 / 600e9, 1, 8, 5, 1, 0)
           .fraction(ROOF) - 1) < 1e-9

slower = result(GGML, 1, 3 * decode.best)
results = [decode, slower]
assert abs(report.ratio(results, slower) - 3) < 1e-9
assert report.ratio([slower], slower) is None
assert "| ggml | 1 |" in report.table(results, ROOF)
with tempfile.TemporaryDirectory() as directory:
    path = pathlib.Path(directory) / "peers.json"
    report.write_json(results, types.SimpleNamespace(best=ROOF, vectors="avx2"), path)
    written = json.loads(path.read_text())
assert [b["run_name"] for b in written["benchmarks"]] == ["S1/f32/moec/1", "S1/f32/ggml/1"]
assert abs(written["benchmarks"][1]["time_over_moec"] - 3) < 1e-9
