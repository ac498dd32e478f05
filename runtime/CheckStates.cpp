// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/HeaderChecker.h"

#include <cinttypes>

using namespace moec::schema;

namespace moec::runtime {

bool HeaderChecker::checkStates() {
  const auto *states = header.states();
  if (!states)
    return true;
  // A function's frame holds them all at most.
  if (!checkCount(at("states"), states->size(), maxEntries))
    return false;
  for (uint32_t i = 0; i < states->size(); ++i) {
    const State &state = *states->Get(i);
    if (!checkName(at("states[%u].name", i), state.name()) ||
        !checkDtype(at("states[%u].dtype", i), state.dtype()))
      return false;
    const auto &dims = *state.dims();
    if (dims.size() > maxRank)
      return bad(at("states[%u].dims", i),
                 "has %u entries, at most %u are possible", dims.size(),
                 maxRank);
    for (uint32_t j = 0; j < dims.size(); ++j) {
      Field place = at("states[%u].dims[%u]", i, j);
      const Dimension &dim = *dims.Get(j);
      if (dim.size() < 1)
        return bad(place, "is the size %" PRId64 ", expected at least 1",
                   dim.size());
      if (dim.symbol() && !checkName(place, dim.symbol()))
        return false;
    }
    if (!state.counts())
      continue;
    Field place = at("states[%u].counts", i);
    if (!checkName(place, state.counts()))
      return false;
    if (state.dtype() != DataType::i32 || dims.size() != 1)
      return bad(place, "stands with another type than i32 of rank 1");
  }
  return checkUnique(at("states"), *states);
}

bool HeaderChecker::checkFunctionStates(uint32_t index,
                                        const Function &function) {
  uint32_t count = header.states() ? header.states()->size() : 0;
  if (const auto *states = function.states()) {
    if (!checkCount(at("functions[%u].states", index), states->size(),
                    maxEntries))
      return false;
    for (uint32_t i = 0; i < states->size(); ++i)
      if (states->Get(i) >= count)
        return bad(at("functions[%u].states[%u]", index, i),
                   "is %u, but there are %u states", states->Get(i), count);
  }
  if (!function.appends())
    return true;
  Field place = at("functions[%u].appends", index);
  if (!checkName(place, function.appends()))
    return false;
  if (!isKnownSymbol(function.appends()->c_str()))
    return bad(place, "is '%s', which no argument has",
               function.appends()->c_str());
  return true;
}

} // namespace moec::runtime
