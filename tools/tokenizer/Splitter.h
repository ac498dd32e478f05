// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What happens to a text before byte pairs are merged: normalisation, and the
// cut into words.

#ifndef MOEC_TOOLS_TOKENIZER_SPLITTER_H
#define MOEC_TOOLS_TOKENIZER_SPLITTER_H

#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct pcre2_real_code_8;

namespace moec::tokenizer {

/// How a pattern cuts: what it matches is a word of its own, is dropped, or
/// joins the word before or after it.
enum class Cut { Isolated, Removed, WithPrevious, WithNext };

/// A regular expression, as PCRE2 understands it.
class Pattern {
public:
  /// Null, and why, for an expression that cannot be compiled.
  static std::shared_ptr<const Pattern> compile(std::string_view expression,
                                                std::string &error);

  /// Cuts a text; `inverted` exchanges matches and what is between them.
  std::vector<std::string> split(std::string_view text, Cut cut,
                                 bool inverted) const;

private:
  std::shared_ptr<pcre2_real_code_8> code;
};

/// One step of the cut.
struct SplitStep {
  enum Kind {
    Match,     ///< cuts by `pattern`
    Bytes,     ///< writes each byte as a printable character (GPT-2's table)
    Metaspace, ///< writes a space as U+2581, in front of every word
    Digits     ///< every digit is a word
  };
  Kind kind;
  std::shared_ptr<const Pattern> pattern;
  Cut cut = Cut::Isolated;
  bool inverted = false;
  bool addsSpace = false; ///< in front of the text, if it has none
  bool onlyFirst = false; ///< adds it to the first part of a text only
  bool cutsAtSpaces = false;
};

struct Replacement {
  std::string from, to;
};

class Splitter {
public:
  bool composes = false;           ///< Unicode form NFC
  bool composesCompatibly = false; ///< NFKC
  std::string prepend;             ///< to a text that is not empty
  std::vector<Replacement> replacements;
  std::vector<SplitStep> steps;

  /// The words of a text. `first`: it is the beginning of the whole text.
  std::vector<std::string> split(std::string_view text, bool first) const;
};

/// GPT-2's printable character for each byte, in UTF-8.
const std::string &printableOf(unsigned char byte);
/// The bytes that a token of such characters stands for; other characters
/// stand for themselves.
std::string bytesOfPrintable(std::string_view token);

} // namespace moec::tokenizer

#endif // MOEC_TOOLS_TOKENIZER_SPLITTER_H
