// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/tokenizer/Tokenizer.h"
#include <algorithm>
#include <utf8proc.h>

using namespace moec::tokenizer;

/// The leftmost added token of a text, the longest of those that begin there.
static const AddedToken *findFirst(const std::vector<AddedToken> &tokens,
                                   std::string_view text, size_t &at) {
  const AddedToken *best = nullptr;
  at = text.npos;
  for (const AddedToken &token : tokens) {
    size_t found = text.find(token.content);
    if (found < at) {
      at = found;
      best = &token;
    }
  }
  return best;
}

/// The length of the white space (of Unicode) at the front of a text.
static size_t leadingSpace(std::string_view text) {
  size_t length = 0;
  while (length < text.size()) {
    utf8proc_int32_t code = -1;
    std::string_view rest = text.substr(length);
    utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t *>(rest.data()),
                     static_cast<utf8proc_ssize_t>(rest.size()), &code);
    bool control = (code >= '\t' && code <= '\r') || code == 0x85;
    utf8proc_category_t category =
        code < 0 ? UTF8PROC_CATEGORY_CN : utf8proc_category(code);
    if (!control && category != UTF8PROC_CATEGORY_ZS &&
        category != UTF8PROC_CATEGORY_ZL && category != UTF8PROC_CATEGORY_ZP)
      break;
    length += characterLength(rest);
  }
  return length;
}

/// The length of a text without the white space at its end.
static size_t withoutTrailingSpace(std::string_view text) {
  size_t end = 0;
  for (size_t at = 0; at < text.size();) {
    size_t space = leadingSpace(text.substr(at));
    at += space;
    if (at < text.size()) {
      at += characterLength(text.substr(at));
      end = at;
    }
  }
  return end;
}

std::vector<int32_t> Tokenizer::encode(std::string_view text,
                                       bool special) const {
  std::vector<int32_t> ids;
  if (special)
    ids = prefix;
  bool first = true;
  while (!text.empty()) {
    size_t at;
    const AddedToken *token = findFirst(added, text, at);
    std::string_view before = text.substr(0, at);
    text.remove_prefix(std::min(text.size(), token ? at + token->content.size()
                                                   : text.size()));
    if (token && token->stripsLeft)
      before = before.substr(0, withoutTrailingSpace(before));
    encodePlain(before, first, ids);
    if (token) {
      ids.push_back(token->id);
      if (token->stripsRight)
        text.remove_prefix(leadingSpace(text));
    }
    first = false;
  }
  if (special)
    ids.insert(ids.end(), suffix.begin(), suffix.end());
  return ids;
}

void Tokenizer::encodePlain(std::string_view text, bool first,
                            std::vector<int32_t> &ids) const {
  for (const std::string &word : splitter.split(text, first))
    model.encode(word, ids);
}

std::string Tokenizer::decode(int32_t id) const {
  for (const AddedToken &token : added)
    if (token.id == id)
      return token.special ? "" : token.content;
  if (id < 0 || id >= static_cast<int32_t>(model.tokens.size()))
    return "";
  const std::string &token = model.tokens[static_cast<size_t>(id)];
  if (!spaceIsBlock)
    return bytesOfPrintable(token);
  if (token.size() == 6 && token.starts_with("<0x") && token.back() == '>')
    return std::string(
        1, static_cast<char>(std::strtol(token.c_str() + 3, nullptr, 16)));
  std::string text;
  std::string_view rest = token;
  constexpr std::string_view block = "\xE2\x96\x81";
  while (!rest.empty()) {
    bool isBlock = rest.starts_with(block);
    text += isBlock ? ' ' : rest.front();
    rest.remove_prefix(isBlock ? block.size() : 1);
  }
  return text;
}

std::string Tokenizer::decode(const std::vector<int32_t> &ids) const {
  std::string text;
  for (int32_t id : ids)
    text += decode(id);
  if (stripsFirstSpace && text.starts_with(' '))
    text.erase(0, 1);
  return text;
}

std::optional<int32_t> Tokenizer::find(std::string_view token) const {
  for (const AddedToken &candidate : added)
    if (candidate.content == token)
      return candidate.id;
  auto found = model.ids.find(std::string(token));
  if (found == model.ids.end())
    return std::nullopt;
  return found->second;
}
