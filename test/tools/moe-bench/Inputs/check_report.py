# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""check_report.py REPORT.json: checks Google Benchmark's fields and that the
counters follow from times, shapes and roofs. With TOUCHED, the number of experts
that the last benchmark must have reached."""

import json
import math
import sys

HIDDEN, INTERMEDIATE, EXPERTS, SLOTS = 256, 64, 16, 2


def main():
    with open(sys.argv[1]) as file:
        report = json.load(file)
    assert {"date", "executable", "num_cpus", "caches"} <= report["context"].keys()
    assert report["benchmarks"]
    for b in report["benchmarks"]:
        assert b["run_type"] == "iteration" and b["time_unit"] == "ms" and b["iterations"] >= 5, b
        seconds = 1e-3 * b["real_time"]
        flop = 2 * b["tokens"] * HIDDEN * (3 * SLOTS * INTERMEDIATE + EXPERTS)
        read = 2 * HIDDEN * (3 * INTERMEDIATE * b["touched_experts"] + EXPERTS)
        assert math.isclose(b["gflops"], 1e-9 * flop / seconds, rel_tol=1e-3), b
        assert math.isclose(b["gbps"], 1e-9 * read / seconds, rel_tol=1e-3), b
        assert b["roof_gflops"] > 0 and b["roof_gbps"] > 0
        fraction = max(b["gflops"] / b["roof_gflops"], b["gbps"] / b["roof_gbps"])
        assert math.isclose(b["roof_fraction"], fraction, rel_tol=1e-6), b
    if len(sys.argv) > 2:
        touched = report["benchmarks"][-1]["touched_experts"]
        assert touched == float(sys.argv[2]), touched
    print(len(report["benchmarks"]), "benchmarks are consistent")


if __name__ == "__main__":
    main()
