#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""run.py [--graphs=lora,..] [--tokens=8,512] [--rounds=N] [--threads=N]
[--programs=FOLDER] [--dry-run]: ways of routing beyond top-k (graphs.py), compiled, against
the same computed expert by expert with OpenBLAS (openblas.cpp).

Both run interleaved, round by round, on the same weights and tokens; each call gets
other tokens; weights come from memory. Results are compared before. Prints Markdown:
the ratio is OpenBLAS's median time over the compiled graph's. Build the programs with
bench/routings/build.sh. With --dry-run graphs are 64 wide and timed once.
"""

import argparse
import json
import pathlib
import shutil
import statistics
import subprocess
import sys

import numpy

HERE = pathlib.Path(__file__).resolve().parent
sys.path += [str(HERE.parent / "peers"), str(HERE.parents[1] / "integrations/python")]

import engine  # noqa: E402
import graphs  # noqa: E402
import grid  # noqa: E402
import weights  # noqa: E402

MOEC = engine.ROOT / "build/bin/moec"
TOLERANCE = 1e-4  # of the largest number: both sum up in f32
PEERS = (grid.Peer("moec", "f32", "moec", "f32"),
         grid.Peer("OpenBLAS", "f32", "routings", "f32"))


def write_weights(directory, layer):
    """weights-f32.safetensors in the order of layer.parameters, and tokens.f32."""
    rng = numpy.random.default_rng(1)
    header, values, offset = {}, [], 0
    for name, shape in layer.parameters:
        scale = (2 if name == "router" else 1) / shape[-1] ** 0.5
        values.append(rng.standard_normal(shape, dtype=numpy.float32) * numpy.float32(scale))
        end = offset + values[-1].nbytes
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode().ljust(weights.HEADER - 8)
    with open(directory / "weights-f32.safetensors", "wb") as out:
        out.write(len(text).to_bytes(8, "little") + text)
        for value in values:
            value.tofile(out)
    width = layer.x.shape[1]
    rng.standard_normal((weights.POOL, width), dtype=numpy.float32).tofile(directory / "tokens.f32")
    return offset


class Program(engine.Engine):
    """peer-moec with the compiled graph, or peer-routings with its name."""

    programs = engine.BENCH

    def _prepare(self, shape, directory):
        if not self.peer.is_moec:
            return [directory.name]
        artifact = directory / "graph.moe"
        compiled = subprocess.run([str(MOEC), str(directory / "graph.mlir"), "-o", str(artifact)],
                                  capture_output=True, text=True)
        if compiled.returncode:
            raise engine.Unavailable(compiled.stderr.strip())
        artifacts = [artifact]
        for copy in range(1, self.copies):
            artifacts.append(artifact.with_suffix(f".{copy}.moe"))
            shutil.copy(artifact, artifacts[-1])
        return artifacts

    def _program(self):
        program = self.programs / f"peer-{self.peer.program}"
        if not program.exists():
            raise engine.Unavailable(f"{program} is not built; run bench/routings/build.sh")
        return [str(program)]

    def output(self, directory, tokens, width):
        self.resume()
        self.run(tokens, [0], 0)
        self.ask(f"save {directory / 'output.f32'}")
        self.pause()
        return numpy.fromfile(directory / "output.f32", numpy.float32).reshape(tokens, width)


def measure(programs, options):
    """{(program, tokens): seconds of each call}."""
    times, first = {}, 0
    for turn in range(options.rounds + 1):
        for tokens in options.tokens:
            count = 1 if options.dry_run else 9 if tokens <= 128 else 4
            firsts = [(first + 977 * i) % (weights.POOL - tokens) for i in range(count)]
            first += 977 * count
            for program in programs:
                program.resume()
                seconds = program.run(tokens, firsts, turn)
                program.pause()
                # The first round, and the first of several calls, only warm up.
                if turn:
                    times.setdefault((program, tokens), []).extend(seconds[1:] or seconds)
    return times


def compare(name, options):
    """Prints the rows of a graph; whether the results agree."""
    width = 64 if options.dry_run else 1024
    layer = graphs.GRAPHS[name](width)
    directory = options.programs / "routings" / name
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    layer.graph.write(directory / "graph.mlir")
    size = write_weights(directory, layer)
    # As Engine counts the bytes of one copy of a layer.
    grid.SHAPES[name] = (width, max(1, size // (12 * width)), 1, 1)
    programs = [Program(peer, name, directory, options.threads) for peer in PEERS]
    agree = True
    for tokens in options.tokens:
        ours, theirs = (program.output(directory, tokens, width) for program in programs)
        error = float(abs(ours - theirs).max() / abs(theirs).max())
        agree = agree and error <= TOLERANCE
        print(f"{name}, {tokens} tokens: within {error:.1e} of OpenBLAS", file=sys.stderr)
    times = measure(programs, options)
    for tokens in options.tokens:
        ours, theirs = (times[program, tokens] for program in programs)
        ratio = statistics.median(theirs) / statistics.median(ours)
        cells = [1e3 * f(t) for t in (ours, theirs) for f in (min, statistics.median)]
        print(f"| {name} | {tokens} | " + " | ".join(f"{cell:.4g}" for cell in cells)
              + f" | {ratio:.2f} |", flush=True)
    for program in programs:
        program.close()
    shutil.rmtree(directory)
    return agree


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[1])
    names = lambda text: text.split(",")
    parser.add_argument("--graphs", type=names, default=list(graphs.GRAPHS))
    parser.add_argument("--tokens", type=lambda text: [int(n) for n in text.split(",")],
                        default=[8, 512])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--programs", type=pathlib.Path, default=engine.BENCH)
    parser.add_argument("--dry-run", action="store_true")
    options = parser.parse_args()
    Program.programs = options.programs
    if options.dry_run:
        options.rounds, engine.WEIGHT_BYTES = 1, 0  # one copy
    print("| graph | tokens | moec best ms | median | OpenBLAS best ms | median | ratio |\n"
          "|---|---:|---:|---:|---:|---:|---:|")
    # A list, so that each graph runs.
    if not all([compare(name, options) for name in options.graphs]):
        sys.exit(f"results differ by more than {TOLERANCE}")


if __name__ == "__main__":
    main()
