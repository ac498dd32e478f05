#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""make_tokenizer_cases.py OUT [TEXTS]: small tokenizers of the kinds that models have, with
texts and the ids that Hugging Face's tokenizers library (needed here) gives them.

OUT/NAME.json is a tokenizer, OUT/NAME.cases.json a list of {text, ids, decoded}.
test/tools/tokenizer/Inputs was made with 60 texts.
"""

import json
import pathlib
import random
import sys

from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models, normalizers,
                        pre_tokenizers, processors, trainers)

ROOT = pathlib.Path(__file__).resolve().parents[2]
VOCABULARY = 420
CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"
REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
# Letters, spaces, digits and marks of several scripts, composed and not.
PIECES = [*"abcdefgh XYZ 0123456789\t\n  .,;!?'\"-_()[]{}éßçñ你好世界こんに🙂½²١٢Ⅳ\u00a0\u3000\u0301e",
          "'s", "'ll", "'RE", "<s>", "</s>", "<|im_start|>", " <|im_end|> ", "\r\n", "\n\n"]


def byte_level(*splits, **options):
    """Words over bytes: GPT-2 and what came after it."""
    tokenizer = Tokenizer(models.BPE(**options))
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=not splits)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*splits, level]) if splits else level
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def isolated(expression):
    return pre_tokenizers.Split(Regex(expression), "isolated")


def train(tokenizer, lines):
    tokenizer.train_from_iterator(lines, trainers.BpeTrainer(
        vocab_size=VOCABULARY, show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.add_special_tokens([
        AddedToken("<|im_start|>", special=True),
        AddedToken("<|im_end|>", special=True, lstrip=True, rstrip=True)])
    return tokenizer


def gpt2(lines):
    return train(byte_level(), lines)


def qwen2(lines):
    tokenizer = byte_level(isolated(CONTRACTIONS + r"\p{N}" + REST))
    tokenizer.normalizer = normalizers.NFC()
    return train(tokenizer, lines)


def llama3(lines):
    tokenizer = train(byte_level(isolated(CONTRACTIONS + r"\p{N}{1,3}" + REST),
                                 ignore_merges=True), lines)
    tokenizer.add_special_tokens(["<s>"])
    tokenizer.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=False),
        processors.TemplateProcessing(
            single="<s> $A", special_tokens=[("<s>", tokenizer.token_to_id("<s>"))])])
    return tokenizer


def deepseek(lines):
    words = (r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|"
             r"[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
    return train(byte_level(isolated(r"\p{N}{1,3}"), isolated("[一-龥぀-ゟ゠-ヿ]+"),
                            pre_tokenizers.Digits(individual_digits=True), isolated(words)), lines)


def sentence_piece(lines, normalizer, pre_tokenizer):
    """Characters, with bytes for those that are not in the vocabulary."""
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.Metaspace()
    specials = ["<unk>", "<s>", "</s>"]
    trained.train_from_iterator(lines, trainers.BpeTrainer(
        vocab_size=VOCABULARY + 100, show_progress=False, limit_alphabet=80,
        special_tokens=specials + [f"<0x{byte:02X}>" for byte in range(256)]))
    model = json.loads(trained.to_str())["model"]
    merges = [tuple(m) if isinstance(m, list) else tuple(m.split(" ")) for m in model["merges"]]
    tokenizer = Tokenizer(models.BPE(vocab=model["vocab"], merges=merges, unk_token="<unk>",
                                     byte_fallback=True, fuse_unk=True))
    if normalizer:
        tokenizer.normalizer = normalizer
    if pre_tokenizer:
        tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(),
                                           decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    tokenizer.add_special_tokens([AddedToken(s, normalized=False, special=True) for s in specials])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 1)])
    return tokenizer


def llama2(lines):
    return sentence_piece(lines, normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]), None)


def metaspace(lines):
    return sentence_piece(lines, None, pre_tokenizers.Metaspace(
        replacement="▁", prepend_scheme="first", split=False))


def make_texts(rng, lines, count):
    texts = ["", " ", "a"]
    while len(texts) < count:
        if rng.random() < 0.6:
            texts.append("".join(rng.choice(PIECES) for _ in range(rng.randrange(40))))
        else:
            texts.append(rng.choice(lines)[:rng.randrange(1, 120)])
    return texts


def main():
    out, count = pathlib.Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 60
    rng = random.Random(1)
    lines = (ROOT / "README.md").read_text().split("\n") + ["déjà vu — naïve 你好世界 こんにちは 🙂"]
    for make in (gpt2, qwen2, llama3, deepseek, llama2, metaspace):
        tokenizer = make(lines)
        (out / f"{make.__name__}.json").write_text(
            json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False))
        cases = []
        for text in make_texts(rng, lines, count):
            ids = tokenizer.encode(text).ids
            cases.append({"text": text, "ids": ids, "decoded": tokenizer.decode(ids)})
        (out / f"{make.__name__}.cases.json").write_text(
            "[\n" + ",\n".join(json.dumps(c, ensure_ascii=False) for c in cases) + "\n]\n")


if __name__ == "__main__":
    main()
