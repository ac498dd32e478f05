# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""One running program of the comparison. It is stopped (SIGSTOP) whenever it is not its
turn, since several engines let their threads spin for a while after a call."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys

import grid

ROOT = pathlib.Path(__file__).resolve().parents[2]
BENCH = ROOT / "build/bench"
# Copies of a layer that is small make its weights come from memory, not from a cache.
WEIGHT_BYTES = 512 << 20
DESCRIPTION = """{"layers": [{"name": "layers.0", "hidden_size": %d, "intermediate_size": %d,
  "experts": %d, "router": {"top_k": %d, "normalize": "sum"},
  "weights": {"tensors": {"file": "%s", "router": "router", "gate": "gate", "up": "up",
                          "down": "down"}}}]}"""


class Unavailable(Exception):
    """The program cannot be run here; the text says why."""


class Engine:
    def __init__(self, peer, shape_name, directory, threads):
        self.peer = peer
        shape = grid.SHAPES[shape_name]
        total = shape[2] * grid.expert_bytes(shape_name, peer.dtype)
        self.copies = max(1, -(-WEIGHT_BYTES // total))
        command = self._program()
        self.made = []  # files and folders that close() removes
        log = directory / (peer.name.replace(" ", "-") + f"-{peer.dtype}.log")
        rest = self._prepare(shape, directory)
        self.log = log
        self.process = subprocess.Popen(
            command + [str(a) for a in (directory / "weights-f32.safetensors",
                                        directory / "tokens.f32", *shape, peer.format, threads,
                                        self.copies, *rest)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=open(log, "w"), text=True,
            env=self._environment())
        answer = self.process.stdout.readline()
        if not answer.startswith("ready"):
            raise Unavailable(self._last_words())
        self.version = answer[6:].strip()
        self.pause()

    def _program(self):
        if self.peer.program.endswith(".py"):
            return [sys.executable, str(pathlib.Path(__file__).parent / self.peer.program)]
        program = BENCH / f"peer-{self.peer.program}"
        if not program.exists():
            raise Unavailable(f"{program} is not built; run bench/peers/setup.sh")
        return [str(program)]

    def _environment(self):
        cuda = "/usr/local/cuda/lib64"  # PyTorch links its libraries, though nothing runs there
        return {**os.environ, "LD_LIBRARY_PATH": cuda, "TOKENIZERS_PARALLELISM": "false"}

    def _prepare(self, shape, directory):
        """The rest of the command line; for moec after compiling."""
        if self.peer.program == "onnxruntime_layer.py":
            model = directory / f"onnx-{self.peer.format}-{'-'.join(self.peer.rest)}"
            model.mkdir(exist_ok=True)
            self.made.append(model)
            return [model, *self.peer.rest]
        if not self.peer.is_moec:
            return self.peer.rest
        dtype = "bf16" if self.peer.format == "bf16" else "f32"
        description = directory / f"layer-{dtype}.json"
        description.write_text(DESCRIPTION % (*shape, f"weights-{dtype}.safetensors"))
        artifact = directory / f"{self.peer.name.replace(' ', '-')}-{self.peer.dtype}.moe"
        options = list(self.peer.rest)
        if self.peer.format not in ("f32", "bf16"):
            options.append(f"--quantize={self.peer.format}")
        compiled = subprocess.run([str(ROOT / "build/bin/moec"), str(description), "-o",
                                   str(artifact), *options], capture_output=True, text=True)
        if compiled.returncode:
            raise Unavailable(compiled.stderr.strip().splitlines()[-1])
        artifacts = self.made = [artifact]
        for copy in range(1, self.copies):
            artifacts.append(artifact.with_suffix(f".{copy}.moe"))
            shutil.copy(artifact, artifacts[-1])
        return artifacts

    def _last_words(self):
        self.process.wait()
        lines = self.log.read_text().strip().splitlines()
        return lines[-1] if lines else f"ended with status {self.process.returncode}"

    def ask(self, *commands):
        """The answers to commands, which the program finds waiting one after the other."""
        answers = []
        try:
            self.process.stdin.write("".join(command + "\n" for command in commands))
            self.process.stdin.flush()
            answers = [self.process.stdout.readline() for _ in commands]
        except BrokenPipeError:
            pass
        if not answers or not all(answers):
            raise Unavailable(self._last_words())
        return [answer.strip() for answer in answers]

    def run(self, tokens, firsts, copy):
        """Seconds of one call for each of `firsts`, which take turns on the copies."""
        return [float(answer) for answer in self.ask(
            *(f"run {tokens} {first} {copy + i}" for i, first in enumerate(firsts)))]

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def close(self):
        self.resume()
        self.process.stdin.close()
        self.process.wait()
        for path in self.made:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
