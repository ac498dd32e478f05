# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Ways to run an example: compiled by moec, or in the reference interpreter."""

import json
import pathlib
import re
import shutil
import struct
import subprocess
import sys

import numpy as np

import interpreter

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "e2e"))
from compare import load  # noqa: E402

NAMES = {"f8": "F64", "f4": "F32", "f2": "F16", "i8": "I64", "i4": "I32", "b1": "BOOL"}


class Failure(Exception):
    """A program failed or numbers differ."""


def save(path, tensors):
    """Writes arrays as safetensors; doubles become f32, wide integers i32."""
    header, blobs, offset = {}, [], 0
    for name, value in tensors.items():
        value = np.asarray(value)
        narrow = {"f8": np.float32, "i8": np.int32}.get(value.dtype.str[1:], value.dtype)
        value = value.astype(narrow, order="C")
        blob = value.tobytes()
        header[name] = {"dtype": NAMES[value.dtype.str[1:]], "shape": list(value.shape),
                        "data_offsets": [offset, offset + len(blob)]}
        offset += len(blob)
        blobs.append(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def call(*command):
    done = subprocess.run([str(word) for word in command], text=True, timeout=120,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        raise Failure(f"{' '.join(map(str, command))}: exit code {done.returncode}\n"
                      f"{done.stdout.strip()}")
    return done.stdout


def machine_level():
    """The best x86-64 level that this machine runs."""
    flags = set(re.search(r"^flags.*$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)[0].split())
    wide = {"avx512f", "avx512bw", "avx512vl", "avx512dq", "avx512cd"}
    return "x86-64-v4" if wide <= flags else "x86-64-v3"


class Compiled:
    """Code for one example and one set of parameter values."""

    def __init__(self, example, params, work, options=()):
        self.example, self.params, self.work = example, params, work
        self.options = options
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        save(work / "params.safetensors", params)
        (work / "source.mlir").write_text(example.with_file("params.safetensors"))
        self.artifact = work / "system.moe"
        call("moec", work / "source.mlir", "-o", self.artifact, "--verify-each",
             f"--target=cpu:{machine_level()}", *options)

    def run(self, function, inputs, *options):
        save(self.work / "in.safetensors", inputs)
        out = self.work / "out.safetensors"
        call("moe-run", self.artifact, f"--function={function}", f"--output={out}",
             "--outputs=" + ",".join(self.example.results(function)),
             *(f"--input={name}={self.work}/in.safetensors:{name}" for name in inputs), *options)
        return load(out)

    def run_all(self, function, inputs):
        """Yields (what, outputs) of each way to run it."""
        one = self.run(function, inputs, "--threads=1")
        yield "compiled", one
        two = self.run(function, inputs, "--threads=2")
        for name, value in one.items():
            if value.tobytes() != two[name].tobytes():
                raise Failure(f"@{function}: {name} depends on the number of threads")
        yield "interpreted", self.run(function, inputs, "--reference")

    def with_params(self, params):
        """(program, options of run) for other parameter values."""
        fixed = {name: value for name, value in params.items()
                 if not self.example.is_mutable(name)}
        program = self
        if fixed:
            program = Compiled(self.example, {**self.params, **fixed},
                               self.work / "other", self.options)
        options = []
        for name in params.keys() - fixed.keys():
            save(self.work / f"{name}.safetensors", {name: params[name]})
            options.append(f"--set={name}={self.work}/{name}.safetensors:{name}")
        return program, options

    def taps(self, function, inputs):
        program = Compiled(self.example, self.params, self.work / "taps", ("--tap=*",))
        found = {}
        for name in set(re.findall(r'moe\.tap "([^"]+)"', self.example.text)):
            file = program.work / "tap.safetensors"
            try:
                program.run(function, inputs, f"--tap={name}={file}")
            except Failure as failure:
                if "recorded no such" not in str(failure):
                    raise
                continue
            found[name] = load(file)[name]
        return found


class Interpreted:
    """The reference interpreter alone."""

    def __init__(self, example, params, work):
        self.example, self.params, self.work = example, params, work
        work.mkdir(parents=True, exist_ok=True)
        (work / "source.mlir").write_text(example.with_file("params.safetensors"))
        call("moe-opt", "--moe-verify-input", "--emit-bytecode", work / "source.mlir",
             "-o", work / "source.mlirbc")
        self.bytecode = (work / "source.mlirbc").read_bytes()

    def run(self, function, inputs, params=None):
        return self._run(function, inputs, params)[0]

    def _run(self, function, inputs, params=None):
        arguments = [inputs[name] for name in self.example.arguments(function)]
        try:
            return interpreter.run(self.bytecode, function, arguments, params or self.params)
        except interpreter.Error as error:
            raise Failure(f"@{function}: {error}") from None

    def run_all(self, function, inputs):
        yield "interpreted", self.run(function, inputs)

    def with_params(self, params):
        return self, [{**self.params, **params}]

    def taps(self, function, inputs):
        return self._run(function, inputs)[1]


class Run:
    """What a system's properties call."""

    def __init__(self, programs):
        self.programs = programs
        self.params = programs.params
        self.example = programs.example

    def __call__(self, inputs, params=None, function="main"):
        types = {name: value.dtype for name, value in self.params.items()}
        params = {name: np.asarray(value, types[name]) for name, value in (params or {}).items()}
        program, options = self.programs.with_params(params)
        return program.run(function, inputs, *options)

    def taps(self, inputs, function="main"):
        return self.programs.taps(function, inputs)

    def stored_parameters(self):
        """Each stored array of the artifact: name, dims, size in bytes and so on."""
        return json.loads(call("moe-inspect", self.programs.artifact, "--json"))["parameters"]

    def phase(self, name):
        """The IR after a phase of the compiler: "moe" or "grouped"."""
        folder = self.programs.work / "phases"
        call("moec", self.example.path, "-o", self.programs.work / "phases.moe",
             f"--target=cpu:{machine_level()}", f"--dump-phases={folder}")
        return next(folder.glob(f"*-{name}.mlir")).read_text()
