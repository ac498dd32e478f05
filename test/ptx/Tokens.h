// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// PTX text as words, numbers, strings and punctuation.

#ifndef MOEC_TEST_PTX_TOKENS_H
#define MOEC_TEST_PTX_TOKENS_H

#include <string>
#include <string_view>
#include <vector>

namespace moec::ptx {

struct Token {
  std::string text;
  unsigned line = 0;
};

/// Comments are dropped; the last token is empty. A name includes its dots,
/// "%tid.x" and "ld.global.f32" are one token each.
std::vector<Token> tokenize(std::string_view text);

} // namespace moec::ptx

#endif // MOEC_TEST_PTX_TOKENS_H
