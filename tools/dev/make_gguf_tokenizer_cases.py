#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""make_gguf_tokenizer_cases.py OUT TOKENIZE [TEXTS]: vocabularies of GGUF files, and texts
with the ids that llama.cpp gives them (TOKENIZE is the program build/bench/bench-tokenize of
bench/llama/setup.sh; PyPI's tokenizers and sentencepiece are needed, too).

OUT/NAME.gguf is a vocabulary, OUT/NAME.cases.json a list of {pre, text, ids}, where `pre` is
the pre-tokeniser that takes the place of the file's last key. test/importers/gguf/Inputs was
made with 12 texts for each.
"""

import io
import json
import pathlib
import random
import re
import subprocess
import sys

import sentencepiece
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "test/importers/gguf"))
from gguf_writer import write
from make_tokenizer_cases import PIECES, make_texts

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, BYTE = 1, 2, 3, 4, 6
# One name for each way to cut words, and of the names that do more than that, all.
PRE = """gpt-2 starcoder falcon default llama-bpe dbrx glm4 qwen2 qwen35 ufakzeka bailingmoe
seed-coder laguna minicpm5 exaone-moe jais-2 deepseek-llm deepseek-coder deepseek-v3 spark2_5
afmoe bloom viking kimi-k2 tekken gpt-4o cohere2moe youtu""".split()
# The expressions of their tokenizer.json tell upper and lower case of all scripts; llama.cpp
# leaves what stands before a number of afmoe in one word with its first digits.
BY_LIBRARY = {"tekken", "gpt-4o", "cohere2moe", "youtu", "kimi-k2", "afmoe"}
CASED = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+END|"
         r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*END")
END = r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])?"
SPACES = r"|\s*[\r\n]+|\s+(?!\S)|\s+"
GPT4O = CASED.replace("END", END) + r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*" + SPACES
PATTERNS = {
    "tekken": [CASED.replace("END", "") + r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*" + SPACES],
    "gpt-4o": [GPT4O],
    "cohere2moe": [r"\d{1,3}(?=(?:\d{3})*\b)", GPT4O],
    "youtu": ["[가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|[一-龥぀-ゟ゠-ヿ]+",
              CASED.replace("END", END) + r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*" + SPACES],
    "afmoe": [r"\p{N}{1,3}(?=(?:\p{N}{3})*(?!\p{N}))",
              r"[一-鿿㐀-䶿\x{F900}-\x{FAFF}" "぀-ゟ゠-ヿ･-ﾟ⼀-\u2fdf\u0e40-\u0e7f\u0e80-\u0eff\u1780-\u17ff"
              "\u1000-\u109f\uaa60-\uaa7f\ua9e0-\ua9ff가-\ud7af\u1100-\u11ff]+",
              r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|"
              r"[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*" + SPACES],
    "kimi-k2": [r"\p{Han}+|" + CASED.replace("END", END)
                .replace(r"\p{M}]", r"\p{M}&&[^\p{Han}]]")
                + r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*" + SPACES],
}
LINES = ["déjà vu, NAÏVE École ÉCOLEécole — 你好世界 こんにちは 안녕하세요 🙂 Привет МИР",
         "x1234567 89 1000 ١٢٣٤٥ I'll WE'RE they've he'd it's isn't", "a\n\nb\r\n\tc   d "]
MORE = ["École", "ÀB", "Привет", "МИР", "안녕", "１２", "12345", "1234567", "\n \n", "  \n", "   ",
        "\t", "。", "：", "«»", "$+<", "`", "//", "/\n", "I'm", "ab'LL", "का", "ǅ", "\x00", "\u2028"]


def byte_vocabulary(lines):
    """Keys of a byte-level vocabulary; merges of any words, so that cuts show."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(r"\s?\S{1,9}|\s+"), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.train_from_iterator(lines, trainers.BpeTrainer(
        vocab_size=600, show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    model = json.loads(tokenizer.to_str())["model"]
    merges = [m if isinstance(m, str) else " ".join(m) for m in model["merges"]]
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    types = [NORMAL] * len(tokens) + [CONTROL, CONTROL, USER_DEFINED]
    tokens += ["<s>", "<|im_end|>", "<|im_start|>"]
    return {"model": "gpt2", "tokens": tokens, "token_type": types, "merges": merges,
            "bos_token_id": tokens.index("<s>"), "eos_token_id": tokens.index("<|im_end|>"),
            "pre": "default"}


def text_vocabulary(lines):
    """Keys of a vocabulary whose merges are of characters, with bytes for the others."""
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Metaspace(), pre_tokenizers.Split(Regex("\n+"), "isolated")])
    first = ["<unk>", "<bos>", "<eos>", "<|im_start|>", *(f"<0x{byte:02X}>" for byte in range(256))]
    trained.train_from_iterator(lines + ["\n\n\n\n"], trainers.BpeTrainer(
        vocab_size=700, show_progress=False, limit_alphabet=90, special_tokens=first))
    model = json.loads(trained.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    types = [UNKNOWN, CONTROL, CONTROL, USER_DEFINED] + [BYTE] * 256
    return {"model": "gpt2", "tokens": tokens,
            "token_type": types + [NORMAL] * (len(tokens) - len(types)),
            "merges": [m if isinstance(m, str) else " ".join(m) for m in model["merges"]],
            "bos_token_id": 1, "eos_token_id": 2, "unknown_token_id": 0, "pre": "gemma4"}


def piece_vocabulary(lines):
    """Keys of a SentencePiece vocabulary, and the library's own processor."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(line for line in lines if line.strip()), model_writer=model,
        vocab_size=700, model_type="bpe", byte_fallback=True, character_coverage=0.995,
        normalization_rule_name="identity", remove_extra_whitespaces=False,
        user_defined_symbols=["<|im_start|>"], minloglevel=2)
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    kinds = ((processor.is_unknown, UNKNOWN), (processor.is_control, CONTROL),
             (processor.is_byte, BYTE), (lambda i: processor.id_to_piece(i) == "<|im_start|>",
                                         USER_DEFINED))
    ids = range(processor.get_piece_size())
    return {"model": "llama", "tokens": [processor.id_to_piece(i) for i in ids],
            "scores": [processor.get_score(i) for i in ids],
            "token_type": [next((kind for test, kind in kinds if test(i)), NORMAL) for i in ids],
            "bos_token_id": 1, "eos_token_id": 2, "unknown_token_id": 0}, processor


def write_vocabulary(path, keys):
    # What llama.cpp needs of any model.
    shape = {"context_length": 8, "embedding_length": 8, "block_count": 1,
             "feed_forward_length": 8, "attention.head_count": 1,
             "attention.layer_norm_rms_epsilon": 1e-5}
    write(path, {"general.architecture": "llama",
                 **{f"llama.{key}": value for key, value in shape.items()},
                 **{f"tokenizer.ggml.{key}": value for key, value in keys.items()}}, {})


def ask(program, path, texts):
    encoded = [text.encode() for text in texts]
    done = subprocess.run([program, path], input=b"".join(
        b"%d\n" % len(text) + text for text in encoded), stdout=subprocess.PIPE, check=True)
    return [[int(i) for i in line.split()] for line in done.stdout.decode().splitlines()]


def by_library(keys, pre, texts):
    """The ids with the expressions of a model's own tokenizer.json."""
    tokenizer = Tokenizer(models.BPE(
        {token: i for i, token in enumerate(keys["tokens"])},
        [tuple(merge.split(" ")) for merge in keys["merges"]],
        ignore_merges=pre in ("tekken", "youtu")))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in PATTERNS[pre]]
        + [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.add_special_tokens(["<s>", "<|im_end|>", "<|im_start|>"])
    begin = [keys["bos_token_id"]] if pre == "tekken" else []
    return [begin + tokenizer.encode(text).ids for text in texts]


def more_texts(rng, lines, count):
    texts = make_texts(rng, lines, count)
    for i in range(3, len(texts)):
        if rng.random() < 0.5:
            texts[i] = "".join(rng.choice(PIECES + MORE) for _ in range(rng.randrange(24)))
    return texts


def save(path, cases):
    path.write_text("[\n" + ",\n".join(json.dumps(c, ensure_ascii=False) for c in cases) + "\n]\n")


def main():
    out, program = pathlib.Path(sys.argv[1]), sys.argv[2]
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 12
    rng = random.Random(2)
    lines = (ROOT / "README.md").read_text().split("\n") + LINES
    keys, cases = byte_vocabulary(lines), []
    for pre in PRE:
        texts = more_texts(rng, lines, count)
        if pre in BY_LIBRARY:
            ids = by_library(keys, pre, texts)
        else:
            # llama.cpp takes this space of Unicode for another one.
            texts = [text.replace("\u3000", "") for text in texts]
            write_vocabulary(out / "bytes.gguf", keys | {"pre": pre})
            ids = ask(program, out / "bytes.gguf", texts)
        cases += [{"pre": pre, "text": text, "ids": i} for text, i in zip(texts, ids)]
    write_vocabulary(out / "bytes.gguf", keys)
    save(out / "bytes.cases.json", cases)

    keys, cases = text_vocabulary(lines), []
    for pre in ("gemma4", "sarvam-moe"):
        texts = more_texts(rng, lines, 2 * count)
        write_vocabulary(out / "text.gguf", keys | {"pre": pre})
        ids = ask(program, out / "text.gguf", texts)
        cases += [{"pre": pre, "text": text, "ids": i} for text, i in zip(texts, ids)]
    write_vocabulary(out / "text.gguf", keys)
    save(out / "text.cases.json", cases)

    keys, processor = piece_vocabulary(lines)
    write_vocabulary(out / "pieces.gguf", keys)
    texts = [text.replace("\x00", "") for text in more_texts(rng, lines, 5 * count)]
    ids = ask(program, out / "pieces.gguf", texts)
    save(out / "pieces.cases.json", [{"text": text, "ids": i} for text, i in zip(texts, ids)])
    # llama.cpp finds all special tokens in a text, and writes a space behind them.
    for text, found in zip(texts, ids):
        if text and not re.search("<s>|</s>|<unk>|<.im", text):
            assert found == [1, *processor.encode(text)], text


if __name__ == "__main__":
    main()
