// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Text to token ids and back, as a tokenizer.json of Hugging Face's tokenizers
// library says: byte-pair encoding, over bytes (GPT-2 and later) or over
// characters with bytes as a fallback (SentencePiece).

#ifndef MOEC_TOOLS_TOKENIZER_TOKENIZER_H
#define MOEC_TOOLS_TOKENIZER_TOKENIZER_H

#include "tools/tokenizer/BytePairs.h"
#include "tools/tokenizer/Splitter.h"
#include <optional>

namespace moec::tokenizer {

/// A token that is found in the text before anything else.
struct AddedToken {
  int32_t id = 0;
  std::string content;
  bool special = false;    ///< not part of the decoded text
  bool stripsLeft = false; ///< takes white space before it, too
  bool stripsRight = false;
};

class Tokenizer {
public:
  /// Reads the text of a tokenizer.json. The error says which field, and what
  /// was expected.
  static std::optional<Tokenizer> parse(std::string_view json,
                                        std::string &error);

  /// `text` is UTF-8; invalid bytes are tokens of bytes where the vocabulary
  /// has them. `special` adds the tokens of the template (begin of text).
  std::vector<int32_t> encode(std::string_view text, bool special = true) const;

  /// The bytes that a token adds to a text. The text is UTF-8 only as a whole.
  std::string decode(int32_t id) const;
  /// The text of ids, without special tokens.
  std::string decode(const std::vector<int32_t> &ids) const;

  /// The tokens that end an answer: the field end_ids, which artifacts add.
  const std::vector<int32_t> &getEndIds() const { return endIds; }

  /// The id of a token of the vocabulary, or nothing.
  std::optional<int32_t> find(std::string_view token) const;

private:
  void encodePlain(std::string_view text, bool first,
                   std::vector<int32_t> &ids) const;

  BytePairs model;
  Splitter splitter;
  std::vector<AddedToken> added; ///< longest first
  std::vector<int32_t> prefix, suffix, endIds;
  /// SentencePiece writes a space as U+2581.
  bool spaceIsBlock = false;
  bool stripsFirstSpace = false;
};

} // namespace moec::tokenizer

#endif // MOEC_TOOLS_TOKENIZER_TOKENIZER_H
