# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The Python side of Peer.h: the same command line and conversation."""

import resource
import sys
import time

import numpy


class Layer:
    """Command line: WEIGHTS TOKENS HIDDEN INTERMEDIATE EXPERTS TOP_K FORMAT THREADS
    COPIES, then what one program alone needs. Weights are f32 arrays."""

    def __init__(self):
        (weights, tokens, hidden, intermediate, experts, top_k, self.format, threads,
         copies) = sys.argv[1:10]
        self.rest = sys.argv[10:]
        self.hidden, self.intermediate = int(hidden), int(intermediate)
        self.experts, self.top_k = int(experts), int(top_k)
        self.threads, self.copies = int(threads), int(copies)
        d, f, e = self.hidden, self.intermediate, self.experts
        self.tokens = numpy.memmap(tokens, numpy.float32, "r").reshape(-1, d)
        data = numpy.memmap(weights, numpy.float32, "r", offset=4096)
        sizes = [e * d, e * f * d, e * f * d, e * d * f]
        ends = numpy.cumsum(sizes)
        parts = [data[end - size:end] for size, end in zip(sizes, ends)]
        self.router = parts[0].reshape(e, d)
        self.gate, self.up = parts[1].reshape(e, f, d), parts[2].reshape(e, f, d)
        self.down = parts[3].reshape(e, d, f)


def converse(layer, version, prepare, compute):
    """`prepare(tokens)` makes the input that `compute(input, copy)` is timed with; the
    output is what numpy can read."""
    output = None
    print("ready", version, flush=True)
    for line in sys.stdin:
        command, *arguments = line.split()
        if command == "run":
            tokens, first, copy = map(int, arguments)
            given = prepare(numpy.array(layer.tokens[first:first + tokens]))
            begin = time.perf_counter()
            output = compute(given, copy % layer.copies)
            print(f"{time.perf_counter() - begin:.9f}", flush=True)
        elif command == "save":
            numpy.asarray(output, numpy.float32).tofile(arguments[0])
            print("saved", flush=True)
        elif command == "memory":
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(f"{peak:.1f}", flush=True)
        else:
            sys.exit(f"cannot read the command {line!r}")
