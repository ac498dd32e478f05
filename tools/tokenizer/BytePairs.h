// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Byte-pair encoding of one word: the pair of neighbours with the lowest rank
// is merged until no pair has one. Sennrich et al., 2016.

#ifndef MOEC_TOOLS_TOKENIZER_BYTEPAIRS_H
#define MOEC_TOOLS_TOKENIZER_BYTEPAIRS_H

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace moec::tokenizer {

class BytePairs {
public:
  /// What a pair of tokens becomes.
  struct Merge {
    int32_t rank;
    int32_t token;
  };

  std::vector<std::string> tokens; ///< by id
  std::unordered_map<std::string, int32_t> ids;
  /// By the pair of ids, the left one in the upper half.
  std::unordered_map<uint64_t, Merge> merges;
  int32_t unknown = -1;
  /// Characters that are no token become tokens of their bytes, "<0x0A>".
  bool hasByteFallback = false;
  /// A word that is a token is taken as it is.
  bool ignoresMerges = false;
  /// Neighbouring unknown characters are one unknown token.
  bool fusesUnknown = false;

  static uint64_t pairOf(int32_t left, int32_t right) {
    return uint64_t(uint32_t(left)) << 32 | uint32_t(right);
  }

  /// Appends the ids of a word, in time O(n log n).
  void encode(std::string_view word, std::vector<int32_t> &out) const;

private:
  std::vector<int32_t> splitCharacters(std::string_view word) const;
};

/// The length of the UTF-8 character at the front of `text`, at least 1.
size_t characterLength(std::string_view text);

} // namespace moec::tokenizer

#endif // MOEC_TOOLS_TOKENIZER_BYTEPAIRS_H
