// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads tokenizer.json. What is not understood is an error, since a text that
// is cut in another way gives other ids.

#include "tools/tokenizer/TokenizerJson.h"
#include <algorithm>

using namespace moec::tokenizer;

namespace {
constexpr int64_t kMaxTokens = 1 << 24;
constexpr int kMaxDepth = 16;
// GPT-2's words, which ByteLevel uses if nothing else cuts.
constexpr std::string_view kWords =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

std::string typeOf(const Json &value) {
  auto type = value.is_object() ? value.find("type") : value.end();
  return type != value.end() && type->is_string() ? type->get<std::string>()
                                                  : "";
}

bool getFlag(const Json &object, const char *name, bool otherwise) {
  auto found = object.find(name);
  return found != object.end() && found->is_boolean() ? found->get<bool>()
                                                      : otherwise;
}

std::string getText(const Json &object, const char *name) {
  auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>()
                                                     : "";
}

std::optional<int32_t> getId(const Json &value) {
  if (!value.is_number_integer())
    return std::nullopt;
  auto id = value.get<int64_t>();
  if (id < 0 || id >= kMaxTokens)
    return std::nullopt;
  return static_cast<int32_t>(id);
}
} // namespace

bool JsonReader::fail(const std::string &text) {
  if (error.empty())
    error = text;
  return false;
}

/// The expression of {"Regex": ..} or, with special characters escaped, of
/// {"String": ..}.
std::shared_ptr<const Pattern> JsonReader::readPattern(const Json &step) {
  auto pattern = step.find("pattern");
  if (pattern == step.end() || !pattern->is_object()) {
    fail("pre_tokenizer: expected an object 'pattern'");
    return nullptr;
  }
  std::string expression = getText(*pattern, "Regex");
  if (expression.empty())
    for (char c : getText(*pattern, "String")) {
      if (std::string_view("\\^$.|?*+()[]{}#- ").find(c) != std::string::npos)
        expression += '\\';
      expression += c;
    }
  return Pattern::compile(expression, error);
}

bool JsonReader::readNormalizer(const Json &value, Splitter &splitter,
                                int depth) {
  if (value.is_null())
    return true;
  std::string type = typeOf(value);
  if (type == "Sequence" && depth < kMaxDepth &&
      value.contains("normalizers")) {
    for (const Json &part : value["normalizers"])
      if (!readNormalizer(part, splitter, depth + 1))
        return false;
    return true;
  }
  if (type == "NFC" || type == "NFKC") {
    (type == "NFC" ? splitter.composes : splitter.composesCompatibly) = true;
    return true;
  }
  if (type == "Prepend") {
    splitter.prepend = getText(value, "prepend");
    return true;
  }
  if (type == "Replace" && value.contains("pattern") &&
      !getText(value["pattern"], "String").empty()) {
    splitter.replacements.push_back(
        {getText(value["pattern"], "String"), getText(value, "content")});
    return true;
  }
  return fail("normalizer: type '" + type + "' is not supported");
}

bool JsonReader::readSplit(const Json &value, Splitter &splitter) {
  static constexpr std::pair<std::string_view, Cut> cuts[] = {
      {"Isolated", Cut::Isolated},
      {"Removed", Cut::Removed},
      {"MergedWithPrevious", Cut::WithPrevious},
      {"MergedWithNext", Cut::WithNext},
  };
  std::string behavior = getText(value, "behavior");
  auto *cut = std::find_if(std::begin(cuts), std::end(cuts), [&](auto &entry) {
    return entry.first == behavior;
  });
  if (cut == std::end(cuts))
    return fail("pre_tokenizer: the behavior '" + behavior +
                "' of Split is not supported");
  SplitStep step = {SplitStep::Match, readPattern(value)};
  step.cut = cut->second;
  step.inverted = getFlag(value, "invert", false);
  splitter.steps.push_back(step);
  return step.pattern != nullptr;
}

bool JsonReader::readPreTokenizer(const Json &value, Splitter &splitter,
                                  int depth) {
  if (value.is_null())
    return true;
  std::string type = typeOf(value);
  if (type == "Sequence" && depth < kMaxDepth &&
      value.contains("pretokenizers")) {
    for (const Json &part : value["pretokenizers"])
      if (!readPreTokenizer(part, splitter, depth + 1))
        return false;
    return true;
  }
  if (type == "Split")
    return readSplit(value, splitter);
  if (type == "ByteLevel") {
    SplitStep step = {SplitStep::Bytes, nullptr};
    step.addsSpace = getFlag(value, "add_prefix_space", true);
    if (getFlag(value, "use_regex", true))
      step.pattern = Pattern::compile(kWords, error);
    splitter.steps.push_back(step);
    return error.empty();
  }
  if (type == "Metaspace") {
    std::string scheme = getText(value, "prepend_scheme");
    SplitStep step = {SplitStep::Metaspace, nullptr};
    step.addsSpace = scheme.empty() ? getFlag(value, "add_prefix_space", true)
                                    : scheme != "never";
    step.onlyFirst = scheme == "first";
    step.cutsAtSpaces = getFlag(value, "split", true);
    splitter.steps.push_back(step);
    return true;
  }
  if (type == "Digits" && getFlag(value, "individual_digits", false)) {
    splitter.steps.push_back({SplitStep::Digits, nullptr});
    return true;
  }
  return fail("pre_tokenizer: type '" + type + "' is not supported");
}

/// A merge is "a b", ["a", "b"] or ["a", "b", rank]; without a rank it comes
/// after the one before it.
bool JsonReader::readMerge(const Json &value, BytePairs &model) {
  std::string left, right;
  if (value.is_string()) {
    auto text = value.get<std::string>();
    size_t space = text.find(' ', 1);
    if (space != text.npos) {
      left = text.substr(0, space);
      right = text.substr(space + 1);
    }
  } else if (value.is_array() && (value.size() == 2 || value.size() == 3) &&
             value[0].is_string() && value[1].is_string()) {
    left = value[0].get<std::string>();
    right = value[1].get<std::string>();
  }
  auto a = model.ids.find(left), b = model.ids.find(right);
  auto whole = model.ids.find(left + right);
  if (a == model.ids.end() || b == model.ids.end() || whole == model.ids.end())
    return fail("model.merges[" + std::to_string(model.merges.size()) +
                "]: expected two tokens that make a third");
  auto rank = static_cast<int32_t>(model.merges.size());
  if (value.size() == 3) {
    if (!value[2].is_number_integer())
      return fail("model.merges[" + std::to_string(model.merges.size()) +
                  "]: expected a whole number as rank");
    rank = value[2].get<int32_t>();
  }
  model.merges.try_emplace(BytePairs::pairOf(a->second, b->second),
                           BytePairs::Merge{rank, whole->second});
  return true;
}

bool JsonReader::readModel(const Json &value, BytePairs &model) {
  // Old files leave the type out.
  std::string type = typeOf(value);
  if (!value.is_object() || (!type.empty() && type != "BPE"))
    return fail("model: expected type 'BPE', found '" + type + "'");
  auto vocabulary = value.find("vocab");
  auto merges = value.find("merges");
  if (vocabulary == value.end() || !vocabulary->is_object() ||
      merges == value.end() || !merges->is_array())
    return fail("model: expected an object 'vocab' and an array 'merges'");
  for (const auto &[token, number] : vocabulary->items()) {
    std::optional<int32_t> id = getId(number);
    if (!id)
      return fail("model.vocab: token '" + token + "' has no id below " +
                  std::to_string(kMaxTokens));
    if (static_cast<size_t>(*id) >= model.tokens.size())
      model.tokens.resize(static_cast<size_t>(*id) + 1);
    model.tokens[static_cast<size_t>(*id)] = token;
    model.ids[token] = *id;
  }
  for (const Json &merge : *merges)
    if (!readMerge(merge, model))
      return false;
  model.hasByteFallback = getFlag(value, "byte_fallback", false);
  model.ignoresMerges = getFlag(value, "ignore_merges", false);
  model.fusesUnknown = getFlag(value, "fuse_unk", false);
  auto unknown = model.ids.find(getText(value, "unk_token"));
  if (unknown != model.ids.end())
    model.unknown = unknown->second;
  return true;
}

bool JsonReader::readAddedTokens(const Json &value,
                                 std::vector<AddedToken> &added) {
  for (const Json &entry : value) {
    std::optional<int32_t> id = entry.is_object() && entry.contains("id")
                                    ? getId(entry["id"])
                                    : std::nullopt;
    std::string content =
        entry.is_object() ? getText(entry, "content") : std::string();
    if (!id || content.empty())
      return fail("added_tokens: expected entries with 'id' and 'content'");
    added.push_back({*id, content, getFlag(entry, "special", false),
                     getFlag(entry, "lstrip", false),
                     getFlag(entry, "rstrip", false)});
  }
  std::sort(added.begin(), added.end(), [](auto &a, auto &b) {
    return std::pair(b.content.size(), a.id) <
           std::pair(a.content.size(), b.id);
  });
  return true;
}

/// The tokens before and after one text in a TemplateProcessing.
bool JsonReader::readTemplate(const Json &value, std::vector<int32_t> &prefix,
                              std::vector<int32_t> &suffix, int depth) {
  std::string type = typeOf(value);
  if (type == "Sequence" && depth < kMaxDepth && value.contains("processors")) {
    for (const Json &part : value["processors"])
      if (!readTemplate(part, prefix, suffix, depth + 1))
        return false;
    return true;
  }
  if (value.is_null() || type == "ByteLevel")
    return true;
  if (type != "TemplateProcessing" || !value.contains("single") ||
      !value.contains("special_tokens"))
    return fail("post_processor: type '" + type + "' is not supported");
  bool after = false;
  for (const Json &part : value["single"]) {
    if (!part.is_object() || !part.contains("SpecialToken")) {
      after = true;
      continue;
    }
    std::string name = getText(part["SpecialToken"], "id");
    const Json &tokens = value["special_tokens"];
    if (!tokens.is_object() || !tokens.contains(name) ||
        !tokens[name].is_object() || !tokens[name].contains("ids"))
      return fail("post_processor: the special token '" + name +
                  "' is not described");
    for (const Json &number : tokens[name]["ids"]) {
      std::optional<int32_t> id = getId(number);
      if (!id)
        return fail("post_processor: the special token '" + name +
                    "' has no id");
      (after ? suffix : prefix).push_back(*id);
    }
  }
  return true;
}

/// Whether the decoder takes the first space away.
bool JsonReader::stripsFirstSpace(const Json &decoder) {
  if (typeOf(decoder) == "Metaspace")
    return getText(decoder, "prepend_scheme") != "never" &&
           getFlag(decoder, "add_prefix_space", true);
  if (typeOf(decoder) != "Sequence" || !decoder.contains("decoders"))
    return false;
  for (const Json &part : decoder["decoders"])
    if (typeOf(part) == "Strip" && part.contains("start") &&
        part["start"].is_number_integer())
      return part["start"].get<int64_t>() > 0;
  return false;
}

std::optional<Tokenizer> Tokenizer::parse(std::string_view text,
                                          std::string &error) {
  // A callback that looks at the depth keeps hostile nesting off the stack.
  bool tooDeep = false;
  Json document = Json::parse(
      text,
      [&](int depth, Json::parse_event_t, Json &) {
        tooDeep |= depth > kMaxDepth;
        return !tooDeep;
      },
      /*allow_exceptions=*/false);
  if (document.is_discarded() || !document.is_object() || tooDeep) {
    error = "expected an object in JSON";
    return std::nullopt;
  }
  auto field = [&](const char *name) {
    auto found = document.find(name);
    return found == document.end() ? Json() : *found;
  };
  Tokenizer result;
  JsonReader reader;
  Json decoder = field("decoder");
  bool ok = reader.readModel(field("model"), result.model) &&
            reader.readAddedTokens(field("added_tokens"), result.added) &&
            reader.readNormalizer(field("normalizer"), result.splitter) &&
            reader.readPreTokenizer(field("pre_tokenizer"), result.splitter) &&
            reader.readTemplate(field("post_processor"), result.prefix,
                                result.suffix);
  if (!ok) {
    error = reader.error;
    return std::nullopt;
  }
  for (const Json &number : field("end_ids"))
    if (std::optional<int32_t> id = getId(number))
      result.endIds.push_back(*id);
  result.spaceIsBlock = typeOf(decoder) != "ByteLevel";
  result.stripsFirstSpace = JsonReader::stripsFirstSpace(decoder);
  return result;
}
