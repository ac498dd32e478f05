// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Calls become the bodies of their functions: a call then needs no stack, and
// lanes meet again behind it as they do behind a branch.

#include "test/ptx/Syntax.h"

#include <algorithm>

using namespace moec::ptx;

namespace {

class Inliner {
public:
  explicit Inliner(Syntax &syntax) : syntax(syntax) {}

  std::string run() {
    std::vector<Function> kernels;
    for (const Function &function : syntax.functions) {
      if (!function.isKernel || !function.isDefined)
        continue;
      result = function;
      result.body.clear();
      result.registers.clear();
      result.variables.clear();
      callers.clear();
      copy(function, {}, nullptr);
      if (!error.empty())
        return error;
      kernels.push_back(std::move(result));
    }
    syntax.functions = std::move(kernels);
    return {};
  }

private:
  using Names = std::map<std::string, std::string>;

  void fail(const Statement &s, const std::string &what) {
    if (error.empty())
      error = "line " + std::to_string(s.line) + ": " + what;
  }

  /// Appends the body of `function`, in which `names` stand for parameters.
  void copy(const Function &function, Names names, const Statement *call) {
    if (std::count(callers.begin(), callers.end(), function.name))
      return fail(*call, "recursive call of " + function.name);
    callers.push_back(function.name);
    int firstRegister = result.registers.size();
    result.registers.insert(result.registers.end(), function.registers.begin(),
                            function.registers.end());
    for (Variable variable : function.variables) {
      std::string unique =
          variable.name + "#" + std::to_string(result.variables.size());
      names[variable.name] = unique;
      variable.name = unique;
      if (variable.space == "param")
        variable.space = "local";
      result.variables.push_back(variable);
    }
    std::vector<size_t> places;
    std::vector<std::pair<size_t, size_t>> branches;
    std::vector<size_t> returns;
    for (Statement s : function.body) {
      places.push_back(result.body.size());
      if (s.guard >= 0)
        s.guard += firstRegister;
      for (Operand &o : s.operands)
        rename(o, firstRegister, names);
      if (s.opcode[0] == "call") {
        this->call(s);
        continue;
      }
      if (!s.operands.empty() && (s.opcode[0] == "ld" || s.opcode[0] == "st")) {
        const Operand &address = s.operands[s.opcode[0] == "ld"];
        if (address.name.find('#') != std::string::npos)
          std::replace(s.opcode.begin(), s.opcode.end(), std::string("param"),
                       std::string("local"));
      }
      if (call && s.opcode[0] == "ret") {
        s.opcode = {"bra"};
        returns.push_back(result.body.size());
      }
      if (!s.targets.empty())
        branches.push_back({result.body.size(), places.size() - 1});
      result.body.push_back(std::move(s));
    }
    places.push_back(result.body.size());
    for (auto [to, from] : branches)
      for (size_t i = 0; i < function.body[from].targets.size(); ++i)
        result.body[to].targets[i] = places[function.body[from].targets[i]];
    for (size_t index : returns)
      result.body[index].targets = {result.body.size()};
    callers.pop_back();
  }

  void rename(Operand &o, int firstRegister, const Names &names) {
    if (o.reg >= 0)
      o.reg += firstRegister;
    else if (auto it = names.find(o.name); it != names.end())
      o.name = it->second;
    for (Operand &element : o.elements)
      rename(element, firstRegister, names);
  }

  /// call.uni (result), name, (parameters);
  void call(const Statement &s) {
    const Operand *name = nullptr;
    std::vector<std::string> given;
    for (const Operand &o : s.operands)
      if (o.kind == Operand::Vector)
        for (const Operand &element : o.elements)
          given.push_back(element.name);
      else if (!name)
        name = &o;
    auto it = std::find_if(
        syntax.functions.begin(), syntax.functions.end(),
        [&](const Function &f) { return name && f.name == name->name; });
    if (it != syntax.functions.end() && it->name == "__assertfail") {
      Statement trap = s;
      trap.opcode = {"trap"};
      trap.operands.clear();
      result.body.push_back(trap);
      return;
    }
    if (it == syntax.functions.end() || !it->isDefined || it->isKernel)
      return fail(s, "call of " + (name ? name->name : std::string("nothing")) +
                         ", which is not defined");
    std::vector<Variable> formal = it->results;
    formal.insert(formal.end(), it->parameters.begin(), it->parameters.end());
    if (formal.size() != given.size())
      return fail(s, "call of " + it->name + " with " +
                         std::to_string(given.size()) +
                         " parameters and results, expected " +
                         std::to_string(formal.size()));
    // Lanes that do not call go round the body.
    size_t skip = result.body.size();
    if (s.guard >= 0) {
      Statement around = s;
      around.opcode = {"bra"};
      around.operands.clear();
      around.guardNegated = !s.guardNegated;
      result.body.push_back(around);
    }
    Names names;
    for (size_t i = 0; i < formal.size(); ++i)
      names[formal[i].name] = given[i];
    copy(*it, std::move(names), &s);
    if (s.guard >= 0)
      result.body[skip].targets = {result.body.size()};
  }

  Syntax &syntax;
  Function result;
  std::vector<std::string> callers;
  std::string error;
};

} // namespace

std::string moec::ptx::inlineCalls(Syntax &syntax) {
  return Inliner(syntax).run();
}
