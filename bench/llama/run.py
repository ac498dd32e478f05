#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""run.py [--models=olmoe,..] [--types=Q8_0,Q4_K] [--prompt=N] [--answer=N] [--rounds=N]
[--threads=N] [--prepare]: whole models on moec and on llama.cpp, the same GGUF file.

First the logits of both are compared. Then they take turns: a prompt is read at once
(prefill), an answer token by token (decode). An engine that waits is stopped. Prints
Markdown: tokens per second, the best of the rounds, and moec's over llama.cpp's.
"""

import argparse
import os
import pathlib
import signal
import subprocess

import model
import numpy

ROOT = pathlib.Path(__file__).resolve().parents[2]
BENCH = ROOT / "build/bench"
# Options of the compiler; int8 multiplies need weights without offsets.
ENGINES = {"Q8_0": {"llama.cpp": None, "moec": [], "moec, int8": ["--compute=int8"]},
           "Q4_K": {"llama.cpp": None, "moec": []}}
# Its threads spin between operations, which costs a lot where anything else runs.
SLEEPING = {**os.environ, "OMP_WAIT_POLICY": "passive"}
# llama.cpp rounds the rows that it multiplies to 8 bits, a block of 32 or 256 at a time,
# and keys and values to f16; so does --compute=int8 in its way. An error of some percent of
# the logits is what that costs; another model, layout or position gives more than 1.
TOLERANCE = 0.1
THREADS = len(os.sched_getaffinity(0))


class Engine:
    def __init__(self, command):
        self.process = subprocess.Popen([str(part) for part in command], text=True, env=SLEEPING,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if not self.process.stdout.readline().startswith("ready"):
            raise SystemExit(f"{command[0]} did not start")
        self.process.send_signal(signal.SIGSTOP)

    def ask(self, *commands):
        self.process.send_signal(signal.SIGCONT)
        answers = []
        for command in commands:
            self.process.stdin.write(command + "\n")
            self.process.stdin.flush()
            answers.append(self.process.stdout.readline().strip())
        if not all(answers):
            raise SystemExit("an engine ended early")
        self.process.send_signal(signal.SIGSTOP)
        return answers

    def close(self):
        self.process.send_signal(signal.SIGCONT)
        self.process.stdin.close()
        self.process.wait()


def start(path, compiling, threads):
    """The program of an engine; for moec the model is compiled, if it is newer."""
    if compiling is None:
        return Engine([BENCH / "bench-llama", path, threads])
    artifact = path.with_suffix(".int8.moe" if compiling else ".moe")
    if not artifact.exists() or artifact.stat().st_mtime < max(
            path.stat().st_mtime, (ROOT / "build/lib/libmoec.so").stat().st_mtime):
        subprocess.run([ROOT / "build/bin/moec", path, "-o", artifact, "--scope=model",
                        *compiling], check=True, stderr=subprocess.DEVNULL)
    return Engine([BENCH / "bench-moec", artifact, threads])


def compare(engines, directory):
    """The difference of each engine's logits from those of moec in f32, after a prompt and
    some tokens one by one: root mean square over that of the logits."""
    results = {}
    for name, engine in engines.items():
        file = directory / "logits.f32"
        engine.ask("prefill 40 0", "decode 3", f"save {file}")
        results[name] = numpy.fromfile(file, numpy.float32)
    expected = results["moec"]
    return {name: float(numpy.linalg.norm(result - expected) / numpy.linalg.norm(expected))
            for name, result in results.items()}


def measure(engines, options):
    """{engine: (tokens per second of prefill, of decode)}."""
    times = {name: ([], []) for name in engines}
    for turn in range(options.rounds):
        for name, engine in engines.items():
            answers = engine.ask(f"prefill {options.prompt} {turn}", f"decode {options.answer}")
            for kept, count, answer in zip(times[name], (options.prompt, options.answer), answers):
                kept.append(count / float(answer))
    return {name: tuple(max(kept) for kept in both) for name, both in times.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[1])
    names = lambda value: value.split(",")
    parser.add_argument("--models", type=names, default=list(model.MODELS))
    parser.add_argument("--types", type=names, default=list(ENGINES))
    parser.add_argument("--prompt", type=int, default=512)
    parser.add_argument("--answer", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=THREADS)
    parser.add_argument("--prepare", action="store_true", help="write and compile models only")
    options = parser.parse_args()
    directory = BENCH / "models"
    directory.mkdir(parents=True, exist_ok=True)
    if not options.prepare:
        print("| model | weights | engine | difference | prefill, tokens/s | ratio "
              "| decode, tokens/s | ratio |\n|---|---|---|---:|---:|---:|---:|---:|")
    for name in options.models:
        for kind in options.types:
            path = directory / f"{name}-{kind}.gguf"
            model.write(path, name, kind)
            engines = {engine: start(path, compiling, options.threads)
                       for engine, compiling in ENGINES[kind].items()}
            if not options.prepare:
                report(name, kind, engines, directory, options)
            for engine in engines.values():
                engine.close()


def report(name, kind, engines, directory, options):
    differences = compare(engines, directory)
    for engine, difference in differences.items():
        if not difference < TOLERANCE:
            raise SystemExit(f"{name} {kind}: the logits of {engine} differ by {difference:.3f}")
    speeds = measure(engines, options)
    base = speeds["llama.cpp"]
    for engine, speed in speeds.items():
        print(f"| {name} | {kind} | {engine} | {differences[engine]:.4f} | {speed[0]:.1f} "
              f"| {speed[0] / base[0]:.2f} | {speed[1]:.1f} | {speed[1] / base[1]:.2f} |",
              flush=True)


if __name__ == "__main__":
    main()
