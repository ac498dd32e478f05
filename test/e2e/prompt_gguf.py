# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""prompt_gguf.py MOEC MOE-RUN DIRECTORY: what moe-run writes after a prompt to the model of a
GGUF file, cut into tokens by the file's vocabulary, is what repeated calls of `forward`
give."""

import pathlib
import subprocess
import sys

import numpy as np

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "importers/gguf"))
from gguf_writer import write
from whole import byte_level, model, printable, sentence_piece

MOEC, RUN, DIRECTORY = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
COUNT = 6


def run(*arguments):
    done = subprocess.run([RUN, *arguments], capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout, done.stderr.decode()


def continue_by_forward(artifact, ids, ends):
    ids, answer = list(ids), []
    for _ in range(COUNT):
        np.save(DIRECTORY / "ids.npy", np.array([ids], np.int64))
        run(artifact, "--function=forward", f"--input=input_ids={DIRECTORY}/ids.npy",
            f"--output={DIRECTORY}/logits.npy")
        best = int(np.load(DIRECTORY / "logits.npy")[0, -1].argmax())
        if best in ends:
            break
        ids.append(best)
        answer.append(best)
    return answer


def check(name, vocabulary, prompt, pieces, write_token):
    """`pieces`: the tokens of the prompt; `write_token(token)`: its bytes."""
    tokens = vocabulary["tokens"]
    path, artifact = DIRECTORY / f"{name}.gguf", DIRECTORY / f"{name}.moe"
    write(path, *model(vocabulary))
    subprocess.run([MOEC, path, "-o", artifact, "--scope=model"], check=True)
    ids = [tokens.index(piece) for piece in pieces]
    ends = [tokens.index(end) for end in ("</s>", "<|im_end|>") if end in tokens]
    answer = continue_by_forward(artifact, ids, ends)
    expected = b"".join(write_token(tokens[i]) for i in answer) + b"\n"
    text, report = run(artifact, f"--prompt={prompt}", f"--max-tokens={COUNT}")
    assert f"prompt: {len(ids)} tokens" in report and "answer: " in report, report
    assert text == expected, (text, expected)
    print(f"{name}: {len(ids)} tokens agree")


def write_bytes(token):
    by_character = {character: byte for byte, character in printable().items()}
    return b"" if token[0] == "<" and len(token) > 1 else bytes(by_character[c] for c in token)


def write_piece(token):
    if token.startswith("<0x"):
        return bytes([int(token[3:5], 16)])
    return b"" if token[0] == "<" else token.replace("▁", " ").encode()


# llama-bpe begins a text with <s> and takes words that are tokens whole.
check("bytes", byte_level(), "to be tot to<|im_end|>to",
      ["<s>", "to", "Ġ", "b", "e", "Ġto", "t", "Ġto", "<|im_end|>", "to"], write_bytes)
# A space comes first; é is two bytes; ▁to is better than ▁t and to.
check("pieces", sentence_piece(), "to bé to",
      ["<s>", "▁to", "▁", "b", "<0xC3>", "<0xA9>", "▁to"], write_piece)
