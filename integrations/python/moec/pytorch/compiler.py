# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs the installed compiler: a model's blocks, and one shared object of each kind."""

import hashlib
import json
import os
import pathlib
import shutil
import struct
import subprocess
import tempfile

import torch

from .block import NAME, describe

# Element types as safetensors calls them.
STORED = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16",
          torch.float64: "F64", torch.int64: "I64", torch.int32: "I32", torch.int8: "I8",
          torch.uint8: "U8", torch.bool: "BOOL"}
NEEDED = {"avx2", "fma", "f16c"}  # of x86-64-v3, the default target


def find(compiler):
    """The path of the compiler."""
    path = shutil.which(compiler)
    if not path:
        raise FileNotFoundError(
            f"the compiler {compiler!r} is not installed: install moec (package moec-compiler), or "
            "give its path as compiler=..., or an artifact as artifact=...")
    return os.path.realpath(path)


def _run(compiler, *arguments):
    done = subprocess.run([compiler, *arguments], capture_output=True, text=True)
    if done.returncode:
        raise ValueError(done.stderr.strip() or f"{compiler}: exit code {done.returncode}")


def _write_checkpoint(model, tensors, directory):
    """What an importer reads of a checkpoint: configuration, names and shapes. The
    bytes of the weights are a hole in the file."""
    model.config.save_pretrained(directory)
    header, end = {}, 0
    for name, tensor in tensors.items():
        size = tensor.numel() * tensor.element_size()
        header[name] = {"dtype": STORED[tensor.dtype], "shape": list(tensor.shape),
                        "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(os.path.join(directory, "model.safetensors"), "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + end)


def import_blocks(compiler, model):
    """The text of the model's MoE blocks in the moe dialect."""
    tensors = {name: tensor for name, tensor in model.state_dict().items()
               if tensor.dtype in STORED}
    with tempfile.TemporaryDirectory() as directory:
        _write_checkpoint(model, tensors, directory)
        output = os.path.join(directory, "model.mlir")
        _run(compiler, directory, "--emit=mlir", "--scope=moe", "-o", output)
        return pathlib.Path(output).read_text()


def cache_directory():
    """Of MOEC_CACHE, or the user's."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(os.environ.get("MOEC_CACHE") or os.path.join(home, "moec"))


def compile_block(compiler, text, options):
    """The shared object of a block, from the cache if it is there."""
    if not any(option.startswith("--target") for option in options):
        flags = next((line for line in open("/proc/cpuinfo") if line.startswith("flags")), "")
        if missing := NEEDED - set(flags.split()):
            raise OSError(f"this processor has no {', '.join(sorted(missing))}, which the code "
                          "of a block needs")
    state = os.stat(compiler)
    key = json.dumps([text, compiler, state.st_size, state.st_mtime_ns, list(options)])
    target = cache_directory() / hashlib.sha256(key.encode()).hexdigest()[:32]
    library = target / f"{NAME}.so"
    if library.exists():
        return str(library)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as directory:
        made = pathlib.Path(directory, "made")
        made.mkdir()
        source = made / f"{NAME}.mlir"
        source.write_text(text)
        _run(compiler, str(source), "-o", str(made / f"{NAME}.so"), "--emit=shared",
             "--weights=pointers", *options)
        description = describe((made / f"{NAME}.h").read_text())
        (made / f"{NAME}.json").write_text(json.dumps(description))
        try:
            made.rename(target)
        except OSError:
            if not library.exists():  # another process was not faster
                raise
    return str(library)
