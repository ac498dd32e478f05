// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#define PCRE2_CODE_UNIT_WIDTH 8

#include "tools/tokenizer/Splitter.h"
#include "tools/tokenizer/BytePairs.h"
#include <array>
#include <cstdlib>
#include <pcre2.h>
#include <unordered_map>
#include <utf8proc.h>

using namespace moec::tokenizer;

static constexpr std::string_view kBlock = "\xE2\x96\x81"; // U+2581

std::shared_ptr<const Pattern> Pattern::compile(std::string_view expression,
                                                std::string &error) {
  int code = 0;
  PCRE2_SIZE offset = 0;
  pcre2_code *compiled = pcre2_compile(
      reinterpret_cast<PCRE2_SPTR>(expression.data()), expression.size(),
      PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF, &code, &offset, nullptr);
  if (!compiled) {
    char text[256] = "";
    pcre2_get_error_message(code, reinterpret_cast<PCRE2_UCHAR *>(text),
                            sizeof(text));
    error = "the pattern '" + std::string(expression) + "' is not valid at " +
            std::to_string(offset) + ": " + text;
    return nullptr;
  }
  pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE);
  auto pattern = std::make_shared<Pattern>();
  pattern->code = {compiled, pcre2_code_free};
  return pattern;
}

std::vector<std::string> Pattern::split(std::string_view text, Cut cut,
                                        bool inverted) const {
  // Ranges of the text, and whether each is a match.
  std::vector<std::pair<std::string_view, bool>> ranges;
  std::unique_ptr<pcre2_match_data, decltype(&pcre2_match_data_free)> match(
      pcre2_match_data_create_from_pattern(code.get(), nullptr),
      pcre2_match_data_free);
  size_t done = 0, from = 0;
  while (from <= text.size() &&
         pcre2_match(code.get(), reinterpret_cast<PCRE2_SPTR>(text.data()),
                     text.size(), from, 0, match.get(), nullptr) > 0) {
    const PCRE2_SIZE *range = pcre2_get_ovector_pointer(match.get());
    if (range[1] == range[0]) { // An empty match cuts nothing.
      from = range[1] < text.size()
                 ? range[1] + characterLength(text.substr(range[1]))
                 : text.size() + 1;
      continue;
    }
    if (range[0] > done)
      ranges.emplace_back(text.substr(done, range[0] - done), inverted);
    ranges.emplace_back(text.substr(range[0], range[1] - range[0]), !inverted);
    done = from = range[1];
  }
  if (done < text.size())
    ranges.emplace_back(text.substr(done), inverted);

  std::vector<std::string> words;
  bool joinsNext = false, afterWord = false;
  for (auto &[range, matched] : ranges) {
    if (matched && cut == Cut::Removed) {
      afterWord = false;
      continue;
    }
    bool joins =
        joinsNext || (matched && cut == Cut::WithPrevious && afterWord);
    if (joins)
      words.back() += range;
    else
      words.emplace_back(range);
    joinsNext = matched && cut == Cut::WithNext;
    afterWord = !matched;
  }
  return words;
}

/// Bytes that are printable in Latin-1 stand for themselves, the others for
/// characters from U+0100 on.
static std::array<std::string, 256> makePrintable() {
  std::array<std::string, 256> table;
  int next = 0x100;
  for (int byte = 0; byte < 256; ++byte) {
    bool printable = (byte >= '!' && byte <= '~') ||
                     (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
    int character = printable ? byte : next++;
    utf8proc_uint8_t encoded[4];
    auto length = utf8proc_encode_char(character, encoded);
    table[byte].assign(reinterpret_cast<char *>(encoded),
                       static_cast<size_t>(length));
  }
  return table;
}

const std::string &moec::tokenizer::printableOf(unsigned char byte) {
  static const std::array<std::string, 256> table = makePrintable();
  return table[byte];
}

std::string moec::tokenizer::bytesOfPrintable(std::string_view token) {
  static const std::unordered_map<std::string, char> bytes = [] {
    std::unordered_map<std::string, char> map;
    for (int byte = 0; byte < 256; ++byte)
      map[printableOf(static_cast<unsigned char>(byte))] =
          static_cast<char>(byte);
    return map;
  }();
  std::string result;
  while (!token.empty()) {
    std::string character(token.substr(0, characterLength(token)));
    token.remove_prefix(character.size());
    auto found = bytes.find(character);
    if (found == bytes.end())
      result += character;
    else
      result += found->second;
  }
  return result;
}

static std::string replaceAll(std::string_view text, std::string_view from,
                              std::string_view to) {
  std::string result;
  while (true) {
    size_t at = from.empty() ? text.npos : text.find(from);
    result += text.substr(0, at);
    if (at == text.npos)
      return result;
    result += to;
    text.remove_prefix(at + from.size());
  }
}

static std::string compose(const std::string &text, bool compatibly) {
  utf8proc_uint8_t *composed = nullptr;
  int options =
      UTF8PROC_STABLE | UTF8PROC_COMPOSE | (compatibly ? UTF8PROC_COMPAT : 0);
  auto length =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t *>(text.data()),
                   static_cast<utf8proc_ssize_t>(text.size()), &composed,
                   static_cast<utf8proc_option_t>(options));
  if (length < 0)
    return text; // not UTF-8: its bytes are what there is
  std::string result(reinterpret_cast<char *>(composed),
                     static_cast<size_t>(length));
  std::free(composed);
  return result;
}

/// SentencePiece's form of a text: blocks for spaces, cut before each.
static std::vector<std::string> splitMetaspace(const SplitStep &step,
                                               std::string text, bool first) {
  text = replaceAll(text, " ", kBlock);
  bool wanted = step.addsSpace && (first || !step.onlyFirst);
  if (wanted && !text.starts_with(kBlock))
    text = std::string(kBlock) + text;
  if (!step.cutsAtSpaces)
    return {text};
  std::vector<std::string> words;
  size_t begin = 0;
  while (begin < text.size()) {
    size_t end = text.find(kBlock, begin + 1);
    words.push_back(text.substr(begin, end - begin));
    begin = std::min(end, text.size());
  }
  return words;
}

static std::vector<std::string> splitDigits(std::string_view text) {
  std::vector<std::string> words;
  bool open = false;
  while (!text.empty()) {
    std::string character(text.substr(0, characterLength(text)));
    text.remove_prefix(character.size());
    utf8proc_int32_t code = -1;
    utf8proc_iterate(
        reinterpret_cast<const utf8proc_uint8_t *>(character.data()),
        static_cast<utf8proc_ssize_t>(character.size()), &code);
    auto category = code < 0 ? UTF8PROC_CATEGORY_CN : utf8proc_category(code);
    bool digit = category == UTF8PROC_CATEGORY_ND ||
                 category == UTF8PROC_CATEGORY_NL ||
                 category == UTF8PROC_CATEGORY_NO;
    if (digit || !open)
      words.push_back(character);
    else
      words.back() += character;
    open = !digit;
  }
  return words;
}

static std::vector<std::string> apply(const SplitStep &step, std::string text,
                                      bool first) {
  switch (step.kind) {
  case SplitStep::Match:
    return step.pattern->split(text, step.cut, step.inverted);
  case SplitStep::Metaspace:
    return splitMetaspace(step, std::move(text), first);
  case SplitStep::Digits:
    return splitDigits(text);
  case SplitStep::Bytes:
    break;
  }
  if (step.addsSpace && !text.starts_with(' '))
    text = " " + text;
  std::vector<std::string> words = {text};
  if (step.pattern)
    words = step.pattern->split(text, Cut::Isolated, false);
  for (std::string &word : words) {
    std::string printable;
    for (char byte : word)
      printable += printableOf(static_cast<unsigned char>(byte));
    word = printable;
  }
  return words;
}

std::vector<std::string> Splitter::split(std::string_view text,
                                         bool first) const {
  std::string normal(text);
  if (normal.empty())
    return {};
  if (composes || composesCompatibly)
    normal = compose(normal, composesCompatibly);
  normal = prepend + normal;
  for (const Replacement &replacement : replacements)
    normal = replaceAll(normal, replacement.from, replacement.to);
  std::vector<std::string> words = {normal};
  for (const SplitStep &step : steps) {
    std::vector<std::string> parts;
    for (const std::string &word : words) {
      bool isFirst = first && &word == &words.front();
      for (std::string &part : apply(step, word, isFirst))
        parts.push_back(std::move(part));
    }
    words = std::move(parts);
  }
  return words;
}
