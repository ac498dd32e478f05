# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""pack_weights.py MOEC WORK_DIR

Layers whose weights an object packs from an engine's tensors, in each format,
against the same layers with weights that the compiler packed: equal bit for bit.
"""

import ctypes
import os
import re
import subprocess
import sys

import numpy as np

SOURCE = os.path.join(os.path.dirname(__file__), "..", "..")
sys.path += [os.path.join(SOURCE, "importers", "gguf"), os.path.join(SOURCE, "weights", "Inputs")]

from gguf_writer import write  # noqa: E402
from quantized import gguf  # noqa: E402

EXPERTS, SIZE, HIDDEN, TOKENS = 3, 20, 512, 7
rng = np.random.default_rng(5)


def aligned(size):
    raw = np.zeros(size + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start:start + size]


def stored(kind, shape):
    """A tensor of a GGUF file: type, shape, bytes."""
    if kind == "F32":
        return kind, shape, (0.1 * rng.standard_normal(shape)).astype(np.float32).tobytes()
    # Random blocks of 16 rows of 512, as often as needed.
    raw = gguf({"MXFP4": "ggml_mxfp4"}.get(kind, kind.lower()))[0].tobytes()
    rows = int(np.prod(shape[:-1]))
    return kind, shape, (raw * (rows // 16 + 1))[:rows * len(raw) // 16]


def write_model(path, kind):
    tensors = {
        "ffn_gate_inp.weight": stored("F32", (EXPERTS, HIDDEN)),
        "ffn_gate_exps.weight": stored(kind, (EXPERTS, SIZE, HIDDEN)),
        "ffn_up_exps.weight": stored(kind, (EXPERTS, SIZE, HIDDEN)),
        "ffn_down_exps.weight": stored("F32", (EXPERTS, HIDDEN, SIZE)),
    }
    keys = {"general.architecture": "llama", "llama.block_count": 1,
            "llama.embedding_length": HIDDEN, "llama.expert_count": EXPERTS,
            "llama.expert_used_count": 2, "llama.feed_forward_length": SIZE}
    write(path, keys, {f"blk.0.{name}": tensor for name, tensor in tensors.items()})
    return {"router": tensors["ffn_gate_inp.weight"], "experts.gate": tensors["ffn_gate_exps.weight"],
            "experts.up": tensors["ffn_up_exps.weight"],
            "experts.down": tensors["ffn_down_exps.weight"]}


class Layer:
    def __init__(self, path):
        self.library = ctypes.CDLL(path)
        self.name = os.path.basename(path)[:-3] + "_layers_0_moe"
        self.call = getattr(self.library, self.name)
        self.workspace = getattr(self.library, self.name + "_workspace")
        self.workspace.restype = ctypes.c_int64
        with open(path[:-3] + ".h") as header:
            self.header = header.read()

    def pack(self, tensors):
        """The table of weights, packed from tensors by the header's words."""
        size = getattr(self.library, self.name + "_weight_size")
        size.restype = ctypes.c_int64
        pack = getattr(self.library, self.name + "_pack_weight")
        self.packed = []
        sources = re.findall(r"///     from \d+ pointers?: (.*)", self.header)
        for index, source in enumerate(sources):
            rows = []
            for count, name in re.findall(r"(\d+) to layers\.0\.([a-z.]+)", source):
                raw = np.frombuffer(tensors[name][2], np.uint8)
                step = len(raw) // int(count)
                rows += [raw.ctypes.data + group * step for group in range(int(count))]
            table = (ctypes.c_void_p * len(rows))(*rows)
            self.packed.append(aligned(size(index)))
            target = ctypes.c_void_p(self.packed[-1].ctypes.data)
            assert pack(index, table, target, None) == 0
            # Wrong calls say so and write nothing.
            before = self.packed[-1].copy()
            assert pack(len(sources), table, target, None) == -1
            assert pack(-1, table, target, None) == -1
            assert pack(index, None, target, None) == -3 - 16
            table[len(rows) - 1] = None
            assert pack(index, table, target, None) == -3 - 16 * len(rows)
            table[len(rows) - 1] = rows[-1]
            assert pack(index, table, ctypes.c_void_p(target.value + 4), None) == -5
            assert pack(index, table, None, None) == -5
            assert (before == self.packed[-1]).all()
        assert size(len(sources)) == size(-1) == -1
        return (ctypes.c_void_p * len(sources))(*[part.ctypes.data for part in self.packed])

    def run(self, x, weights=None):
        out = np.zeros_like(x)
        results = [out, np.zeros((TOKENS, EXPERTS), np.float32), np.zeros((TOKENS, 2), np.int32),
                   np.zeros((TOKENS, 2), np.float32)]
        tokens = ctypes.c_int64(TOKENS)
        size = self.workspace(tokens, None)
        space = aligned(size)
        pointers = [ctypes.c_void_p(array.ctypes.data) for array in [x, *results, space]]
        table = [weights] if weights is not None else []
        status = self.call(pointers[0], tokens, *pointers[1:5], *table, pointers[5],
                           ctypes.c_int64(size), None)
        assert status == 0, status
        return out


def main():
    moec, work = sys.argv[1:]
    os.makedirs(work, exist_ok=True)
    cases = [(kind, []) for kind in ("F32", "Q8_0", "Q4_0", "Q4_K", "Q5_K", "Q6_K", "MXFP4")]
    cases += [("F32", ["--quantize=q8_0"]), ("F32", ["--quantize=q4_0"])]
    x = (0.01 * rng.standard_normal((TOKENS, HIDDEN))).astype(np.float32)
    for kind, options in cases:
        path = os.path.join(work, kind.lower() + "".join(options)[-4:])
        tensors = write_model(path + ".gguf", kind)
        outs = []
        for name, more in (("linked", []), ("pointers", ["--weights=pointers"])):
            os.makedirs(f"{path}-{name}", exist_ok=True)
            library = f"{path}-{name}/layer.so"
            subprocess.run([moec, path + ".gguf", "-o", library, "--emit=shared", *options, *more],
                           check=True)
            layer = Layer(library)
            outs.append(layer.run(x, layer.pack(tensors) if more else None))
        if not (outs[0] == outs[1]).all() or not np.isfinite(outs[0]).all() or not outs[0].any():
            sys.exit(f"{kind} {options}: results differ")
        print(kind, *options, "agrees")


if __name__ == "__main__":
    main()
