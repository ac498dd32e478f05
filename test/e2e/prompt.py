# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""prompt.py MOEC MOE-RUN CHECKPOINT DIRECTORY: what moe-run writes after a prompt is what
repeated calls of `forward` give; the same seed gives the same text."""

import json
import pathlib
import shutil
import subprocess
import sys

import numpy as np

MOEC, RUN, CHECKPOINT, DIRECTORY = sys.argv[1], sys.argv[2], sys.argv[3], pathlib.Path(sys.argv[4])
PROMPT, COUNT = "To be, or not", 12


def write_tokenizer(path, size):
    """One token for each printable character, the last ids unused; no merges."""
    words = {chr(code): i for i, code in enumerate(range(0x21, 0x7F)) if i < size - 1}
    words["Ġ"] = len(words)
    path.write_text(json.dumps({
        "model": {"type": "BPE", "vocab": words, "merges": []},
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True},
        "decoder": {"type": "ByteLevel"}}))
    return words


def run(*arguments):
    done = subprocess.run([RUN, *arguments], capture_output=True, text=True, errors="replace")
    return done.returncode, done.stdout, done.stderr


def generate(artifact, *options):
    code, text, report = run(artifact, f"--prompt={PROMPT}", f"--max-tokens={COUNT}", *options)
    assert code == 0, report
    assert f"prompt: {len(PROMPT)} tokens" in report and "tokens/s" in report, report
    return text


def continue_by_forward(artifact, words, ends):
    ids, names = [words["Ġ" if c == " " else c] for c in PROMPT], {i: t for t, i in words.items()}
    text = ""
    for _ in range(COUNT):
        np.save(DIRECTORY / "ids.npy", np.array([ids], np.int64))
        code, _, error = run(artifact, "--function=forward",
                             f"--input=input_ids={DIRECTORY}/ids.npy",
                             f"--output={DIRECTORY}/logits.npy")
        assert code == 0, error
        best = int(np.load(DIRECTORY / "logits.npy")[0, -1].argmax())
        if best in ends:
            break
        ids.append(best)
        text += names.get(best, "").replace("Ġ", " ")
    return text + "\n"


model = DIRECTORY / "model"
shutil.rmtree(model, ignore_errors=True)
shutil.copytree(CHECKPOINT, model)
config = json.loads((model / "config.json").read_text())
words = write_tokenizer(model / "tokenizer.json", config["vocab_size"])
artifact = DIRECTORY / "model.moe"
subprocess.run([MOEC, model, "-o", artifact, "--scope=model"], check=True)
expected = continue_by_forward(artifact, words, [config.get("eos_token_id")])
assert generate(artifact) == expected, (generate(artifact), expected)
print("greedy agrees")

drawn = [generate(artifact, "--temperature=1.5", f"--seed={seed}") for seed in (1, 1, 2)]
assert drawn[0] == drawn[1] != drawn[2], drawn
# Only the likeliest token is left.
assert generate(artifact, "--temperature=1.5", "--top-p=0", "--seed=5") == expected
print("drawing agrees")

# The token that comes first ends the answer.
first = words["Ġ" if expected[0] == " " else expected[0]]
(model / "generation_config.json").write_text(json.dumps({"eos_token_id": [first]}))
subprocess.run([MOEC, model, "-o", artifact, "--scope=model"], check=True)
assert generate(artifact) == "\n"
print("the end agrees")

(model / "tokenizer.json").unlink()
subprocess.run([MOEC, model, "-o", artifact, "--scope=model"], check=True)
code, _, error = run(artifact, "--prompt=a")
assert code == 1 and "the artifact has no tokenizer" in error, error
code, _, error = run(artifact, "--prompt=a", "--reference")
assert code == 2 and "--prompt goes with none of" in error, error
code, _, error = run(artifact, "--top-p=1.5")
assert code == 2 and "--top-p=1.5: expected 0 to 1" in error, error
print("messages agree")
