// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/HeaderChecker.h"

#include <cinttypes>

using namespace moec::schema;

namespace moec::runtime {

bool HeaderChecker::isKnownSymbol(const char *symbol) const {
  for (uint32_t i = 0; i < numSymbols; ++i)
    if (strcmp(symbols[i], symbol) == 0)
      return true;
  return false;
}

bool HeaderChecker::isKnownProduct(const char *symbol) const {
  for (const char *factor = symbol;;) {
    size_t length = strcspn(factor, "*");
    bool known = false;
    for (uint32_t i = 0; i < numSymbols && !known; ++i)
      known = strncmp(symbols[i], factor, length) == 0 && !symbols[i][length];
    if (!known)
      return false;
    if (!factor[length])
      return true;
    factor += length + 1;
  }
}

bool HeaderChecker::checkTensors(const Field &field,
                                 const Table<Tensor> &tensors,
                                 bool introduces) {
  if (!checkCount(field, tensors.size(), maxTensors))
    return false;
  for (uint32_t i = 0; i < tensors.size(); ++i) {
    const Tensor &tensor = *tensors.Get(i);
    if (!checkName(at("%s[%u].name", field.text, i), tensor.name()) ||
        !checkDtype(at("%s[%u].dtype", field.text, i), tensor.dtype()))
      return false;
    const auto &dims = *tensor.dims();
    if (dims.size() > maxRank)
      return bad(at("%s[%u].dims", field.text, i),
                 "has %u entries, at most %u are possible", dims.size(),
                 maxRank);
    for (uint32_t j = 0; j < dims.size(); ++j) {
      const Dimension &dim = *dims.Get(j);
      Field place = at("%s[%u].dims[%u]", field.text, i, j);
      if (!dim.symbol()) {
        if (dim.size() < 0)
          return bad(place, "is the negative size %" PRId64, dim.size());
        continue;
      }
      if (!checkName(place, dim.symbol()))
        return false;
      if (isKnownSymbol(dim.symbol()->c_str()))
        continue;
      if (!introduces && !isKnownProduct(dim.symbol()->c_str()))
        return bad(place, "is '%s', which no argument has",
                   dim.symbol()->c_str());
      if (numSymbols == maxSymbols)
        return bad(place,
                   "is the function's symbol %u, at most %u are "
                   "possible",
                   numSymbols + 1, maxSymbols);
      symbols[numSymbols++] = dim.symbol()->c_str();
    }
  }
  return checkUnique(field, tensors);
}

bool HeaderChecker::checkFunction(uint32_t index, const Function &function) {
  if (!checkName(at("functions[%u].name", index), function.name()) ||
      !checkSymbol(at("functions[%u].c_name", index), function.c_name(), "") ||
      !checkSymbol(at("functions[%u].entry", index), function.entry(),
                   "moec_fn_") ||
      !checkSymbol(at("functions[%u].workspace", index), function.workspace(),
                   "moec_workspace_"))
    return false;
  numSymbols = 0;
  if (!checkTensors(at("functions[%u].arguments", index), *function.arguments(),
                    /*introduces=*/true) ||
      !checkTensors(at("functions[%u].results", index), *function.results(),
                    /*introduces=*/false))
    return false;
  const auto &parameters = *function.parameters();
  if (!checkCount(at("functions[%u].parameters", index), parameters.size(),
                  maxEntries))
    return false;
  for (uint32_t i = 0; i < parameters.size(); ++i)
    if (parameters.Get(i) >= header.parameters()->size())
      return bad(at("functions[%u].parameters[%u]", index, i),
                 "is %u, but there are %u parameters", parameters.Get(i),
                 header.parameters()->size());
  if (!checkFunctionStates(index, function))
    return false;
  if (const auto *taps = function.taps()) {
    if (!checkCount(at("functions[%u].taps", index), taps->size(), maxEntries))
      return false;
    for (uint32_t i = 0; i < taps->size(); ++i)
      if (!checkName(at("functions[%u].taps[%u]", index, i), taps->Get(i)))
        return false;
  }
  return true;
}

bool HeaderChecker::checkFunctions() {
  const auto &functions = *header.functions();
  if (!checkCount(at("functions"), functions.size(), maxEntries))
    return false;
  for (uint32_t i = 0; i < functions.size(); ++i)
    if (!checkFunction(i, *functions.Get(i)))
      return false;
  return checkUnique(at("functions"), functions);
}

} // namespace moec::runtime
