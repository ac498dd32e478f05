// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From llama.cpp's llm_tokenizer_bpe. Where it approximates letters of upper
// and lower case by those of ASCII, the expressions of the models' own
// tokenizer.json, which it quotes, stand here.

#include "importers/gguf/PreTokenizers.h"

using namespace moec::gguf;
using llvm::StringRef;

#define CONTRACTION "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
#define WORD R"([^\r\n\p{L}\p{N}]?\p{L}+)"
#define LINES R"(\s*[\r\n]+)"
#define SPACES R"(\s+(?!\S)|\s+)"
#define MARKS R"( ?[^\s\p{L}\p{N}]+[\r\n]*)"
#define UPPER R"([\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}])"
#define LOWER R"([\p{Ll}\p{Lm}\p{Lo}\p{M}])"
#define CASED(END)                                                             \
  R"([^\r\n\p{L}\p{N}]?)" UPPER "*" LOWER "+" END                              \
  R"(|[^\r\n\p{L}\p{N}]?)" UPPER "+" LOWER "*" END

#define GPT2_WORDS                                                             \
  R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+)"                               \
  R"(| ?[^\s\p{L}\p{N}]+|\s+(?!\S))"
#define DEEPSEEK_WORDS                                                         \
  R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+)"                         \
  R"(|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+)"
#define HAN_KANA "[一-龥぀-ゟ゠-ヿ]+"

static constexpr StringRef kGpt2[] = {GPT2_WORDS};
static constexpr StringRef kDigits[] = {R"(\p{N})", GPT2_WORDS};
static constexpr StringRef kFalcon[] = {R"([\p{P}\$\+<=>\^~\|`]+)", GPT2_WORDS,
                                        "[0-9][0-9][0-9]"};
static constexpr StringRef kDefault[] = {R"([\p{P}\$\+<=>\^~\|]+)", GPT2_WORDS,
                                         R"(\p{N}+)", "[0-9][0-9][0-9]"};
static constexpr StringRef kLlama3[] = {
    CONTRACTION "|" WORD R"(|\p{N}{1,3}|)" MARKS "|" LINES "|" SPACES};
static constexpr StringRef kQwen2[] = {CONTRACTION "|" WORD R"(|\p{N}|)" MARKS
                                                   "|" LINES "|" SPACES};
static constexpr StringRef kQwen35[] = {
    CONTRACTION R"(|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N})"
                R"(| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|)" LINES "|" SPACES};
static constexpr StringRef kUfakzeka[] = {WORD R"(|\p{N}|)" MARKS "|" LINES
                                               "|" SPACES};
static constexpr StringRef kBailing[] = {
    R"('(?:[sSdDmMtT]|[lL][lL]|[vV][eE]|[rR][eE])|[^\r\n\p{L}\p{N}]?+\p{L}+)"
    R"(|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|)" SPACES};
static constexpr StringRef kSeedCoder[] = {
    CONTRACTION "|" WORD R"(|\p{N}| ?[^\s\p{L}\p{N}\r\n]+|)" LINES "|" SPACES};
static constexpr StringRef kLaguna[] = {R"([^\n]+|\n+)", kQwen2[0]};
static constexpr StringRef kMinicpm5[] = {R"(\p{N}{1,3})", CONTRACTION
                                          "|" WORD R"(|\p{N}+|)" MARKS "|" LINES
                                          "|" SPACES};
static constexpr StringRef kExaoneMoe[] = {
    CONTRACTION R"(|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N})"
                R"(| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|)" SPACES};
static constexpr StringRef kJais2[] = {
    CONTRACTION
    "|" WORD R"(|\p{N}{1,3}|)" MARKS "|" LINES
    R"(|\s{512}(?!\S)|\s{256}(?!\S)|\s{128}(?!\S)|\s{64}(?!\S))"
    R"(|\s{32}(?!\S)|\s{16}(?!\S)|\s{8}(?!\S)|\s{4}(?!\S)|\s{1,2}(?!\S)|\s)"};

static constexpr StringRef kTekken[] = {
    CASED("") R"(|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|)" LINES "|" SPACES};
static constexpr StringRef kGpt4o[] = {
    CASED(CONTRACTION "?") R"(|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|)" LINES
                           "|" SPACES};
static constexpr StringRef kTinyAya[] = {
    R"(\d{1,3}(?=(?:\d{3})*(?![\p{L}\p{M}\p{N}\p{Pc}])))", kGpt4o[0]};
static constexpr StringRef kYoutu[] = {
    R"([가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|[)"
    R"(一-龥぀-ゟ゠-ヿ]+)",
    CASED(CONTRACTION "?") R"(|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|)" LINES
                           "|" SPACES};
static constexpr StringRef kKimiK2[] = {
    R"(\p{Han}+|[^\r\n\p{L}\p{N}]?(?:(?!\p{Han})[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}])*(?:(?!\p{Han})[\p{Ll}\p{Lm}\p{Lo}\p{M}])+)" CONTRACTION
    R"(?|[^\r\n\p{L}\p{N}]?(?:(?!\p{Han})[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}])+(?:(?!\p{Han})[\p{Ll}\p{Lm}\p{Lo}\p{M}])*)" CONTRACTION
    R"(?|\p{N}{1,3}|)" MARKS "|" LINES "|" SPACES};

static constexpr StringRef kDeepseekLlm[] = {
    R"([\r\n])",
    R"(\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿ)"
    R"(ΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫ)"
    R"(ᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-ώᾀ-ᾴᾶ-ᾼιῂ-ῄῆ-ῌ)"
    R"(ῐ-ΐῖ-Ίῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤΩℨK-ℭℯ-ℴℹℼ-ℿⅅ-ⅉ)"
    R"(ⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗ)"
    R"(Ａ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃]+)",
    R"(\s?[!-/:-~！-／：-～‘-‟　-。]+)",
    R"(\s+$)",
    R"([一-龥ࠀ-一가-퟿]+)",
    R"(\p{N}+)"};
static constexpr StringRef kDeepseekCoder[] = {
    R"([\r\n])", R"(\s?\p{L}+)", R"(\s?\p{P}+)", kDeepseekLlm[4], R"(\p{N})"};
static constexpr StringRef kDeepseekV3[] = {
    R"(\p{N}{1,3})", HAN_KANA, DEEPSEEK_WORDS R"([\r\n]*|)" LINES "|" SPACES};
static constexpr StringRef kSpark[] = {
    R"(\p{N}{1,3})", HAN_KANA, DEEPSEEK_WORDS R"(|[\r\n]|)" SPACES, R"(\p{N})"};
static constexpr StringRef kAfmoe[] = {
    R"(\p{N}{1,3}(?=(?:\p{N}{3})*(?!\p{N})))",
    R"([一-鿿㐀-䶿\x{F900}-\x{FAFF}぀-ゟ゠-ヿ･-ﾟ⼀-⿟เ-๿຀-໿ក-៿က-႟ꩠ-ꩿꧠ-꧿)"
    R"(가-힯ᄀ-ᇿ]+)",
    DEEPSEEK_WORDS R"([\r\n]*|)" LINES "|" SPACES};

static constexpr StringRef kBloom[] = {R"( ?[^(\s|.,!?…。，、।۔،)]+)"};
static constexpr StringRef kViking[] = {kBloom[0], R"(\p{N})"};
static constexpr StringRef kLines[] = {R"([^\n]+|\n+)"};

/// In alphabetical order.
static constexpr PreTokenizer kPreTokenizers[] = {
    {.name = "a.x-4.0", .patterns = kGpt2},
    {.name = "afmoe", .patterns = kAfmoe},
    {.name = "bailingmoe", .patterns = kBailing},
    {.name = "bailingmoe2", .patterns = kBailing},
    {.name = "bloom", .patterns = kBloom},
    {.name = "chatglm-bpe", .patterns = kLlama3},
    {.name = "codeshell", .patterns = kDigits},
    {.name = "cohere2moe", .patterns = kTinyAya},
    {.name = "command-r", .patterns = kDigits},
    {.name = "dbrx", .patterns = kLlama3},
    {.name = "deepseek-coder", .patterns = kDeepseekCoder},
    {.name = "deepseek-llm", .patterns = kDeepseekLlm},
    {.name = "deepseek-r1-qwen", .patterns = kQwen2},
    {.name = "deepseek-v3", .patterns = kDeepseekV3},
    {.name = "default", .patterns = kDefault},
    {.name = "exaone", .patterns = kDigits},
    {.name = "exaone-moe", .patterns = kExaoneMoe},
    {.name = "exaone4", .patterns = kGpt2},
    {.name = "f2llmv2", .patterns = kQwen2},
    {.name = "falcon", .patterns = kFalcon},
    {.name = "falcon-h1",
     .patterns = kLlama3,
     .ignoresMerges = true,
     .addsBegin = true},
    {.name = "falcon3",
     .patterns = kLlama3,
     .ignoresMerges = true,
     .addsBegin = true},
    {.name = "gemma4", .patterns = kLines, .addsBegin = true, .isText = true},
    {.name = "gigachat", .patterns = kGpt2},
    {.name = "glm4", .patterns = kLlama3, .ignoresMerges = true},
    {.name = "glm5", .patterns = kLlama3, .ignoresMerges = true},
    {.name = "gpt-2", .patterns = kGpt2},
    {.name = "gpt-4o", .patterns = kGpt4o},
    {.name = "gpt3-finnish", .patterns = kBloom},
    {.name = "granite-docling", .patterns = kGpt2},
    {.name = "grok-2", .patterns = kQwen2},
    {.name = "hunyuan", .patterns = kQwen2},
    {.name = "hunyuan-dense", .patterns = kDeepseekV3},
    {.name = "hy_v4", .patterns = kDeepseekV3},
    {.name = "jais", .patterns = kGpt2},
    {.name = "jais-2", .patterns = kJais2},
    {.name = "joyai-llm", .patterns = kDeepseekV3},
    {.name = "kanana2", .patterns = kGpt4o},
    {.name = "kimi-k2", .patterns = kKimiK2},
    {.name = "kormo", .patterns = kQwen2},
    {.name = "laguna", .patterns = kLaguna},
    {.name = "lfm2",
     .patterns = kLlama3,
     .ignoresMerges = true,
     .addsBegin = true},
    {.name = "llada-moe", .patterns = kBailing},
    {.name = "llama-bpe",
     .patterns = kLlama3,
     .ignoresMerges = true,
     .addsBegin = true},
    {.name = "llama-v3",
     .patterns = kLlama3,
     .ignoresMerges = true,
     .addsBegin = true},
    {.name = "llama3",
     .patterns = kLlama3,
     .ignoresMerges = true,
     .addsBegin = true},
    {.name = "llama4", .patterns = kGpt4o},
    {.name = "megrez", .patterns = kQwen2},
    {.name = "mellum", .patterns = kGpt2},
    {.name = "mellum2", .patterns = kDigits},
    {.name = "midm-2.0",
     .patterns = kLlama3,
     .ignoresMerges = true,
     .addsBegin = true},
    {.name = "minerva-7b", .patterns = kDigits},
    {.name = "minicpm5", .patterns = kMinicpm5, .ignoresMerges = true},
    {.name = "minimax-m2", .patterns = kGpt4o},
    {.name = "mpt", .patterns = kGpt2},
    {.name = "olmo", .patterns = kGpt2},
    {.name = "phi-2", .patterns = kGpt2},
    {.name = "pixtral",
     .patterns = kLlama3,
     .ignoresMerges = true,
     .addsBegin = true},
    {.name = "poro-chat", .patterns = kBloom},
    {.name = "qwen2", .patterns = kQwen2},
    {.name = "qwen35", .patterns = kQwen35},
    {.name = "refact", .patterns = kDigits},
    {.name = "sarvam-moe", .patterns = kLines, .isText = true},
    {.name = "seed-coder", .patterns = kSeedCoder},
    {.name = "smaug-bpe", .patterns = kLlama3},
    {.name = "smollm", .patterns = kDigits},
    {.name = "solar-open", .patterns = kQwen2},
    {.name = "spark2_5", .patterns = kSpark},
    {.name = "stablelm2", .patterns = kQwen2},
    {.name = "starcoder", .patterns = kDigits},
    {.name = "talkie", .patterns = kGpt4o},
    {.name = "tekken",
     .patterns = kTekken,
     .ignoresMerges = true,
     .addsBegin = true},
    {.name = "tiny_aya", .patterns = kTinyAya},
    {.name = "trillion", .patterns = kGpt2},
    {.name = "ufakzeka", .patterns = kUfakzeka},
    {.name = "viking", .patterns = kViking},
    {.name = "youtu", .patterns = kYoutu, .ignoresMerges = true},
};

const PreTokenizer *moec::gguf::findPreTokenizer(StringRef name) {
  for (const PreTokenizer &entry : kPreTokenizers)
    if (entry.name == name)
      return &entry;
  return nullptr;
}

llvm::ArrayRef<PreTokenizer> moec::gguf::getPreTokenizers() {
  return kPreTokenizers;
}
