// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/object/Interface.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/MathExtras.h"

using namespace moec::object;
using llvm::StringRef;

namespace {
/// Names the parameters of one function.
class ParameterNames {
public:
  ParameterNames() {
    // Words of C and C++ that names of tensors may be, and our own.
    for (StringRef word : {"auto",          "bool",      "case",
                           "catch",         "char",      "class",
                           "const",         "continue",  "default",
                           "delete",        "do",        "double",
                           "else",          "enum",      "explicit",
                           "export",        "extern",    "false",
                           "float",         "for",       "friend",
                           "goto",          "if",        "inline",
                           "int",           "long",      "mutable",
                           "namespace",     "new",       "not",
                           "operator",      "or",        "and",
                           "private",       "protected", "public",
                           "register",      "requires",  "restrict",
                           "return",        "short",     "signed",
                           "sizeof",        "static",    "struct",
                           "switch",        "template",  "this",
                           "throw",         "true",      "try",
                           "typedef",       "typename",  "union",
                           "unsigned",      "using",     "virtual",
                           "void",          "volatile",  "while",
                           "xor",           "concept",   "break",
                           "services",      "workspace", "weights",
                           "workspace_size"})
      taken.insert(word);
  }

  std::string add(StringRef name) {
    std::string text = moec::cpu::cName(name);
    if (text.empty() || llvm::isDigit(text.front()))
      text = "n" + text;
    while (!taken.insert(text).second)
      text += '_';
    return text;
  }

private:
  llvm::StringSet<> taken;
};

void addParameters(CFunction &function, WeightsPlace place) {
  ParameterNames names;
  llvm::StringSet<> symbols;
  std::vector<CParameter> &parameters = function.parameters;
  for (auto [index, tensor] : llvm::enumerate(function.signature.arguments)) {
    parameters.push_back(
        {CParameter::Argument, unsigned(index), "", names.add(tensor.name)});
    for (const moec::cpu::Dimension &dim : tensor.dims)
      if (!dim.symbol.empty() && symbols.insert(dim.symbol).second) {
        parameters.push_back(
            {CParameter::Size, 0, dim.symbol, names.add(dim.symbol)});
        function.workspaceParameters.push_back(parameters.back());
      }
  }
  for (auto [index, tensor] : llvm::enumerate(function.signature.results))
    parameters.push_back(
        {CParameter::Result, unsigned(index), "", names.add(tensor.name)});
  if (place != WeightsPlace::Linked && !function.weights.empty())
    parameters.push_back({CParameter::Weights, 0, "", "weights"});
  parameters.push_back({CParameter::Workspace, 0, "", "workspace"});
  parameters.push_back({CParameter::WorkspaceSize, 0, "", "workspace_size"});
  parameters.push_back({CParameter::Services, 0, "", "services"});
  function.workspaceParameters.push_back(parameters.back());
}
} // namespace

llvm::Expected<Interface>
moec::object::makeInterface(StringRef prefix, WeightsPlace place,
                            llvm::ArrayRef<cpu::FunctionSignature> functions,
                            DescribeWeight describe) {
  Interface interface;
  interface.prefix = prefix.str();
  interface.place = place;
  llvm::StringMap<unsigned> weights;
  llvm::StringSet<> names;
  for (const cpu::FunctionSignature &signature : functions) {
    if (!signature.states.empty())
      return llvm::createStringError("function '" + signature.name +
                                     "' has states, which only artifacts and "
                                     "the runtime's sessions have");
    CFunction function;
    function.signature = signature;
    function.name = interface.prefix + "_" + cpu::cName(signature.name);
    function.workspaceName = function.name + "_workspace";
    std::vector<std::string> taken{function.name, function.workspaceName};
    if (place == WeightsPlace::Pointers && !signature.parameters.empty()) {
      function.weightSizeName = function.name + "_weight_size";
      function.packName = function.name + "_pack_weight";
      taken.insert(taken.end(), {function.weightSizeName, function.packName});
    }
    for (const std::string &name : taken)
      if (!names.insert(name).second)
        return llvm::createStringError("function '" + signature.name +
                                       "' needs the C name '" + name +
                                       "', which another function has");
    for (const std::string &name : signature.parameters) {
      auto [known, isNew] = weights.try_emplace(name, interface.weights.size());
      if (isNew) {
        llvm::Expected<Weight> weight = describe(name);
        if (!weight)
          return weight.takeError();
        weight->offset =
            llvm::alignTo(interface.getWeightsSize(), weightAlignment);
        interface.weights.push_back(std::move(*weight));
      }
      function.weights.push_back(known->second);
    }
    addParameters(function, place);
    interface.functions.push_back(std::move(function));
  }
  return interface;
}
