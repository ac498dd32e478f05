// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/ptx/Tokens.h"

#include <cctype>

using namespace moec::ptx;

std::vector<Token> moec::ptx::tokenize(std::string_view text) {
  std::vector<Token> tokens;
  unsigned line = 1;
  auto isName = [](char c) {
    return isalnum((unsigned char)c) || c == '_' || c == '$' || c == '.' ||
           c == '%';
  };
  for (size_t i = 0; i < text.size();) {
    char c = text[i];
    if (c == '\n') {
      ++line;
      ++i;
    } else if (isspace((unsigned char)c)) {
      ++i;
    } else if (text.substr(i, 2) == "//") {
      while (i < text.size() && text[i] != '\n')
        ++i;
    } else if (text.substr(i, 2) == "/*") {
      for (; i < text.size() && text.substr(i, 2) != "*/"; ++i)
        line += text[i] == '\n';
      i += 2;
    } else if (c == '"') {
      size_t end = text.find('"', i + 1);
      end = end == std::string_view::npos ? text.size() : end + 1;
      tokens.push_back({std::string(text.substr(i, end - i)), line});
      i = end;
    } else if (isName(c)) {
      size_t begin = i;
      while (i < text.size() && (isName(text[i]) || text.substr(i, 2) == "::" ||
                                 (text[i] == ':' && i && text[i - 1] == ':')))
        ++i;
      tokens.push_back({std::string(text.substr(begin, i - begin)), line});
    } else {
      tokens.push_back({std::string(1, c), line});
      ++i;
    }
  }
  tokens.push_back({"", line});
  return tokens;
}
