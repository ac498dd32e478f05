#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""run.py [--engines=ggml,..] [--tokens=1,..] [--rounds=N] [--threads=N] [--limit=SECONDS]
[--programs=FOLDER] [--dry-run]: an engine's own f32 MoE layer, against the same engine
with a compiled layer inside, on shape S1.

The variants of an engine run interleaved, round by round, on the same weights and
tokens. Prints Markdown: the ratio is the engine's own median time over the variant's.
A cell is left out when the last one says that a call would take over `limit` seconds.
With --dry-run the shape is tiny and each cell is timed once.
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys

import numpy

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "peers"))

import engine  # noqa: E402
import grid  # noqa: E402
import weights  # noqa: E402
from grid import Peer  # noqa: E402

MOEC = engine.ROOT / "build/bin/moec"
CHECKED_TOKENS = 8  # whose results are compared
TOLERANCE = 1e-4    # of the largest number
RANDOM = """{"layers": [{"hidden_size": %d, "intermediate_size": %d, "experts": %d,
  "router": {"top_k": %d, "normalize": "sum"}, "weights": {"random": {"seed": 1}}}]}"""
# Of each engine: its own layer, then what runs inside it.
ENGINES = {
    "ggml": (
        Peer("ggml", "f32", "embed-ggml", "f32", ("own",)),
        Peer("packed", "f32", "embed-ggml", "f32", ("packed",)),
        Peer("own layout", "f32", "embed-ggml", "f32", ("rows",))),
    "onnxruntime": (
        Peer("ONNX Runtime", "f32", "onnxruntime_layer.py", "f32"),
        Peer("packed, native", "f32", "onnxruntime_moec.py", "f32", ("native",)),
        Peer("packed, Python", "f32", "onnxruntime_moec.py", "f32",
             ("python",))),
    "transformers": (
        Peer("transformers", "f32", "transformers_layer.py", "f32", ("eager",)),
        Peer("packed", "f32", "transformers_moec.py", "f32", ("eager", "replace_moe"))),
}


def compile_layer(shape, directory, options):
    """layer.so, whose weights are handed over."""
    directory.mkdir(exist_ok=True)
    description = directory / "layer.json"
    description.write_text(RANDOM % shape)
    library = directory / "layer.so"
    compiled = subprocess.run([str(MOEC), str(description), "-o", str(library), "--emit=shared",
                               "--weights=pointers", *options], capture_output=True, text=True)
    if compiled.returncode:
        raise engine.Unavailable(compiled.stderr.strip())
    return library


class Variant(engine.Engine):
    """An engine with or without a compiled layer."""

    programs = engine.BENCH

    def _program(self):
        if self.peer.program.endswith(".py"):
            folder = HERE if (HERE / self.peer.program).exists() else HERE.parent / "peers"
            return [sys.executable, str(folder / self.peer.program)]
        program = self.programs / self.peer.program
        if not program.exists():
            raise engine.Unavailable(f"{program} is not built; run bench/embed/build.sh")
        return [str(program)]

    def _environment(self):
        integrations = engine.ROOT / "integrations"
        paths = [HERE.parent / "peers", integrations / "onnxruntime", integrations / "python"]
        return {**super()._environment(), "PYTHONPATH": os.pathsep.join(map(str, paths)),
                "MOEC_CACHE": str(engine.BENCH / "cache"),
                "MOEC_LIBRARY": str(engine.ROOT / "build/lib/libmoec.so")}

    def _prepare(self, shape, directory):
        kind = self.peer.rest[0] if self.peer.rest else ""
        if kind == "packed":
            return [kind, compile_layer(shape, directory / kind, [])]
        if kind == "rows":
            return [kind, compile_layer(shape, directory / kind,
                                        ["--disable-pass=moe-encode-weights"])]
        if self.peer.rest[1:] == ("replace_moe",):
            return [kind, MOEC]
        if kind not in ("native", "python"):
            return super()._prepare(shape, directory)
        operator = "python"
        if kind == "native":
            operator = self.programs / "libmoec_onnxruntime.so"
            if not operator.exists():
                raise engine.Unavailable(f"{operator} is not built; run bench/embed/build.sh with "
                                         "ORT_INCLUDE_DIR")
        model = directory / f"onnx-moec-{kind}"
        model.mkdir(exist_ok=True)
        self.made.append(model)
        return [model, MOEC, operator]

    def output(self, directory):
        self.resume()
        self.run(CHECKED_TOKENS, [0], 0)
        self.ask(f"save {directory / 'output.f32'}")
        self.pause()
        return numpy.fromfile(directory / "output.f32", numpy.float32)


def start(peers, shape, directory, threads):
    """The variants that can be had; none if the engine itself cannot."""
    variants = []
    for peer in peers:
        try:
            variants.append(Variant(peer, shape, directory, threads))
            print(f"{peer.name}: {variants[-1].version}", file=sys.stderr)
        except engine.Unavailable as reason:
            print(f"{peer.name} is skipped: {reason}", file=sys.stderr)
            if peer is peers[0]:
                break
    return variants


def measure(variants, options):
    """{(variant, tokens): seconds of each call}."""
    times, first = {}, 0
    for turn in range(options.rounds + 1):
        for tokens in options.tokens:
            # The first round warms up, which calls of many tokens do not need.
            if turn == 0 and tokens > 128 and not options.dry_run:
                continue
            count = 1 if options.dry_run or tokens > 128 else 9
            firsts = [(first + 977 * i) % (weights.POOL - tokens) for i in range(count)]
            first += 977 * count
            for variant in variants:
                known = [min(seconds) / size for (other, size), seconds in times.items()
                         if other is variant and size < tokens]
                # The engine itself is what others are compared with.
                if variant is not variants[0] and known and known[-1] * tokens > options.limit:
                    continue
                variant.resume()
                seconds = variant.run(tokens, firsts, turn)
                variant.pause()
                if turn:
                    # Of several calls back to back the first only warms up.
                    times.setdefault((variant, tokens), []).extend(seconds[1:] or seconds)
    return times


def report(variants, times, errors, tokens):
    rows = [["tokens", f"{variants[0].peer.name} ms"]]
    for variant in variants[1:]:
        rows[0] += [f"{variant.peer.name} ms", "ratio"]
    rows.append(["---:"] * len(rows[0]))
    for count in tokens:
        own = statistics.median(times[variants[0], count])
        row = [str(count), f"{1e3 * own:.4g}"]
        for variant in variants[1:]:
            if (variant, count) not in times:
                row += ["over the limit", ""]
                continue
            inside = statistics.median(times[variant, count])
            row += [f"{1e3 * inside:.4g}", f"{own / inside:.2f}"]
        rows.append(row)
    print("\n".join("| " + " | ".join(row) + " |" for row in rows))
    for variant in variants[1:]:
        print(f"\n{variant.peer.name}: within {errors[variant]:.1e} of "
              f"{variants[0].peer.name}'s result")
    print(flush=True)


def compare(name, peers, options):
    """Whether all results agree."""
    directory = engine.BENCH / name
    if options.dry_run:
        directory = options.programs / name
    directory.mkdir(parents=True, exist_ok=True)
    weights.write(directory, grid.SHAPES[name], "f32")
    variants = start(peers, name, directory, options.threads)
    if not variants:
        return True
    own = variants[0].output(directory)
    errors = {variant: float(abs(variant.output(directory) - own).max() / abs(own).max())
              for variant in variants[1:]}
    times = measure(variants, options)
    report(variants, times, errors, options.tokens)
    for variant in variants:
        variant.close()
    return all(error < TOLERANCE for error in errors.values())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[1])
    parser.add_argument("--engines", type=lambda text: text.split(","), default=list(ENGINES))
    parser.add_argument("--tokens", type=lambda text: [int(n) for n in text.split(",")],
                        default=[1, 8, 512, 2048])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--limit", type=float, default=30)
    parser.add_argument("--programs", type=pathlib.Path, default=engine.BENCH)
    parser.add_argument("--dry-run", action="store_true")
    options = parser.parse_args()
    name = "S1"
    if options.dry_run:
        name, options.rounds = "tiny", 1
        grid.SHAPES[name] = (64, 32, 8, 2)
        engine.WEIGHT_BYTES = 0  # one copy
    Variant.programs = options.programs
    # A list, so that each engine runs.
    agree = [compare(name, ENGINES[chosen], options) for chosen in options.engines]
    if not all(agree):
        sys.exit(f"results differ by more than {TOLERANCE}")


if __name__ == "__main__":
    main()
