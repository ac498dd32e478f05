"""Quantised tensors of every format, and what they stand for by numpy alone.

    quantized.py make DIR     m.safetensors, m.gguf, x.npy and FORMAT.mlir
    quantized.py run DIR MOEC MOE-RUN
    quantized.py check DIR    FORMAT.npy, the weights times x = 1, is exact
"""

import json
import struct
import subprocess
import sys

import numpy as np

rng = np.random.default_rng(7)


def e8m0(bits):
    return np.exp2(bits.astype(np.float64) - 127)


def e4m3(bits):
    sign = np.where(bits & 128, -1.0, 1.0)
    exponent = (bits >> 3 & 15).astype(int)
    fraction = (bits & 7) / 8.0
    return sign * np.where(
        exponent == 0, fraction * 2.0**-6, (1 + fraction) * 2.0 ** (exponent - 7)
    )


E2M1 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6])


def pack_words(codes, order=range(8)):
    """Eight codes of the last dimension in each I32."""
    codes = codes.reshape(*codes.shape[:-1], -1, 8).astype(np.uint32)
    words = sum(codes[..., at] << np.uint32(4 * i) for i, at in enumerate(order))
    return words.astype(np.uint32).view(np.int32)


def half(*shape):
    return (rng.random(shape) * 0.1 + 0.01).astype(np.float16)


def fp8():
    n, k = 150, 256
    w = rng.integers(0, 256, (n, k), dtype=np.uint8)
    w[(w & 127) == 127] = 3
    scales = rng.random((2, 2), dtype=np.float32)
    value = e4m3(w) * np.repeat(np.repeat(scales, 128, 0), 128, 1)[:n, :k]
    attr = "#moe.quantized<fp8_e4m3, [{w}, {s}], block = [128, 128]>"
    return {"w": ("F8_E4M3", w), "s": ("F32", scales)}, attr, value


def mxfp4():
    e, n, k = 2, 24, 64
    blocks = rng.integers(0, 256, (e, n, k // 32, 16), dtype=np.uint8)
    scales = rng.integers(100, 140, (e, n, k // 32), dtype=np.uint8)
    codes = np.stack([blocks & 15, blocks >> 4], -1).reshape(e, n, k // 32, 32)
    value = (E2M1[codes] * e8m0(scales)[..., None]).reshape(e, n, k)
    attr = "#moe.expr<slice, [#moe.quantized<mxfp4, [{w}, {s}]>], dims = [0, 1, 1]>"
    attr = f"#moe.expr<reshape, [{attr}], dims = [24, 64]>"
    return {"w": ("U8", blocks), "s": ("U8", scales)}, attr, value[1]


def grouped_int4(name, indexed=False):
    n, k, size = 40, 128, 32
    codes = rng.integers(0, 16, (n, k))
    zeros = rng.integers(0, 16, (k // size, n))
    scales = half(k // size, n)
    order = (0, 2, 4, 6, 1, 3, 5, 7) if name == "awq" else range(8)
    group = np.arange(k) // size
    if indexed:
        group = rng.permutation(group).astype(np.int32)
    add = 1 if name == "gptq" else 0
    value = (codes - (zeros + add)[group].T) * scales[group].T.astype(np.float64)
    words = pack_words(codes.T, order) if name == "awq" else pack_words(codes).T
    tensors = {"w": ("I32", words), "z": ("I32", pack_words(zeros, order)), "s": ("F16", scales)}
    more = ""
    if indexed:
        tensors["g"] = ("I32", group)
        more = ", {g}"
    return tensors, f"#moe.quantized<{name}, [{{w}}, {{z}}, {{s}}{more}], block = [32]>", value


def int4_packed(zero):
    n, k, size = 24, 64, 32
    codes = rng.integers(0, 16, (n, k))
    scales = half(n, k // size).astype(np.float32)
    zeros = rng.integers(0, 16, (n, k // size)) if zero else np.full((n, 2), 8)
    value = (codes - np.repeat(zeros, size, 1)) * np.repeat(scales, size, 1).astype(np.float64)
    tensors = {"w": ("I32", pack_words(codes)), "s": ("F32", scales)}
    if zero:
        tensors["z"] = ("I32", pack_words(zeros.T).T)
    more = ", {z}" if zero else ""
    return tensors, f"#moe.quantized<int4_packed, [{{w}}, {{s}}{more}], block = [32]>", value


def pack_bits(codes, bits):
    """A stream of bits from the lowest one on, for each row."""
    stream = codes[..., None] >> np.arange(bits) & 1
    stream = stream.reshape(*codes.shape[:-1], -1).astype(np.uint8)
    return np.packbits(stream, -1, bitorder="little")


def uint_packed(bits, size, zero=None, k=96):
    """Zero points for each block, or (`rows`) packed along the rows, or none."""
    n, groups = 23, -(-k // size)
    outer = (2,) if zero == "rows" else ()
    codes = rng.integers(0, 1 << bits, (*outer, n, k))
    scales = half(*outer, n, groups)
    zeros = np.full((*outer, n, groups), 1 << bits - 1)
    tensors = {"w": ("U8", pack_bits(codes, bits)), "s": ("F16", scales)}
    if zero:
        zeros = rng.integers(0, 1 << bits, zeros.shape)
        tensors["z"] = ("U8", pack_bits(zeros[..., 0] if zero == "rows" else zeros, bits))
    repeat = lambda x: np.repeat(x.astype(np.float64), size, -1)[..., :k]
    value = (codes - repeat(zeros)) * repeat(scales)
    attr = f"#moe.quantized<uint_packed, [{{w}}, {{s}}{', {z}' if zero else ''}], block = [{size}, {bits}]>"
    if not outer:
        return tensors, attr, value
    attr = f"#moe.expr<slice, [{attr}], dims = [0, 1, 1]>"
    return tensors, f"#moe.expr<reshape, [{attr}], dims = [{n}, {k}]>", value[1]


def floats():
    w = rng.integers(0, 256, (24, 64), dtype=np.uint8)
    w[(w & 127) == 127] = 3
    return {"w": ("F8_E4M3", w)}, "#moe.quantized<float, [{w}]>", e4m3(w)


def gguf(kind):
    """One tensor [16, 512]: random blocks, whose halves are finite."""
    n, k = 16, 512
    size, bytes_ = {
        "q8_0": (32, 34), "q4_0": (32, 18), "q4_k": (256, 144), "q5_k": (256, 176),
        "q6_k": (256, 210), "ggml_mxfp4": (32, 17),
    }[kind]
    blocks = rng.integers(0, 256, (n, k // size, bytes_), dtype=np.uint8)

    def put(at):
        blocks[..., at : at + 2] = half(n, k // size, 1).view(np.uint8)
        return blocks[..., at : at + 2].copy().view(np.float16).astype(np.float64)

    if kind == "q8_0":
        value = blocks[..., 2:].view(np.int8) * put(0)
    elif kind == "q4_0":
        q = blocks[..., 2:]
        value = (np.concatenate([q & 15, q >> 4], -1).astype(int) - 8) * put(0)
    elif kind == "ggml_mxfp4":
        blocks[..., 0] = rng.integers(100, 140, (n, k // size))
        q = blocks[..., 1:]
        value = E2M1[np.concatenate([q & 15, q >> 4], -1)] * e8m0(blocks[..., :1])
    elif kind == "q6_k":
        d = put(208)[..., None]
        # [block, half, low bits: two rows of 32]
        low = blocks[..., :128].reshape(n, 2, 2, 2, 32)
        high = blocks[..., 128:192].reshape(n, 2, 2, 1, 32)
        low = np.concatenate([low & 15, low >> 4], 3)
        high = high >> np.array([0, 2, 4, 6], np.uint8)[:, None] & 3
        q = (low + 16 * high).astype(int).reshape(n, 2, 16, 16) - 32
        value = q * (blocks[..., 192:208].view(np.int8)[..., None] * d)
    else:
        d, dmin = put(0)[..., None], put(2)[..., None]
        s = blocks[..., 4:16].astype(int)
        scale = np.concatenate([s[..., :4] & 63, s[..., 8:] & 15 | s[..., :4] >> 6 << 4], -1)
        least = np.concatenate([s[..., 4:8] & 63, s[..., 8:] >> 4 | s[..., 4:8] >> 6 << 4], -1)
        q = blocks[..., -128:].reshape(n, 2, 4, 1, 32)
        q = np.concatenate([q & 15, q >> 4], 3).reshape(n, 2, 8, 32).astype(int)
        if kind == "q5_k":
            fifth = blocks[..., 16:48].reshape(n, 2, 1, 32) >> np.arange(8)[:, None] & 1
            q = q + 16 * fifth
        value = d * scale[..., None] * q - dmin * least[..., None]
    return blocks, value.reshape(n, k)


STORED = {
    "fp8_e4m3": fp8,
    "mxfp4": mxfp4,
    "gptq": lambda: grouped_int4("gptq"),
    "gptq_v2": lambda: grouped_int4("gptq_v2"),
    "gptq_order": lambda: grouped_int4("gptq", indexed=True),
    "awq": lambda: grouped_int4("awq"),
    "int4": lambda: int4_packed(False),
    "int4_zero": lambda: int4_packed(True),
    "float": floats,
    "uint8": lambda: uint_packed(8, 32),
    "uint8_zero": lambda: uint_packed(8, 16, "blocks"),
    "uint8_rows": lambda: uint_packed(8, 96, "rows"),
    "uint4": lambda: uint_packed(4, 32),
    "uint4_zero": lambda: uint_packed(4, 32, "blocks"),
    "uint4_rows": lambda: uint_packed(4, 96, "rows"),
    "uint4_partial": lambda: uint_packed(4, 64, "blocks"),
    "uint3": lambda: uint_packed(3, 32),
    "uint3_zero": lambda: uint_packed(3, 32, "blocks"),
    "uint2": lambda: uint_packed(2, 16),
    "uint2_zero": lambda: uint_packed(2, 16, "blocks", k=64),
}
GGUF_TYPES = {"q8_0": 8, "q4_0": 2, "q4_k": 12, "q5_k": 13, "q6_k": 14, "ggml_mxfp4": 39}

# Few rows are multiplied by another kernel.
FEW = [1, 30, -1]

LAYER = """module attributes {{moe.source_directory = "{directory}"}} {{
  ml_program.global private @w({attr}) : tensor<{n}x{k}xf32>
  func.func @main(%x: tensor<?x{k}xf32> {{moe.name = "x", moe.dims = ["T", "{k}"]}}) -> (tensor<?x{n}xf32> {{moe.name = "y", moe.dims = ["T", "{n}"]}}) {{
    %w = ml_program.global_load_const @w : tensor<{n}x{k}xf32>
    %c0 = arith.constant 0 : index
    %zero = arith.constant 0.0 : f32
    %rows = tensor.dim %x, %c0 : tensor<?x{k}xf32>
    %empty = tensor.empty(%rows) : tensor<?x{n}xf32>
    %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x{n}xf32>) -> tensor<?x{n}xf32>
    %y = linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
      ins(%x, %w : tensor<?x{k}xf32>, tensor<{n}x{k}xf32>) outs(%init : tensor<?x{n}xf32>) -> tensor<?x{n}xf32>
    return %y : tensor<?x{n}xf32>
  }}
}}
"""


def write_safetensors(path, tensors):
    header, data = {}, b""
    for name, (dtype, value) in tensors.items():
        raw = np.ascontiguousarray(value).tobytes()
        header[name] = {"dtype": dtype, "shape": list(value.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    path.write(struct.pack("<Q", len(text)) + text + data)


def write_gguf(path, tensors):
    infos, data = b"", b""
    for name, (kind, blocks) in tensors.items():
        infos += struct.pack("<Q", len(name)) + name.encode() + struct.pack("<IQQIQ", 2, 512, 16, kind, len(data))
        data += blocks.tobytes()
        data += bytes(-len(data) % 32)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), 0) + infos
    path.write(head + bytes(-len(head) % 32) + data)


def main():
    verb, directory, *tools = sys.argv[1:]
    stored, blocks, values = {}, {}, {}
    for name, build in STORED.items():
        tensors, attr, value = build()
        names = {}
        for key, tensor in tensors.items():
            stored[f"{name}.{key}"] = tensor
            names[key] = f'#moe.source<"m.safetensors", "{name}.{key}">'
        values[name] = attr.format(**names), value
    for name, number in GGUF_TYPES.items():
        raw, value = gguf(name)
        blocks[name] = number, raw
        values[name] = f'#moe.quantized<{name}, [#moe.source<"m.gguf", "{name}">]>', value
    if verb == "make":
        with open(f"{directory}/m.safetensors", "wb") as file:
            write_safetensors(file, stored)
        with open(f"{directory}/m.gguf", "wb") as file:
            write_gguf(file, blocks)
    for name, (attr, value) in values.items():
        n, k = value.shape
        if verb == "make":
            np.save(f"{directory}/{name}.x.npy", np.eye(k, dtype=np.float32))
            np.save(f"{directory}/{name}.few.x.npy", np.eye(k, dtype=np.float32)[FEW])
            with open(f"{directory}/{name}.mlir", "w") as file:
                file.write(LAYER.format(directory=directory, attr=attr, n=n, k=k))
            continue
        if verb == "run":
            path = f"{directory}/{name}"
            subprocess.run([tools[0], f"{path}.mlir", "-o", f"{path}.moe"], check=True)
            for rows in ("", ".few"):
                subprocess.run(
                    [tools[1], f"{path}.moe", "--function=main", f"--input=x={path}{rows}.x.npy", f"--output={path}{rows}.npy"],
                    check=True,
                )
            continue
        found = np.load(f"{directory}/{name}.npy").T
        expected = value.astype(np.float32)
        assert found.shape == expected.shape, (name, found.shape, expected.shape)
        assert np.array_equal(found, expected), (name, np.abs(found - expected).max())
        few = np.load(f"{directory}/{name}.few.npy").T
        assert np.array_equal(few, expected[:, FEW]), (name, "few rows")
        print(f"{name}: exact")


if __name__ == "__main__":
    main()
