#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""run.py [--shapes=S1,..] [--dtypes=f32,..] [--tokens=1,..] [--rounds=N] [--threads=N]
[--peers=TEXT,..] [--seconds=N]: one MoE layer on moec and on the engines that setup.sh
installed.

All engines of a shape and format run interleaved, round by round, on the same weights
and tokens; each call gets other tokens; the machine's roof is measured in every round.
Prints Markdown; writes build/bench/peers.json (Google Benchmark's schema) and
build/bench/peers.svg (moec's speed over each engine's). Takes about half an hour; with
--seconds=N about N seconds of calls beside the time to prepare engines: a slow cell gets
fewer rounds then (column `calls`).
"""

import argparse
import statistics
import subprocess
import sys

import grid
import numpy
import report
import weights
from engine import BENCH, Engine, Unavailable

CHECKED_TOKENS = 8  # rows whose result is compared with double precision


def calls(tokens):
    """Timed calls of one turn; before short ones there is one that is not timed."""
    return 8 if tokens <= 8 else 2 if tokens <= 128 else 1


class Roofs:
    """The machine's roof, measured again in every round; the best counts."""

    def __init__(self, threads):
        self.process = subprocess.Popen([str(BENCH / "peer-roof"), str(threads)], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.process.stdout.readline()
        self.best = {"gflops": 0.0, "gbps": 0.0, "int8": 0.0, "int4": 0.0}

    def measure(self):
        self.process.stdin.write("measure\n")
        self.process.stdin.flush()
        *numbers, self.vectors = self.process.stdout.readline().split()
        for name, number in zip(self.best, map(float, numbers)):
            self.best[name] = max(self.best[name], number)


def start(peers, shape, directory, threads):
    engines = []
    for peer in peers:
        try:
            engines.append(Engine(peer, shape, directory, threads))
            print(f"{shape} {peer.dtype} {peer.name}: {engines[-1].version}", file=sys.stderr)
        except Unavailable as reason:
            print(f"{shape} {peer.dtype} {peer.name} is skipped: {reason}", file=sys.stderr)
    return engines


def measure(engines, reference, options, seconds, roofs):
    """{(engine, tokens): (seconds of each call, experts hit by each)}. A cell whose calls
    took more than its share of `seconds` gets no more rounds."""
    times, spent = {}, {}
    share = seconds / max(1, len(engines) * len(options.tokens))
    first = 0
    for turn in range(options.rounds + 1):
        roofs.measure()
        for tokens in options.tokens:
            # The first round only warms up, which calls of many tokens do not need.
            if turn == 0 and tokens > 128:
                continue
            for engine in list(engines):
                cell = engine, tokens
                if cell in times and spent[cell] > share:
                    continue
                warm = turn > 0 and tokens <= 128
                count = calls(tokens) + warm
                firsts = [(first + 977 * i) % (weights.POOL - tokens) for i in range(count)]
                first += 977 * count
                engine.resume()
                try:
                    # Back to back, as layers follow one another: threads that wait sleep.
                    durations = engine.run(tokens, firsts, turn)
                except Unavailable as reason:
                    print(f"{engine.peer.name} ended at {tokens} tokens: {reason}",
                          file=sys.stderr)
                    engines.remove(engine)
                    continue
                engine.pause()
                if turn == 0:
                    continue
                for duration, row in list(zip(durations, firsts))[warm:]:
                    hit = len(numpy.unique(reference.route(row, tokens)[0]))
                    times.setdefault(cell, []).append((duration, hit))
                    spent[cell] = spent.get(cell, 0) + duration
    return times


def get_error(engine, reference, directory):
    """Root mean square of the error over that of the result in double precision."""
    file = directory / "output.f32"
    engine.resume()
    engine.run(CHECKED_TOKENS, [0], 0)
    _, memory = engine.ask(f"save {file}", "memory")
    expected = reference.output(0, CHECKED_TOKENS)
    output = numpy.fromfile(file, numpy.float32).reshape(expected.shape)
    return float(numpy.linalg.norm(output - expected) / numpy.linalg.norm(expected)), float(memory)


def run_cell_group(shape, peers, options, seconds, roofs):
    directory = BENCH / shape
    directory.mkdir(parents=True, exist_ok=True)
    for precision in ("f32", "bf16"):
        weights.write(directory, grid.SHAPES[shape], precision)
    reference = weights.Reference(directory, grid.SHAPES[shape])
    engines = start(peers, shape, directory, options.threads)
    times = measure(engines, reference, options, seconds, roofs)
    results = []
    for engine in engines:
        error, memory = get_error(engine, reference, directory)
        for tokens in options.tokens:
            seconds, hits = zip(*times[engine, tokens])
            results.append(report.Result(engine.peer, shape, tokens, min(seconds),
                                         statistics.median(seconds), statistics.mean(hits),
                                         len(seconds), memory, error))
        engine.close()
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[1])
    names = lambda text: text.split(",")
    parser.add_argument("--shapes", type=names, default=list(grid.SHAPES))
    parser.add_argument("--dtypes", type=names, default=["f32", "bf16", "int8", "int4"])
    parser.add_argument("--tokens", type=lambda text: [int(n) for n in text.split(",")],
                        default=list(grid.TOKENS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--peers", type=names, default=[""],
                        help="only engines whose name holds one of these texts")
    parser.add_argument("--seconds", type=float, default=float("inf"),
                        help="about so many seconds of calls, all shapes and formats together")
    options = parser.parse_args()
    seconds = options.seconds / (len(options.shapes) * len(options.dtypes))
    roofs = Roofs(options.threads)
    results = []
    for shape in options.shapes:
        for dtype in options.dtypes:
            peers = [peer for peer in grid.PEERS if peer.dtype == dtype
                     and any(text in peer.name for text in options.peers)]
            group = run_cell_group(shape, peers, options, seconds, roofs)
            results += group
            print(report.table(group, roofs.best), flush=True)
    print(report.roof_line(roofs, options.threads))
    report.write_json(results, roofs, BENCH / "peers.json")
    report.write_picture(results, BENCH / "peers.svg")


if __name__ == "__main__":
    main()
