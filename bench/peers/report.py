# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What run.py measured, as Markdown, JSON and a picture."""

import dataclasses
import datetime
import json
import os

import grid


@dataclasses.dataclass(frozen=True)
class Result:
    """One engine in one cell; times in seconds."""
    peer: grid.Peer
    shape: str
    tokens: int
    best: float
    median: float
    experts_hit: float
    calls: int
    peak_mib: float
    error: float

    def fraction(self, roof):
        return grid.fraction_of_roof(self.peer, self.shape, self.tokens, self.experts_hit,
                                     self.best, roof)

    @property
    def gflops(self):
        return grid.operations(self.shape, self.tokens) / self.best * 1e-9

    @property
    def gbps(self):
        return self.experts_hit * grid.expert_bytes(self.shape, self.peer.dtype) / self.best * 1e-9


def fastest_moec(results, shape, dtype, tokens):
    """moec's result with the lowest median in a cell, or None."""
    own = [r for r in results if r.peer.is_moec
           and (r.shape, r.peer.dtype, r.tokens) == (shape, dtype, tokens)]
    return min(own, key=lambda r: r.median, default=None)


def ratio(results, result):
    """How many times faster moec is (medians), or None."""
    own = fastest_moec(results, result.shape, result.peer.dtype, result.tokens)
    return result.median / own.median if own else None


def table(results, roof):
    if not results:
        return ""
    lines = [f"\n### {results[0].shape} {results[0].peer.dtype}\n",
             "| engine | tokens | calls | best ms | median ms | GFLOP/s | GB/s | % of roof | time / moec's"
             " | error | peak MiB |",
             "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"]
    for r in sorted(results, key=lambda r: (r.tokens, not r.peer.is_moec)):
        times = ratio(results, r)
        lines.append(
            f"| {r.peer.name} | {r.tokens} | {r.calls} | {r.best * 1e3:.2f} | {r.median * 1e3:.2f} | "
            f"{r.gflops:.1f} | {r.gbps:.1f} | {100 * r.fraction(roof):.0f} | "
            f"{f'{times:.2f}' if times else '-'} | {r.error:.1e} | {r.peak_mib:.0f} |")
    return "\n".join(lines)


def roof_line(roofs, threads):
    best = roofs.best
    return (f"\nRoof of this run, {threads} threads, {roofs.vectors}: {best['gflops']:.0f} GFLOP/s,"
            f" {best['gbps']:.1f} GB/s, {best['int8']:.0f} int8 GOP/s, {best['int4']:.0f} int4"
            " GOP/s (sums in 16 bits).")


def write_json(results, roofs, path):
    """Google Benchmark's schema."""
    context = {"date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
               "num_cpus": os.cpu_count(), "vectors": roofs.vectors, "roof": roofs.best}
    benchmarks = []
    for r in results:
        name = f"{r.shape}/{r.peer.dtype}/{r.peer.name}/{r.tokens}"
        benchmarks.append({
            "name": name + "_median", "run_name": name, "run_type": "aggregate",
            "aggregate_name": "median", "iterations": r.calls, "time_unit": "ms",
            "real_time": r.median * 1e3, "cpu_time": r.median * 1e3, "best_ms": r.best * 1e3,
            "gflops": r.gflops, "gbps": r.gbps, "fraction_of_roof": r.fraction(roofs.best),
            "peak_mib": r.peak_mib, "error": r.error,
            "time_over_moec": ratio(results, r)})
    path.write_text(json.dumps({"context": context, "benchmarks": benchmarks}, indent=1))


def write_picture(results, path):
    """One plot a shape and format: time over moec's by tokens, one line an engine."""
    import matplotlib
    matplotlib.use("svg")
    from matplotlib import pyplot

    shapes = sorted({r.shape for r in results})
    dtypes = [d for d in ("f32", "bf16", "int8", "int4")
              if any(r.peer.dtype == d for r in results)]
    if not results:
        return
    figure, axes = pyplot.subplots(len(shapes), len(dtypes), squeeze=False, sharex=True,
                                   figsize=(3.6 * len(dtypes), 2.8 * len(shapes)))
    for row, shape in enumerate(shapes):
        for column, dtype in enumerate(dtypes):
            plot = axes[row][column]
            plot.set_title(f"{shape} {dtype}", fontsize=9)
            cell = [r for r in results if (r.shape, r.peer.dtype) == (shape, dtype)]
            for name in dict.fromkeys(r.peer.name for r in cell if not r.peer.is_moec):
                points = [(r.tokens, ratio(results, r)) for r in cell if r.peer.name == name]
                points = [point for point in points if point[1]]
                if points:
                    plot.plot(*zip(*points), marker=".", label=name)
            plot.axhline(1, color="black", linewidth=0.8)
            plot.set_xscale("log", base=2)
            plot.set_yscale("log", base=2)
            plot.legend(fontsize=6)
    figure.supxlabel("tokens")
    figure.supylabel("time / moec's time")
    figure.tight_layout()
    figure.savefig(path)
