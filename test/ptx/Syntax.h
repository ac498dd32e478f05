// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// PTX text as statements, names resolved through nested scopes.

#ifndef MOEC_TEST_PTX_SYNTAX_H
#define MOEC_TEST_PTX_SYNTAX_H

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace moec::ptx {

struct Operand {
  enum Kind { Register, Immediate, Address, Vector, Symbol };
  Kind kind = Immediate;
  /// Register: its number. Address: the base register, -1 where there is none.
  int reg = -1;
  /// Immediate: its bits. Address: the offset.
  int64_t value = 0;
  bool negated = false;
  /// Symbol, or the symbol that an address begins with; a register's name.
  std::string name;
  std::vector<Operand> elements;
};

struct Statement {
  unsigned line = 0;
  int guard = -1;
  bool guardNegated = false;
  /// "ld.global.v4.f32" as "ld", "global", "v4", "f32".
  std::vector<std::string> opcode;
  std::vector<Operand> operands;
  /// Of a branch: the index of the statement that it goes to.
  size_t target = 0;
};

/// A variable of .shared, .global, .const or .param.
struct Variable {
  std::string name, space;
  size_t bytes = 0, align = 1;
  bool external = false;
};

struct Function {
  std::string name;
  std::vector<Variable> parameters, variables;
  std::vector<Statement> body;
  /// Names of the registers, special ones (%tid.x) included.
  std::vector<std::string> registers;
  uint32_t maxThreads = 0;
};

struct Syntax {
  std::string target;
  std::vector<Variable> variables;
  std::vector<Function> kernels;
};

/// Returns an empty string or "line 7: what is wrong".
std::string parse(std::string_view text, Syntax &syntax);

} // namespace moec::ptx

#endif // MOEC_TEST_PTX_SYNTAX_H
