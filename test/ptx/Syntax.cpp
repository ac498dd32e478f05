// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/ptx/Syntax.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <cstring>
#include <optional>

using namespace moec::ptx;

namespace {

struct Token {
  std::string text;
  unsigned line = 0;
};

std::vector<Token> tokenize(std::string_view text) {
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

/// %laneid and %tid, %ntid, %ctaid, %nctaid with .x, .y or .z.
bool isSpecial(const std::string &name) {
  size_t dot = name.find('.');
  if (dot == std::string::npos)
    return name == "%laneid";
  std::string root = name.substr(0, dot), part = name.substr(dot);
  return (root == "%tid" || root == "%ntid" || root == "%ctaid" ||
          root == "%nctaid") &&
         (part == ".x" || part == ".y" || part == ".z");
}

size_t bytesOfType(const std::string &type) {
  size_t digit = type.find_first_of("0123456789");
  if (type.empty() || type[0] != '.' || digit == std::string::npos)
    return 0;
  size_t bytes = strtoul(type.c_str() + digit, nullptr, 10) / 8;
  return type.ends_with("x2") && type != ".f16x2" && type != ".bf16x2" ? 0
                                                                       : bytes;
}

class Parser {
public:
  Parser(std::string_view text, Syntax &syntax)
      : tokens(tokenize(text)), syntax(syntax) {}

  std::string run() {
    while (error.empty() && !peek().empty())
      topLevel();
    return error;
  }

private:
  const std::string &peek(size_t ahead = 0) {
    return tokens[std::min(position + ahead, tokens.size() - 1)].text;
  }
  std::string next() {
    std::string text = peek();
    position = std::min(position + 1, tokens.size() - 1);
    return text;
  }
  void fail(const std::string &what) {
    if (error.empty())
      error = "line " + std::to_string(tokens[position].line) + ": " + what;
  }
  bool accept(const char *text) {
    if (peek() != text)
      return false;
    next();
    return true;
  }
  void expect(const char *text) {
    if (!accept(text))
      fail("expected '" + std::string(text) + "', found '" + peek() + "'");
  }
  void skipLine() {
    unsigned line = tokens[position].line;
    while (!peek().empty() && tokens[position].line == line)
      next();
  }

  void topLevel() {
    const std::string &word = peek();
    if (word == ".version" || word == ".address_size" || word == ".file") {
      skipLine();
    } else if (accept(".target")) {
      syntax.target = next();
      while (accept(","))
        next();
    } else if (word == ".visible" || word == ".weak" || word == ".extern") {
      external = word == ".extern";
      next();
    } else if (accept(".entry")) {
      kernel();
    } else if (word == ".shared" || word == ".global" || word == ".const") {
      if (auto variable = declaration())
        syntax.variables.push_back(*variable);
    } else {
      fail("unknown directive '" + word + "'");
    }
  }

  /// .shared .align 16 .b8 name[1024];
  std::optional<Variable> declaration() {
    Variable variable;
    variable.space = next().substr(1);
    variable.external = external;
    external = false;
    size_t element = 0;
    while (peek().starts_with(".")) {
      std::string word = next();
      if (word == ".align")
        variable.align = strtoul(next().c_str(), nullptr, 0);
      else if (size_t bytes = bytesOfType(word))
        element = bytes;
      else if (word != ".ptr" && word != ".global" && word != ".shared")
        fail("unknown attribute '" + word + "' of a variable");
    }
    variable.align = std::max(variable.align, element);
    variable.name = next();
    variable.bytes = element;
    while (accept("[")) {
      variable.bytes *= peek() == "]" ? 0 : strtoul(next().c_str(), nullptr, 0);
      expect("]");
    }
    if (peek() == "=")
      fail("initialised variables are not supported");
    if (peek() == ";")
      next();
    if (!error.empty() || element == 0) {
      fail("variable without a type");
      return std::nullopt;
    }
    return variable;
  }

  void kernel() {
    function = Function();
    function.name = next();
    scopes.assign(1, {});
    labels.clear();
    branches.clear();
    if (accept("(")) {
      while (error.empty() && !accept(")")) {
        if (auto parameter = declaration())
          function.parameters.push_back(*parameter);
        accept(",");
      }
    }
    while (error.empty() && peek() != "{") {
      std::string word = next();
      if (word != ".maxntid" && word != ".reqntid" && word != ".minnctapersm")
        return fail("unknown directive '" + word + "'");
      uint32_t count = strtoul(next().c_str(), nullptr, 0);
      while (accept(","))
        count *= strtoul(next().c_str(), nullptr, 0);
      if (word != ".minnctapersm")
        function.maxThreads = count;
    }
    expect("{");
    block();
    for (auto &[index, name, open] : branches) {
      const size_t *found = nullptr;
      for (size_t i = open.size(); i-- && !found;)
        if (auto it = labels.find({open[i], name}); it != labels.end())
          found = &it->second;
      if (!found && error.empty())
        error = "line " + std::to_string(function.body[index].line) +
                ": no label '" + name + "'";
      if (found)
        function.body[index].target = *found;
    }
    syntax.kernels.push_back(std::move(function));
  }

  void block() {
    open.push_back(++scopeCount);
    while (error.empty() && !accept("}")) {
      const std::string word = peek();
      if (word.empty())
        return fail("unexpected end of the text");
      if (accept("{")) {
        scopes.push_back({});
        block();
        scopes.pop_back();
      } else if (word == ".reg") {
        registers();
      } else if (word == ".shared") {
        if (auto variable = declaration())
          function.variables.push_back(*variable);
      } else if (word == ".loc") {
        skipLine();
      } else if (accept(".pragma")) {
        next();
        expect(";");
      } else if (peek(1) == ":") {
        labels[{open.back(), next()}] = function.body.size();
        next();
      } else {
        statement();
      }
    }
    open.pop_back();
  }

  /// .reg .b32 %r<5>; or .reg .pred p, q;
  void registers() {
    next();
    next();
    do {
      std::string name = next();
      unsigned count = 0;
      if (accept("<")) {
        count = strtoul(next().c_str(), nullptr, 0);
        expect(">");
      }
      if (count > 1u << 20)
        return fail("too many registers");
      for (unsigned i = 0; i < std::max(count, 1u); ++i)
        declare(count ? name + std::to_string(i) : name);
    } while (accept(","));
    expect(";");
  }
  int declare(const std::string &name) {
    function.registers.push_back(name);
    return scopes.back()[name] = function.registers.size() - 1;
  }
  int lookup(const std::string &name) {
    for (size_t i = scopes.size(); i--;)
      if (auto it = scopes[i].find(name); it != scopes[i].end())
        return it->second;
    if (isSpecial(name)) {
      function.registers.push_back(name);
      return scopes[0][name] = function.registers.size() - 1;
    }
    return -1;
  }

  Operand operand() {
    Operand result;
    if (accept("{")) {
      result.kind = Operand::Vector;
      while (error.empty() && !accept("}")) {
        result.elements.push_back(operand());
        accept(",");
      }
      return result;
    }
    if (accept("[")) {
      result = operand();
      if (result.kind == Operand::Register || result.kind == Operand::Immediate)
        result.name.clear();
      result.kind = Operand::Address;
      if (accept("+"))
        result.value += operand().value;
      expect("]");
      return result;
    }
    result.negated = accept("!");
    bool minus = accept("-");
    std::string word = next();
    if (word.empty() || word == ";") {
      fail("operand expected");
    } else if (isdigit((unsigned char)word[0])) {
      char kind = word.size() > 1 ? word[1] : 0;
      bool bits = word[0] == '0' && strchr("fFdD", kind) && kind;
      result.value = bits ? strtoull(word.c_str() + 2, nullptr, 16)
                          : strtoull(word.c_str(), nullptr, 0);
      if (minus)
        result.value = -result.value;
    } else {
      result.name = word;
      result.reg = lookup(word);
      if (result.reg < 0 && word[0] == '%')
        fail("unknown register '" + word + "'");
      result.kind = result.reg < 0 ? Operand::Symbol : Operand::Register;
    }
    return result;
  }

  void statement() {
    Statement result;
    result.line = tokens[position].line;
    if (accept("@")) {
      result.guardNegated = accept("!");
      result.guard = lookup(next());
      if (result.guard < 0)
        return fail("unknown guard");
    }
    std::string opcode = next();
    for (size_t begin = 0; begin <= opcode.size();) {
      size_t end = std::min(opcode.find('.', begin), opcode.size());
      result.opcode.push_back(opcode.substr(begin, end - begin));
      begin = end + 1;
    }
    while (error.empty() && !accept(";")) {
      result.operands.push_back(operand());
      if (peek() != ";")
        accept("|") || accept(",") || (expect(","), false);
    }
    if (result.opcode[0] == "bra" && result.operands.size() == 1)
      branches.push_back({function.body.size(), result.operands[0].name, open});
    function.body.push_back(std::move(result));
  }

  struct Branch {
    size_t statement;
    std::string name;
    std::vector<unsigned> open;
  };

  std::vector<Token> tokens;
  Syntax &syntax;
  size_t position = 0;
  std::string error;
  bool external = false;
  Function function;
  std::vector<std::map<std::string, int>> scopes;
  std::vector<unsigned> open;
  unsigned scopeCount = 0;
  std::map<std::pair<unsigned, std::string>, size_t> labels;
  std::vector<Branch> branches;
};

} // namespace

std::string moec::ptx::parse(std::string_view text, Syntax &syntax) {
  return Parser(text, syntax).run();
}
