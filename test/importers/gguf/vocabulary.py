# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""vocabulary.py MOEC WORK_DIR: prints what moec says to vocabularies that are wrong, and to
those that it leaves out."""

import os
import subprocess
import sys

from gguf_writer import write
from whole import byte_level, model, sentence_piece


def main():
    moec, work = sys.argv[1:]
    os.makedirs(work, exist_ok=True)

    def report(name, vocabulary, tensors=None):
        path, out = f"{work}/{name}.gguf", f"{work}/{name}.moe"
        keys, made = model(vocabulary)
        write(path, {key: value for key, value in keys.items() if value is not None},
              made | (tensors or {}))
        result = subprocess.run([moec, path, "-o", out, "--scope=model"],
                                capture_output=True, text=True)
        lines = [line for line in result.stderr.replace(work + "/", "").splitlines()
                 if "written" not in line]
        print(f"{name}: {result.returncode} {' '.join(lines)}")
        if result.returncode and os.path.exists(out):
            sys.exit(f"{name}: left a file behind")

    bytes_, pieces = byte_level(), sentence_piece()
    tokens = bytes_["tokens"]
    few = model(bytes_ | {"tokens": tokens[:8]})[1]
    report("model-type", bytes_ | {"model": 3})
    report("no-tokens", bytes_ | {"tokens": None}, few)
    report("tokens-type", bytes_ | {"tokens": [1, 2]})
    report("more-than-rows", bytes_, few)
    report("twice", bytes_ | {"tokens": [*tokens[:9], tokens[3], *tokens[10:]]})
    report("types-length", bytes_ | {"token_type": bytes_["token_type"][:-1]})
    report("type", bytes_ | {"token_type": [7] * len(tokens)})
    report("no-merges", bytes_ | {"merges": None})
    report("merge", bytes_ | {"merges": ["t o", "o t"]})
    report("merge-half", bytes_ | {"merges": ["to"]})
    report("no-begin", bytes_ | {"bos_token_id": None})
    report("begin", bytes_ | {"bos_token_id": len(tokens)})
    report("end", bytes_ | {"eos_token_id": "x"})
    report("flag", bytes_ | {"add_bos_token": 1})
    report("no-scores", pieces | {"scores": None})
    report("scores-length", pieces | {"scores": pieces["scores"][1:]})
    report("score", pieces | {"scores": [float("nan"), *pieces["scores"][1:]]})
    report("long", pieces | {"tokens": ["a" * 513, *pieces["tokens"][1:]]})
    report("unknown-pre", bytes_ | {"pre": "qwen9"})
    report("no-pre", bytes_ | {"pre": None})
    report("unknown-model", bytes_ | {"model": "bert"})
    report("none", {"model": "no_vocab"})


if __name__ == "__main__":
    main()
