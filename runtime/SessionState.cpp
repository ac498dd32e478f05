// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/SessionState.h"

#include <cinttypes>
#include <cstring>

namespace moec::runtime {

/// The size of a dimension in a session made with these options.
static int64_t chooseSize(const moec_dimension &dimension,
                          const moec_session_options *options) {
  if (dimension.symbol && options)
    for (uint32_t i = 0; i < options->num_sizes; ++i)
      if (strcmp(options->sizes[i].symbol, dimension.symbol) == 0)
        return options->sizes[i].size;
  return dimension.size;
}

moec_status SessionState::build(const moec_module &owner,
                                const moec_session_options *options,
                                Arena &arena, moec_error *error) {
  module = &owner;
  uint32_t count = owner.numStates();
  states = arena.array<moec_tensor>(count);
  bytes = arena.array<uint64_t>(count);
  if (!states || !bytes)
    return fail(error, MOEC_ENVIRONMENT, "%s: out of memory for a session",
                owner.name);
  for (uint32_t i = 0; i < count; ++i) {
    const StateType &type = owner.states[i];
    auto *shape = arena.array<int64_t>(type.rank);
    if (!shape)
      return fail(error, MOEC_ENVIRONMENT, "%s: out of memory for a session",
                  owner.name);
    bytes[i] = moec_dtype_size(type.dtype);
    for (int32_t j = 0; j < type.rank; ++j) {
      shape[j] = chooseSize(type.dimensions[j], options);
      if (shape[j] < 1 ||
          __builtin_mul_overflow(bytes[i], uint64_t(shape[j]), &bytes[i]) ||
          bytes[i] > INT64_MAX)
        return fail(error, MOEC_BAD_ARGUMENT,
                    "%s: a session cannot have %" PRId64
                    " in dimension %d of state '%s'",
                    owner.name, shape[j], j, type.name);
    }
    states[i] = {nullptr, shape, type.rank, type.dtype};
  }
  if (!allocate(arena))
    return fail(error, MOEC_ENVIRONMENT, "%s: out of memory for a session",
                owner.name);
  return MOEC_OK;
}

bool SessionState::allocate(Arena &arena) {
  for (uint32_t i = 0; i < module->numStates(); ++i)
    if (!(states[i].data = arena.allocate(bytes[i])))
      return false;
  uint64_t entries = 0;
  tableStarts = arena.array<uint64_t>(module->numFunctions());
  if (!tableStarts)
    return false;
  for (uint32_t i = 0; i < module->numFunctions(); ++i) {
    tableStarts[i] = entries;
    entries += module->functions[i].numStates;
  }
  tables = arena.array<moec_tensor>(entries);
  if (!tables)
    return false;
  for (uint32_t i = 0; i < module->numFunctions(); ++i)
    for (uint32_t j = 0; j < module->functions[i].numStates; ++j)
      tables[tableStarts[i] + j] = states[module->functions[i].states[j]];
  return true;
}

bool SessionState::describeSizes(Arena &arena,
                                 moec_session_options &options) const {
  uint32_t count = 0;
  for (uint32_t i = 0; i < module->numStates(); ++i)
    count += module->states[i].rank;
  auto *sizes = arena.array<moec_size>(count);
  if (!sizes)
    return false;
  options.struct_size = sizeof(options);
  options.sizes = sizes;
  for (uint32_t i = 0; i < module->numStates(); ++i)
    for (int32_t j = 0; j < states[i].rank; ++j)
      if (const char *symbol = module->states[i].dimensions[j].symbol)
        sizes[options.num_sizes++] = {symbol, states[i].shape[j]};
  return true;
}

void SessionState::reset() {
  for (uint32_t i = 0; i < module->numStates(); ++i)
    memset(states[i].data, 0, bytes[i]);
}

void SessionState::copyFrom(const SessionState &other) {
  for (uint32_t i = 0; i < module->numStates(); ++i)
    memcpy(states[i].data, other.states[i].data, bytes[i]);
}

int64_t SessionState::length() const {
  int32_t longest = 0;
  for (uint32_t i = 0; i < module->numStates(); ++i) {
    if (!module->states[i].counts)
      continue;
    auto *counts = static_cast<const int32_t *>(states[i].data);
    for (int64_t j = 0; j < states[i].shape[0]; ++j)
      longest = counts[j] > longest ? counts[j] : longest;
  }
  return longest;
}

void SessionState::truncate(int64_t length) {
  for (uint32_t i = 0; i < module->numStates(); ++i) {
    if (!module->states[i].counts)
      continue;
    auto *counts = static_cast<int32_t *>(states[i].data);
    for (int64_t j = 0; j < states[i].shape[0]; ++j)
      if (counts[j] > length)
        counts[j] = int32_t(length);
  }
}

const moec_tensor *SessionState::tableOf(const moec_function &function) const {
  return tables + tableStarts[&function - module->functions];
}

/// The size that the arguments give a symbol, or -1.
static int64_t sizeOf(const moec_function &function, const SymbolSizes &symbols,
                      const char *symbol) {
  for (uint32_t i = 0; i < function.numSymbols; ++i)
    if (strcmp(function.symbols[i], symbol) == 0)
      return symbols.sizes[i];
  return -1;
}

moec_status SessionState::check(const moec_function &function,
                                const SymbolSizes &symbols,
                                moec_error *error) const {
  for (uint32_t i = 0; i < function.numStates; ++i) {
    uint32_t number = function.states[i];
    const StateType &type = module->states[number];
    for (int32_t j = 0; j < type.rank; ++j) {
      const char *symbol = type.dimensions[j].symbol;
      if (!symbol)
        continue;
      int64_t given = sizeOf(function, symbols, symbol);
      int64_t own = states[number].shape[j];
      if (given >= 0 && given != own)
        return fail(error, MOEC_BAD_ARGUMENT,
                    "%s: the arguments have %s = %" PRId64
                    ", the session has %" PRId64,
                    function.name, symbol, given, own);
      for (uint32_t k = 0; function.appends && k < function.numStates; ++k) {
        const StateType &counter = module->states[function.states[k]];
        if (!counter.counts || strcmp(counter.counts, symbol) != 0)
          continue;
        int64_t added = sizeOf(function, symbols, function.appends);
        int64_t used = length();
        if (added > own - used)
          return fail(error, MOEC_BAD_ARGUMENT,
                      "%s: the session has room for %" PRId64
                      " tokens, %" PRId64 " are used and %" PRId64 " are added",
                      function.name, own, used, added);
      }
    }
  }
  return MOEC_OK;
}

void describeStates(const moec_function &function, const SymbolSizes &symbols,
                    moec_tensor *described,
                    int64_t (*shapes)[schema::maxRank]) {
  for (uint32_t i = 0; i < function.numStates; ++i) {
    const StateType &type = function.module->states[function.states[i]];
    for (int32_t j = 0; j < type.rank; ++j) {
      const moec_dimension &dimension = type.dimensions[j];
      int64_t given =
          dimension.symbol ? sizeOf(function, symbols, dimension.symbol) : -1;
      shapes[i][j] = given >= 0 ? given : dimension.size;
    }
    described[i] = {nullptr, shapes[i], type.rank, type.dtype};
  }
}

} // namespace moec::runtime
