// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is a default, and which tokens end an answer, is as in llama.cpp's
// llama_vocab.

#include "importers/gguf/Tokenizer.h"
#include "importers/NearestNames.h"
#include "importers/Try.h"
#include "importers/gguf/PreTokenizers.h"
#include "weights/Gguf.h"
#include "weights/Json.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/JSON.h"
#include <cmath>
#include <tuple>
#include <unordered_map>

using namespace moec;
using namespace moec::gguf;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

namespace {

/// The numbers of `tokenizer.ggml.token_type`.
enum class TokenType : int64_t {
  Undefined,
  Normal,
  Unknown,
  Control,
  UserDefined,
  Unused,
  Byte,
};

constexpr StringRef kBlock = "\xE2\x96\x81"; // U+2581
// Longer ones are in no vocabulary, and cutting one in two is quadratic.
constexpr size_t kMaxPieceBytes = 512;

/// Tokens that end an answer wherever a vocabulary has them.
constexpr StringRef kEndTexts[] = {
    "<|eot_id|>",
    "<|im_end|>",
    "<|end|>",
    "<|return|>",
    "<|call|>",
    "<|flush|>",
    "<|calls|>",
    "<end_of_turn>",
    "<|endoftext|>",
    "</s>",
    "<|eom_id|>",
    "<EOT>",
    "_<EOT>",
    "[EOT]",
    "[EOS]",
    "<|end_of_text|>",
    "<eos>",
    "<turn|>",
    "[e~[",
    "<end_of_utterance>",
    "<|tool_response>",
    "<｜end▁of▁sentence｜>",
};

/// Keys of such tokens.
constexpr StringRef kEndKeys[] = {"eos_token_id",     "eot_token_id",
                                  "eom_token_id",     "fim_pad_token_id",
                                  "fim_rep_token_id", "fim_sep_token_id"};

class VocabularyReader {
public:
  explicit VocabularyReader(const GgufFile &file) : file(file) {}

  /// The kind of vocabulary, empty where there is none.
  Expected<std::string> readModel() const;
  Expected<StringRef> readPreTokenizer() const;
  /// The tokenizer as JSON; `pre` is null for SentencePiece.
  Expected<std::string> read(const PreTokenizer *pre);

  static std::string name(StringRef key) {
    return "tokenizer.ggml." + key.str();
  }

private:
  Error fail(StringRef key, const Twine &why) const {
    return llvm::createStringError(Twine(file.getTensors().getPath()) +
                                   ": key '" + name(key) + "': " + why);
  }
  Error failToken(size_t id, const Twine &why) const {
    return fail("tokens", "token " + Twine(id) + " " + why);
  }
  template <typename T>
  Expected<const T *> find(StringRef key, StringRef expected) const;
  Expected<bool> getFlag(StringRef key, bool otherwise) const;
  Expected<std::optional<int64_t>> getToken(StringRef key) const;

  Error readTokens();
  Error readTypes();
  Error readEnds();
  Error readScores();
  Expected<Json> readMerges() const;
  Json rankPieces() const;
  Expected<Json> readTemplate(const PreTokenizer *pre) const;
  Json makeAdded() const;

  const GgufFile &file;
  std::vector<std::string> tokens;
  std::unordered_map<std::string, int64_t> ids;
  std::vector<TokenType> types;
  std::vector<double> scores;
  std::vector<int64_t> ends;
};

} // namespace

//===----------------------------------------------------------------------===//
// Keys
//===----------------------------------------------------------------------===//

/// The value of a key, null where it is missing.
template <typename T>
Expected<const T *> VocabularyReader::find(StringRef key,
                                           StringRef expected) const {
  const GgufValue *value = file.find(name(key));
  if (value && !std::holds_alternative<T>(*value))
    return fail(key, "expected " + expected);
  return value ? std::get_if<T>(value) : nullptr;
}

Expected<bool> VocabularyReader::getFlag(StringRef key, bool otherwise) const {
  const bool *flag;
  MOEC_TRY(flag, find<bool>(key, "true or false"));
  return flag ? *flag : otherwise;
}

Expected<std::optional<int64_t>>
VocabularyReader::getToken(StringRef key) const {
  const int64_t *id;
  MOEC_TRY(id, find<int64_t>(key, "the number of a token"));
  if (!id)
    return std::nullopt;
  if (*id < 0 || *id >= static_cast<int64_t>(tokens.size()))
    return fail(key, "expected a token from 0 to " + Twine(tokens.size() - 1) +
                         ", found " + Twine(*id));
  return *id;
}

Expected<std::string> VocabularyReader::readModel() const {
  const std::string *model;
  MOEC_TRY(model, find<std::string>("model", "a string"));
  return model && *model != "no_vocab" && *model != "none" ? *model : "";
}

Expected<StringRef> VocabularyReader::readPreTokenizer() const {
  const std::string *pre;
  MOEC_TRY(pre, find<std::string>("pre", "a string"));
  return pre ? StringRef(*pre) : "";
}

//===----------------------------------------------------------------------===//
// Lists
//===----------------------------------------------------------------------===//

Error VocabularyReader::readTokens() {
  const std::vector<std::string> *list;
  MOEC_TRY(list, find<std::vector<std::string>>("tokens", "a list of strings"));
  if (!list || list->empty())
    return fail("tokens", "expected a list of strings, found none");
  const TensorEntry *embedding = file.getTensors().find("token_embd.weight");
  if (embedding && embedding->shape.size() == 2 &&
      static_cast<int64_t>(list->size()) > embedding->shape[0])
    return fail("tokens", "expected at most the " + Twine(embedding->shape[0]) +
                              " rows of token_embd.weight, found " +
                              Twine(list->size()));
  tokens = *list;
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (!llvm::json::isUTF8(tokens[i]))
      return failToken(i, "is not UTF-8");
    auto [first, isNew] = ids.try_emplace(tokens[i], static_cast<int64_t>(i));
    if (!isNew && !tokens[i].empty())
      return failToken(i, "is the same as token " + Twine(first->second));
  }
  ids.erase("");
  return Error::success();
}

Error VocabularyReader::readTypes() {
  const std::vector<int64_t> *list;
  MOEC_TRY(list,
           find<std::vector<int64_t>>("token_type", "a list of whole numbers"));
  types.assign(tokens.size(), TokenType::Normal);
  if (!list)
    return Error::success();
  if (list->size() != tokens.size())
    return fail("token_type", "expected a number for each of the " +
                                  Twine(tokens.size()) + " tokens, found " +
                                  Twine(list->size()));
  for (auto [i, type] : llvm::enumerate(*list)) {
    if (type < 0 || type > static_cast<int64_t>(TokenType::Byte))
      return fail("token_type", "token " + Twine(i) +
                                    ": expected a type from 0 to 6, found " +
                                    Twine(type));
    types[i] = static_cast<TokenType>(type);
  }
  return Error::success();
}

Error VocabularyReader::readEnds() {
  for (StringRef key : kEndKeys) {
    std::optional<int64_t> id;
    MOEC_TRY(id, getToken(key));
    if (id && !llvm::is_contained(ends, *id))
      ends.push_back(*id);
  }
  auto has = [&](const char *text) { return ids.contains(text); };
  // Harmony's <|end|> ends a message, after which others may follow.
  bool isHarmony = has("<|call|>") && has("<|return|>");
  isHarmony |= (has("<|call|>") || has("<|calls|>")) && has("<|flush|>");
  for (StringRef text : kEndTexts) {
    auto found = ids.find(text.str());
    if (found == ids.end() || llvm::is_contained(ends, found->second) ||
        types[found->second] == TokenType::Normal ||
        (isHarmony && text == "<|end|>"))
      continue;
    ends.push_back(found->second);
  }
  return Error::success();
}

Error VocabularyReader::readScores() {
  // Old files have whole numbers.
  const GgufValue *value = file.find(name("scores"));
  if (const auto *reals =
          value ? std::get_if<std::vector<double>>(value) : nullptr)
    scores = *reals;
  else if (const auto *whole =
               value ? std::get_if<std::vector<int64_t>>(value) : nullptr)
    scores.assign(whole->begin(), whole->end());
  if (scores.size() != tokens.size())
    return fail("scores", "expected a number for each of the " +
                              Twine(tokens.size()) + " tokens, found " +
                              Twine(scores.size()));
  for (auto [i, score] : llvm::enumerate(scores))
    if (!std::isfinite(score))
      return fail("scores", "token " + Twine(i) + ": expected a finite number");
  for (auto [i, token] : llvm::enumerate(tokens))
    if (token.size() > kMaxPieceBytes)
      return failToken(i, "has " + Twine(token.size()) +
                              " bytes, expected at most " +
                              Twine(kMaxPieceBytes));
  return Error::success();
}

//===----------------------------------------------------------------------===//
// Merges
//===----------------------------------------------------------------------===//

Expected<Json> VocabularyReader::readMerges() const {
  const std::vector<std::string> *list;
  MOEC_TRY(list, find<std::vector<std::string>>("merges", "a list of strings"));
  if (!list)
    return fail("merges", "expected a list of strings, found none");
  for (auto [i, merge] : llvm::enumerate(*list)) {
    size_t space = merge.find(' ', 1);
    std::string left = merge.substr(0, space);
    std::string right = space == merge.npos ? "" : merge.substr(space + 1);
    if (!ids.contains(left) || !ids.contains(right) ||
        !ids.contains(left + right))
      return fail("merges", "merge " + Twine(i) +
                                ": expected two tokens that make a third");
  }
  return Json(*list);
}

Json VocabularyReader::rankPieces() const {
  struct Merge {
    double score;
    int64_t token;
    size_t cut; ///< bytes of the left part
  };
  std::vector<Merge> merges;
  for (auto [i, token] : llvm::enumerate(tokens))
    for (size_t cut = 1; cut < token.size(); ++cut)
      if ((static_cast<unsigned char>(token[cut]) & 0xC0) != 0x80 &&
          ids.contains(token.substr(0, cut)) && ids.contains(token.substr(cut)))
        merges.push_back({scores[i], static_cast<int64_t>(i), cut});
  llvm::sort(merges, [](const Merge &a, const Merge &b) {
    return std::tuple(-a.score, a.token, a.cut) <
           std::tuple(-b.score, b.token, b.cut);
  });
  Json result = Json::array();
  int64_t rank = -1;
  for (auto [i, merge] : llvm::enumerate(merges)) {
    rank += i == 0 || merge.score != merges[i - 1].score;
    const std::string &token = tokens[merge.token];
    result.push_back(Json::array(
        {token.substr(0, merge.cut), token.substr(merge.cut), rank}));
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Parts of tokenizer.json
//===----------------------------------------------------------------------===//

/// The tokens that are put before and after every text.
Expected<Json> VocabularyReader::readTemplate(const PreTokenizer *pre) const {
  bool addsBegin, addsEnd;
  MOEC_TRY(addsBegin, getFlag("add_bos_token", !pre || pre->addsBegin));
  MOEC_TRY(addsEnd, getFlag("add_eos_token", false));
  Json order = Json::array(), described = Json::object();
  // SentencePiece's usual numbers are the defaults.
  auto add = [&](StringRef key, int64_t usual) -> Error {
    std::optional<int64_t> id;
    MOEC_TRY(id, getToken(key));
    if (!id && !pre && usual < static_cast<int64_t>(tokens.size()))
      id = usual;
    if (!id)
      return fail(key, "expected the number of a token, found none");
    const std::string &token = tokens[*id];
    order.push_back({{"SpecialToken", {{"id", token}, {"type_id", 0}}}});
    described[token] = {{"id", token},
                        {"ids", Json::array({*id})},
                        {"tokens", Json::array({token})}};
    return Error::success();
  };
  if (addsBegin)
    if (Error error = add("bos_token_id", 1))
      return error;
  order.push_back({{"Sequence", {{"id", "A"}, {"type_id", 0}}}});
  if (addsEnd)
    if (Error error = add("eos_token_id", 2))
      return error;
  return Json{{"type", "TemplateProcessing"},
              {"single", order},
              {"pair", Json::array()},
              {"special_tokens", described}};
}

/// Tokens that are found in a text before anything else.
Json VocabularyReader::makeAdded() const {
  Json result = Json::array();
  for (auto [i, token] : llvm::enumerate(tokens)) {
    bool isSpecial = types[i] == TokenType::Control ||
                     types[i] == TokenType::Unknown ||
                     llvm::is_contained(ends, static_cast<int64_t>(i));
    if (!token.empty() && (isSpecial || types[i] == TokenType::UserDefined))
      result.push_back({{"id", i},
                        {"content", token},
                        {"special", isSpecial},
                        {"single_word", false},
                        {"lstrip", false},
                        {"rstrip", false},
                        {"normalized", false}});
  }
  return result;
}

/// Words of bytes, written in GPT-2's table.
static Json makeByteLevel() {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", false},
          {"trim_offsets", true},
          {"use_regex", false}};
}

static Json makePreTokenizer(const PreTokenizer &pre) {
  Json steps = Json::array();
  for (StringRef pattern : pre.patterns)
    steps.push_back({{"type", "Split"},
                     {"pattern", {{"Regex", pattern.str()}}},
                     {"behavior", "Isolated"},
                     {"invert", false}});
  if (!pre.isText)
    steps.push_back(makeByteLevel());
  return {{"type", "Sequence"}, {"pretokenizers", steps}};
}

static Json makeReplace(StringRef from, StringRef to) {
  return {{"type", "Replace"},
          {"pattern", {{"String", from.str()}}},
          {"content", to.str()}};
}

/// Adds what writes spaces as blocks, and what takes that back.
static void addBlocks(Json &tokenizer, bool addsSpace) {
  Json before = Json::array({makeReplace(" ", kBlock)});
  Json after = Json::array({makeReplace(kBlock, " "),
                            {{"type", "ByteFallback"}},
                            {{"type", "Fuse"}}});
  if (addsSpace) {
    Json prepend = {{"type", "Prepend"}, {"prepend", kBlock.str()}};
    before.insert(before.begin(), std::move(prepend));
    after.push_back(
        {{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  }
  tokenizer["normalizer"] = {{"type", "Sequence"}, {"normalizers", before}};
  tokenizer["decoder"] = {{"type", "Sequence"}, {"decoders", after}};
}

Expected<std::string> VocabularyReader::read(const PreTokenizer *pre) {
  if (Error error = readTokens())
    return error;
  if (Error error = readTypes())
    return error;
  if (Error error = readEnds())
    return error;
  bool isText = !pre || pre->isText, addsSpace = false;
  Json tokenizer = {{"version", "1.0"},
                    {"end_ids", ends},
                    {"added_tokens", makeAdded()},
                    {"model",
                     {{"type", "BPE"},
                      {"byte_fallback", isText},
                      {"fuse_unk", false},
                      {"ignore_merges", pre && pre->ignoresMerges}}}};
  MOEC_TRY(tokenizer["post_processor"], readTemplate(pre));
  Json &model = tokenizer["model"];
  if (pre) {
    MOEC_TRY(model["merges"], readMerges());
    tokenizer["pre_tokenizer"] = makePreTokenizer(*pre);
  } else {
    if (Error error = readScores())
      return error;
    model["merges"] = rankPieces();
    MOEC_TRY(addsSpace, getFlag("add_space_prefix", true));
  }
  if (isText)
    addBlocks(tokenizer, addsSpace);
  else
    tokenizer["decoder"] = makeByteLevel();
  std::optional<int64_t> unknown;
  MOEC_TRY(unknown, getToken("unknown_token_id"));
  if (unknown || !pre)
    model["unk_token"] = tokens[unknown.value_or(0)];
  Json &vocabulary = model["vocab"] = Json::object();
  for (const auto &[token, id] : ids)
    vocabulary[token] = id;
  return tokenizer.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Expected<std::string>
moec::gguf::readTokenizer(StringRef path,
                          llvm::function_ref<void(const std::string &)> warn) {
  Expected<GgufFile> file = GgufFile::open(path);
  if (!file)
    return file.takeError();
  VocabularyReader reader(*file);
  std::string model;
  MOEC_TRY(model, reader.readModel());
  if (model.empty())
    return std::string();
  auto leaveOut = [&](StringRef key, StringRef value, const Twine &known) {
    warn((path + ": key '" + VocabularyReader::name(key) + "': '" + value +
          "' is not supported; " + known + "; the artifact has no tokenizer")
             .str());
    return std::string();
  };
  if (model == "llama")
    return reader.read(nullptr);
  if (model != "gpt2" && model != "gemma4")
    return leaveOut("model", model, "'gpt2', 'llama' and 'gemma4' are");
  StringRef name = model;
  if (model == "gpt2")
    MOEC_TRY(name, reader.readPreTokenizer());
  if (name.empty()) {
    warn((path + ": key '" + VocabularyReader::name("pre") +
          "': found none, words are cut in a way that may be not the model's")
             .str());
    name = "default";
  }
  if (const PreTokenizer *pre = findPreTokenizer(name))
    return reader.read(pre);
  std::vector<StringRef> names;
  for (const PreTokenizer &known : getPreTokenizers())
    names.push_back(known.name);
  return leaveOut("pre", name, listNearest(name, names));
}
