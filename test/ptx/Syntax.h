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
  /// Of the register, 1 for a predicate.
  unsigned bits = 64;
  /// Immediate: its bits. Address: the offset.
  int64_t value = 0;
  bool negated = false;
  /// Symbol, or the symbol that an address begins with; a register's name.
  std::string name;
  /// Of a vector, and the coordinates of a tensor's address.
  std::vector<Operand> elements;
};

struct Statement {
  unsigned line = 0;
  int guard = -1;
  bool guardNegated = false;
  /// The first two operands are joined by '|'.
  bool pair = false;
  /// "ld.global.v4.f32" as "ld", "global", "v4", "f32".
  std::vector<std::string> opcode;
  std::vector<Operand> operands;
  /// Of a branch: the indices of the statements that it goes to.
  std::vector<size_t> targets;
};

/// A variable of .shared, .global, .const, .local or .param.
struct Variable {
  std::string name, space;
  size_t bytes = 0, align = 1;
  bool external = false;
  /// Of .global and .const: the bytes that it begins with, the rest zero.
  std::vector<uint8_t> initial;
};

struct Function {
  std::string name;
  bool isKernel = false, isDefined = false;
  std::vector<Variable> results, parameters, variables;
  std::vector<Statement> body;
  /// Names of the registers, special ones (%tid.x) included.
  std::vector<std::string> registers;
  std::vector<unsigned> registerBits;
  uint32_t maxThreads = 0, exactThreads = 0;
};

struct Syntax {
  std::string target;
  std::vector<Variable> variables;
  /// After inlineCalls(): the kernels, without calls.
  std::vector<Function> functions;
};

/// Whether a register of this name exists without being declared.
bool isSpecialRegister(const std::string &name);

/// Returns an empty string or "line 7: what is wrong".
std::string parse(std::string_view text, Syntax &syntax);

/// Replaces every call by the body of its function, and parameters of calls by
/// local variables. Recursion and calls of what is not defined are errors, but
/// __assertfail becomes a trap.
std::string inlineCalls(Syntax &syntax);

} // namespace moec::ptx

#endif // MOEC_TEST_PTX_SYNTAX_H
