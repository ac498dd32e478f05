// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/tokenizer/BytePairs.h"
#include <algorithm>
#include <cstdio>
#include <queue>

using namespace moec::tokenizer;

size_t moec::tokenizer::characterLength(std::string_view text) {
  auto lead = static_cast<unsigned char>(text[0]);
  size_t most = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  size_t length = 1;
  while (length < std::min(most, text.size()) &&
         (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80)
    ++length;
  return length;
}

std::vector<int32_t> BytePairs::splitCharacters(std::string_view word) const {
  std::vector<int32_t> symbols;
  bool lastUnknown = false;
  while (!word.empty()) {
    std::string character(word.substr(0, characterLength(word)));
    word.remove_prefix(character.size());
    auto found = ids.find(character);
    bool isUnknown = false;
    if (found != ids.end()) {
      symbols.push_back(found->second);
    } else {
      size_t begin = symbols.size();
      for (unsigned char byte : character) {
        char name[8];
        std::snprintf(name, sizeof(name), "<0x%02X>", byte);
        auto token = hasByteFallback ? ids.find(name) : ids.end();
        if (token == ids.end()) {
          isUnknown = true;
          break;
        }
        symbols.push_back(token->second);
      }
      if (isUnknown) {
        symbols.resize(begin);
        if (unknown >= 0 && !(fusesUnknown && lastUnknown))
          symbols.push_back(unknown);
      }
    }
    lastUnknown = isUnknown;
  }
  return symbols;
}

namespace {
/// A pair that may be merged: it still is one if both ends are as they were.
struct Candidate {
  int32_t rank;
  int32_t position;
  int32_t left, right, token;

  /// The lowest rank first, then the leftmost.
  bool operator<(const Candidate &other) const {
    return rank != other.rank ? rank > other.rank : position > other.position;
  }
};
} // namespace

void BytePairs::encode(std::string_view word, std::vector<int32_t> &out) const {
  if (ignoresMerges) {
    auto found = ids.find(std::string(word));
    if (found != ids.end()) {
      out.push_back(found->second);
      return;
    }
  }
  std::vector<int32_t> symbols = splitCharacters(word);
  auto count = static_cast<int32_t>(symbols.size());
  // A list of the symbols that are left; merged ones are -1.
  std::vector<int32_t> next(symbols.size()), previous(symbols.size());
  for (int32_t i = 0; i < count; ++i) {
    next[i] = i + 1;
    previous[i] = i - 1;
  }
  std::priority_queue<Candidate> queue;
  auto consider = [&](int32_t position) {
    if (position < 0 || next[position] >= count)
      return;
    int32_t left = symbols[position], right = symbols[next[position]];
    auto found = merges.find(pairOf(left, right));
    if (found != merges.end())
      queue.push(
          {found->second.rank, position, left, right, found->second.token});
  };
  for (int32_t i = 0; i + 1 < count; ++i)
    consider(i);
  while (!queue.empty()) {
    Candidate best = queue.top();
    queue.pop();
    int32_t at = best.position;
    if (symbols[at] != best.left || next[at] >= count ||
        symbols[next[at]] != best.right)
      continue;
    int32_t gone = next[at];
    symbols[at] = best.token;
    symbols[gone] = -1;
    next[at] = next[gone];
    if (next[at] < count)
      previous[next[at]] = at;
    consider(previous[at]);
    consider(at);
  }
  for (int32_t symbol : symbols)
    if (symbol >= 0)
      out.push_back(symbol);
}
