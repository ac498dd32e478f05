// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/ptx/Syntax.h"

#include "test/ptx/Tokens.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <set>

using namespace moec::ptx;

bool moec::ptx::isSpecialRegister(const std::string &name) {
  static const std::set<std::string> scalars = {"%laneid",
                                                "%warpid",
                                                "%nwarpid",
                                                "%lanemask_eq",
                                                "%lanemask_lt",
                                                "%lanemask_le",
                                                "%lanemask_gt",
                                                "%lanemask_ge",
                                                "%dynamic_smem_size",
                                                "%total_smem_size",
                                                "%cluster_ctarank",
                                                "%cluster_nctarank",
                                                "%is_explicit_cluster"};
  size_t dot = name.find('.');
  if (dot == std::string::npos)
    return scalars.count(name);
  static const std::set<std::string> triples = {
      "%tid",       "%ntid",       "%ctaid",         "%nctaid",
      "%clusterid", "%nclusterid", "%cluster_ctaid", "%cluster_nctaid"};
  std::string part = name.substr(dot);
  return triples.count(name.substr(0, dot)) &&
         (part == ".x" || part == ".y" || part == ".z");
}

namespace {

size_t bytesOfType(const std::string &type) {
  size_t digit = type.find_first_of("0123456789");
  if (type.empty() || type[0] != '.' || digit == std::string::npos)
    return 0;
  size_t bytes = strtoul(type.c_str() + digit, nullptr, 10) / 8;
  return type.ends_with("x2") && type != ".f16x2" && type != ".bf16x2" ? 0
         : type.ends_with("16x2")                                      ? 4
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
    const std::string word = peek();
    if (word == ".version" || word == ".address_size" || word == ".file") {
      skipLine();
    } else if (accept(".target")) {
      syntax.target = next();
      while (accept(","))
        next();
    } else if (word == ".section") {
      while (!peek().empty() && next() != "}")
        ;
    } else if (word == ".visible" || word == ".weak" || word == ".extern" ||
               word == ".common") {
      external = word == ".extern";
      next();
    } else if (accept(".entry")) {
      parseFunction(true);
    } else if (accept(".func")) {
      parseFunction(false);
    } else if (word == ".shared" || word == ".global" || word == ".const") {
      syntax.variables.push_back(declaration());
    } else {
      fail("unknown directive '" + word + "'");
    }
  }

  /// .shared .align 16 .b8 name[1024]; or .const .b32 name[2] = {1, 2};
  Variable declaration() {
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
      else if (word != ".ptr" && word != ".global" && word != ".shared" &&
               word != ".const" && word != ".local")
        fail("unknown attribute '" + word + "' of a variable");
    }
    if (element == 0 || variable.align == 0)
      fail("variable without a type");
    variable.align = std::max(variable.align, element);
    variable.name = next();
    variable.bytes = element;
    bool open = false;
    while (accept("[")) {
      open |= peek() == "]";
      variable.bytes *= peek() == "]" ? 0 : strtoul(next().c_str(), nullptr, 0);
      expect("]");
    }
    if (accept("="))
      initialise(variable, element);
    if (open && !variable.initial.empty())
      variable.bytes = variable.initial.size();
    accept(";");
    return variable;
  }
  void initialise(Variable &variable, size_t element) {
    if (accept("{")) {
      while (error.empty() && !accept("}")) {
        initialise(variable, element);
        accept(",");
      }
      return;
    }
    Operand value = operand();
    if (value.kind != Operand::Immediate)
      return fail("only numbers can initialise a variable");
    for (size_t i = 0; i < element; ++i)
      variable.initial.push_back(uint64_t(value.value) >> (8 * i));
  }

  void parseFunction(bool isKernel) {
    function = Function();
    function.isKernel = isKernel;
    external = false;
    scopes.assign(1, {});
    names.assign(1, {});
    labels.clear();
    branches.clear();
    tables.clear();
    auto list = [&](std::vector<Variable> &variables) {
      while (error.empty() && accept("("))
        while (error.empty() && !accept(")")) {
          if (peek() != ".param")
            return fail("only .param can be a parameter");
          variables.push_back(declaration());
          accept(",");
        }
    };
    list(function.results);
    function.name = next();
    list(function.parameters);
    while (error.empty() && peek() != "{" && peek() != ";") {
      std::string word = next();
      if (word == ".noreturn" || word == ".explicitcluster")
        continue;
      uint32_t count = strtoul(next().c_str(), nullptr, 0);
      while (accept(","))
        count *= strtoul(next().c_str(), nullptr, 0);
      if (word == ".maxntid" || word == ".reqntid")
        function.maxThreads = count;
      if (word == ".reqntid")
        function.exactThreads = count;
      else if (word != ".maxntid" && word != ".minnctapersm" &&
               word != ".maxnreg")
        return fail("unknown directive '" + word + "'");
    }
    if (!accept(";")) {
      expect("{");
      function.isDefined = true;
      block();
      for (const Branch &branch : branches)
        link(branch);
    }
    // A prototype may come before its definition.
    auto same = std::find_if(
        syntax.functions.begin(), syntax.functions.end(),
        [&](const Function &f) { return f.name == function.name; });
    if (same == syntax.functions.end())
      syntax.functions.push_back(std::move(function));
    else if (function.isDefined)
      *same = std::move(function);
  }

  struct Branch {
    size_t statement;
    std::string name;
    std::vector<unsigned> open;
  };
  void link(const Branch &branch) {
    std::vector<std::string> targets = {branch.name};
    if (auto it = tables.find(branch.name); it != tables.end())
      targets = it->second;
    Statement &s = function.body[branch.statement];
    for (const std::string &name : targets) {
      const size_t *found = nullptr;
      for (size_t i = branch.open.size(); i-- && !found;)
        if (auto it = labels.find({branch.open[i], name}); it != labels.end())
          found = &it->second;
      if (found)
        s.targets.push_back(*found);
      else if (error.empty())
        error = "line " + std::to_string(s.line) + ": no label '" + name + "'";
    }
  }

  void block() {
    open.push_back(++scopeCount);
    while (error.empty() && !accept("}")) {
      const std::string word = peek();
      if (word.empty())
        return fail("unexpected end of the text");
      if (accept("{")) {
        scopes.push_back({});
        names.push_back({});
        block();
        scopes.pop_back();
        names.pop_back();
      } else if (word == ".reg") {
        registers();
      } else if (word == ".shared" || word == ".local" || word == ".param") {
        Variable variable = declaration();
        std::string unique =
            variable.name + "#" + std::to_string(function.variables.size());
        names.back()[variable.name] = unique;
        variable.name = unique;
        function.variables.push_back(variable);
      } else if (word == ".loc") {
        skipLine();
      } else if (accept(".pragma")) {
        next();
        expect(";");
      } else if (peek(1) == ":") {
        std::string label = next();
        next();
        if (accept(".branchtargets")) {
          do
            tables[label].push_back(next());
          while (accept(","));
          expect(";");
        } else {
          labels[{open.back(), label}] = function.body.size();
        }
      } else {
        statement();
      }
    }
    open.pop_back();
  }

  /// .reg .b32 %r<5>; or .reg .pred p, q;
  void registers() {
    next();
    std::string type = next();
    unsigned bits = type == ".pred" ? 1 : 8 * bytesOfType(type);
    if (!bits)
      return fail("unknown type '" + type + "'");
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
        declare(count ? name + std::to_string(i) : name, scopes.back(), bits);
    } while (accept(","));
    expect(";");
  }
  int declare(const std::string &name, std::map<std::string, int> &scope,
              unsigned bits) {
    function.registers.push_back(name);
    function.registerBits.push_back(bits);
    return scope[name] = function.registers.size() - 1;
  }
  int lookup(const std::string &name) {
    for (size_t i = scopes.size(); i--;)
      if (auto it = scopes[i].find(name); it != scopes[i].end())
        return it->second;
    // "_" takes what nobody reads.
    return isSpecialRegister(name) || name == "_"
               ? declare(name, scopes[0], name == "_" ? 64 : 32)
               : -1;
  }

  Operand operand() {
    Operand result;
    if (accept("{") || accept("(")) {
      result.kind = Operand::Vector;
      while (error.empty() && !accept("}") && !accept(")")) {
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
      if (accept(","))
        result.elements = operand().elements;
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
      bool bits = word[0] == '0' && kind && strchr("fFdD", kind);
      char *end = nullptr;
      result.value =
          strtoull(word.c_str() + (bits ? 2 : 0), &end, bits ? 16 : 0);
      if (*end && strcmp(end, "U"))
        fail("unknown number '" + word + "'");
      if (minus)
        result.value = -result.value;
    } else {
      result.name = word;
      result.reg = lookup(word);
      if (result.reg >= 0)
        result.bits = function.registerBits[result.reg];
      if (result.reg < 0 && word[0] == '%')
        fail("unknown register '" + word + "'");
      result.kind = result.reg < 0 ? Operand::Symbol : Operand::Register;
      for (size_t i = names.size(); result.reg < 0 && i--;)
        if (auto it = names[i].find(word); it != names[i].end()) {
          result.name = it->second;
          break;
        }
      if (result.kind == Operand::Symbol && accept("+"))
        result.value = operand().value;
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
      if (accept("|"))
        result.pair = true;
      else if (peek() != ";")
        expect(",");
    }
    if ((result.opcode[0] == "bra" || result.opcode[0] == "brx") &&
        !result.operands.empty())
      branches.push_back(
          {function.body.size(), result.operands.back().name, open});
    function.body.push_back(std::move(result));
  }

  std::vector<Token> tokens;
  Syntax &syntax;
  size_t position = 0;
  std::string error;
  bool external = false;
  Function function;
  std::vector<std::map<std::string, int>> scopes;
  /// The unique names of variables of the open scopes.
  std::vector<std::map<std::string, std::string>> names;
  std::vector<unsigned> open;
  unsigned scopeCount = 0;
  std::map<std::pair<unsigned, std::string>, size_t> labels;
  std::map<std::string, std::vector<std::string>> tables;
  std::vector<Branch> branches;
};

} // namespace

std::string moec::ptx::parse(std::string_view text, Syntax &syntax) {
  return Parser(text, syntax).run();
}
