# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""bad_checkpoint.py FIXTURE WORK_DIR

Breaks a checkpoint in many ways. For each, `moec` must exit with 1, name the
broken file in its message and leave neither an output nor a temporary file.
"""

import json
import os
import shutil
import subprocess
import sys


def split(path):
    with open(path, "rb") as file:
        data = file.read()
    size = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + size]), data[8 + size :]


def join(header, data):
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def broken_weights(path):
    """Pairs of a name and the bytes of a broken safetensors file."""
    with open(path, "rb") as file:
        whole = file.read()
    header, data = split(path)
    end = len(whole) - len(data)
    for length in [*range(0, 12), *range(12, end, 331), end, end + 1, len(whole) // 2,
                   len(whole) - 1]:
        yield f"cut at {length}", whole[:length]
    name = next(key for key in header if key.endswith("gate.weight") and ".experts." not in key)

    def changed(**fields):
        return join({**header, name: {**header[name], **fields}}, data)

    begin, stop = header[name]["data_offsets"]
    rows, columns = header[name]["shape"]
    yield "header size", (1 << 62).to_bytes(8, "little") + whole[8:]
    yield "no JSON", whole[:8] + b"}" + whole[9:]
    yield "deep JSON", (100000).to_bytes(8, "little") + b"[" * 100000 + data
    yield "missing", join({k: v for k, v in header.items() if k != name}, data)
    yield "shape", changed(shape=[rows, columns + 1])
    yield "negative shape", changed(shape=[-rows, -columns])
    yield "huge shape", changed(shape=[1 << 62, 1 << 62])
    yield "rank", changed(shape=[rows * columns])
    yield "dtype", changed(dtype="I64")
    yield "unknown dtype", changed(dtype="F7")
    yield "overlap", changed(data_offsets=[begin + 4, stop + 4])
    yield "reversed", changed(data_offsets=[stop, begin])
    yield "outside", changed(data_offsets=[len(data), len(data) + stop - begin])
    yield "negative offset", changed(data_offsets=[begin - stop, 0])
    yield "wrapping offset", changed(data_offsets=[(1 << 64) - 4, stop])
    yield "no offsets", join({**header, name: {"dtype": "F32", "shape": [rows, columns]}}, data)


def broken_configs(path):
    with open(path) as file:
        config = json.load(file)
    yield "empty", b""
    yield "no JSON", b'{"model_type": '
    yield "no object", b"[]"
    yield "deep JSON", b"[" * 100000
    for field in ("model_type", "hidden_size", "num_experts", "num_experts_per_tok",
                  "num_hidden_layers"):
        yield f"without {field}", json.dumps({k: v for k, v in config.items() if k != field}).encode()
        for value in ("x", -1, 1 << 62, 1.5, None, []):
            yield f"{field} = {value}", json.dumps({**config, field: value}).encode()


def main():
    fixture, work = sys.argv[1], sys.argv[2]
    shutil.rmtree(work, ignore_errors=True)
    source = os.path.join(work, "in")
    out = os.path.join(work, "out")
    os.makedirs(out)
    shutil.copytree(fixture, source)
    failures, count = [], 0
    for name, cases in (("model.safetensors", broken_weights), ("config.json", broken_configs)):
        path = os.path.join(source, name)
        os.chmod(path, 0o644)
        with open(path, "rb") as file:
            good = file.read()
        for case, data in list(cases(path)):
            with open(path, "wb") as file:
                file.write(data)
            result = subprocess.run(["moec", source, "-o", os.path.join(out, "x.moe")], text=True,
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            left = os.listdir(out)
            count += 1
            if result.returncode != 1 or name not in result.stdout or left:
                failures.append(f"{name}, {case}: exit code {result.returncode}, left {left}: "
                                f"{result.stdout[:400]}")
                for file in left:
                    os.remove(os.path.join(out, file))
        with open(path, "wb") as file:
            file.write(good)
    print("\n".join(failures) or f"{count} broken checkpoints are refused")
    return 1 if failures or not count else 0


if __name__ == "__main__":
    sys.exit(main())
