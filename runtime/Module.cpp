// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loading, in the order in which trust grows: prelude, header hash, FlatBuffer,
// the header's numbers, segment hashes, and only then code.

#include "runtime/Module.h"
#include "runtime/ReadOptions.h"

#include "runtime/ArtifactCheck.h"
#include "runtime/Cpu.h"
#include "runtime/schema/Prelude.h"

#include <cstdio>
#include <cstring>

using namespace moec::runtime;
namespace schema = moec::schema;

uint32_t moec_module::findParameter(const char *wanted) const {
  uint32_t i = 0;
  while (i < numParameters() && strcmp(parameters[i].name, wanted) != 0)
    ++i;
  return i;
}

// --- Tables ----------------------------------------------------------------

namespace {
/// Fills the module's tables; every function is false when memory ran out.
class TableBuilder {
public:
  explicit TableBuilder(moec_module &module)
      : module(module), header(*module.file.header()) {}

  bool build() {
    return buildVariants() && buildParameters() && buildStates() &&
           buildFunctions();
  }

private:
  bool buildVariants();
  bool buildParameters();
  bool buildStates();
  bool buildFunctions();
  bool buildTensors(
      moec_function &function,
      const flatbuffers::Vector<flatbuffers::Offset<schema::Tensor>> &from,
      TensorType *&to);
  template <typename Strings>
  bool buildNames(const Strings *from, const char *const *&to, uint32_t &count);

  moec_module &module;
  const schema::Header &header;
};
} // namespace

template <typename Strings>
bool TableBuilder::buildNames(const Strings *from, const char *const *&to,
                              uint32_t &count) {
  count = from ? from->size() : 0;
  auto **names = module.arena.array<const char *>(count);
  if (!names)
    return false;
  for (uint32_t i = 0; i < count; ++i)
    names[i] = from->Get(i)->c_str();
  to = names;
  return true;
}

static bool runsHere(const moec_variant_info &variant) {
  if (levelRank(variant.level) == 0 || missingLevelFeature(variant.level))
    return false;
  for (uint32_t i = 0; i < variant.num_cpu_features; ++i)
    if (!hasCpuFeature(variant.cpu_features[i]))
      return false;
  return true;
}

bool TableBuilder::buildVariants() {
  const auto &from = *header.variants();
  module.variants = module.arena.array<moec_variant_info>(from.size());
  if (!module.variants)
    return false;
  for (uint32_t i = 0; i < from.size(); ++i) {
    moec_variant_info &to = module.variants[i];
    to.segment = from.Get(i)->segment();
    to.level = from.Get(i)->level()->c_str();
    if (!buildNames(from.Get(i)->cpu_features(), to.cpu_features,
                    to.num_cpu_features))
      return false;
    to.runs_here = runsHere(to);
  }
  return true;
}

bool TableBuilder::buildParameters() {
  const auto &from = *header.parameters();
  module.parameters = module.arena.array<moec_parameter_info>(from.size());
  if (!module.parameters)
    return false;
  for (uint32_t i = 0; i < from.size(); ++i) {
    const schema::Parameter &parameter = *from.Get(i);
    const auto &parts = *parameter.parts();
    auto *partInfos = module.arena.array<moec_part_info>(parts.size());
    if (!partInfos)
      return false;
    for (uint32_t j = 0; j < parts.size(); ++j)
      partInfos[j] = {parts.Get(j)->symbol()->c_str(),
                      parts.Get(j)->dims()->data(),
                      int32_t(parts.Get(j)->dims()->size())};
    moec_parameter_info &to = module.parameters[i];
    to.dtype = int32_t(parameter.dtype());
    to.rank = int32_t(parameter.dims()->size());
    to.encoding = int32_t(parameter.encoding());
    to.is_mutable = parameter.is_mutable();
    to.num_parts = parts.size();
    to.segment = parameter.segment();
    to.name = parameter.name()->c_str();
    to.shape = parameter.dims()->data();
    to.parts = partInfos;
    to.groups = parameter.groups();
    to.columns = parameter.columns();
    to.depth = parameter.depth();
    if (const schema::BlockFormat *block = parameter.block()) {
      to.block_code = int32_t(block->code());
      to.block_half_scales = block->half_scales();
      to.block_has_offset = block->has_offset();
      to.block_dtype = int32_t(block->dtype());
    }
    to.offset = parameter.offset();
    to.size = parameter.size();
    to.hash[0] = parameter.hash()->low();
    to.hash[1] = parameter.hash()->high();
    to.data = module.file.segment(to.segment) + to.offset;
  }
  return true;
}

bool TableBuilder::buildTensors(
    moec_function &function,
    const flatbuffers::Vector<flatbuffers::Offset<schema::Tensor>> &from,
    TensorType *&to) {
  to = module.arena.array<TensorType>(from.size());
  if (!to)
    return false;
  for (uint32_t i = 0; i < from.size(); ++i) {
    const auto &dims = *from.Get(i)->dims();
    auto *dimensions = module.arena.array<moec_dimension>(dims.size());
    auto *symbols = module.arena.array<int32_t>(dims.size());
    if (!dimensions || !symbols)
      return false;
    for (uint32_t j = 0; j < dims.size(); ++j) {
      const flatbuffers::String *symbol = dims.Get(j)->symbol();
      if (!symbol) {
        dimensions[j] = {dims.Get(j)->size(), nullptr};
        symbols[j] = -1;
        continue;
      }
      uint32_t number = 0;
      while (number < function.numSymbols &&
             strcmp(function.symbols[number], symbol->c_str()) != 0)
        ++number;
      if (number == function.numSymbols)
        function.symbols[function.numSymbols++] = symbol->c_str();
      dimensions[j] = {-1, symbol->c_str()};
      symbols[j] = int32_t(number);
    }
    to[i] = {from.Get(i)->name()->c_str(), int32_t(from.Get(i)->dtype()),
             int32_t(dims.size()), dimensions, symbols};
  }
  return true;
}

bool TableBuilder::buildStates() {
  module.states = module.arena.array<StateType>(module.numStates());
  if (!module.states)
    return false;
  for (uint32_t i = 0; i < module.numStates(); ++i) {
    const schema::State &state = *header.states()->Get(i);
    const auto &dims = *state.dims();
    auto *dimensions = module.arena.array<moec_dimension>(dims.size());
    if (!dimensions)
      return false;
    for (uint32_t j = 0; j < dims.size(); ++j) {
      const flatbuffers::String *symbol = dims.Get(j)->symbol();
      dimensions[j] = {dims.Get(j)->size(), symbol ? symbol->c_str() : nullptr};
    }
    module.states[i] = {state.name()->c_str(), int32_t(state.dtype()),
                        int32_t(dims.size()), dimensions,
                        state.counts() ? state.counts()->c_str() : nullptr};
  }
  return true;
}

bool TableBuilder::buildFunctions() {
  const auto &from = *header.functions();
  module.functions = module.arena.array<moec_function>(from.size());
  if (!module.functions)
    return false;
  for (uint32_t i = 0; i < from.size(); ++i) {
    const schema::Function &function = *from.Get(i);
    moec_function &to = module.functions[i];
    to.module = &module;
    to.name = function.name()->c_str();
    to.cName = function.c_name()->c_str();
    to.entryName = function.entry()->c_str();
    to.numArguments = function.arguments()->size();
    to.numResults = function.results()->size();
    to.numParameters = function.parameters()->size();
    to.parameters = function.parameters()->data();
    to.symbols = module.arena.array<const char *>(schema::maxSymbols);
    if (const auto *states = function.states()) {
      to.states = states->data();
      to.numStates = states->size();
    }
    to.appends = function.appends() ? function.appends()->c_str() : nullptr;
    if (!to.symbols || !buildTensors(to, *function.arguments(), to.arguments) ||
        !buildTensors(to, *function.results(), to.results) ||
        !buildNames(function.taps(), to.taps, to.numTaps))
      return false;
  }
  return true;
}

// --- Code ------------------------------------------------------------------

/// The variant to load: the named one, or the best that runs here.
static moec_status chooseVariant(const moec_module &module, const char *level,
                                 uint32_t &choice, moec_error *error) {
  const moec_variant_info *best = nullptr;
  const moec_variant_info *refused = nullptr;
  for (uint32_t i = 0; i < module.numVariants(); ++i) {
    const moec_variant_info &variant = module.variants[i];
    if (level && strcmp(variant.level, level) != 0)
      continue;
    if (!variant.runs_here) {
      refused = &variant;
      continue;
    }
    int rank = levelRank(variant.level);
    int bestRank = best ? levelRank(best->level) : 0;
    if (rank > bestRank ||
        (rank == bestRank && variant.num_cpu_features > best->num_cpu_features))
      best = &variant;
  }
  if (best) {
    choice = uint32_t(best - module.variants);
    return MOEC_OK;
  }
  if (refused) {
    const char *missing = levelRank(refused->level)
                              ? missingLevelFeature(refused->level)
                              : nullptr;
    return fail(error, MOEC_ENVIRONMENT,
                "%s: this processor cannot run the %s code%s%s", module.name,
                refused->level, missing ? ": it lacks " : "",
                missing ? missing : "");
  }
  return fail(error, level ? MOEC_NOT_FOUND : MOEC_BAD_ARTIFACT,
              "%s: there is no code%s%s", module.name,
              level ? " of level " : "", level ? level : "");
}

static moec_status loadCode(moec_module &module, const char *level,
                            moec_error *error) {
  uint32_t choice;
  if (moec_status status = chooseVariant(module, level, choice, error))
    return status;
  const moec_variant_info &variant = module.variants[choice];
  const schema::Segment &segment =
      *module.file.header()->segments()->Get(variant.segment);
  if (moec_status status = module.code.load(
          module.name, variant.level, module.file.segment(variant.segment),
          segment.size(), *segment.hash(), error))
    return status;
  module.level = variant.level;
  for (uint32_t i = 0; i < module.numFunctions(); ++i) {
    moec_function &function = module.functions[i];
    const schema::Function &names = *module.file.header()->functions()->Get(i);
    function.entry = reinterpret_cast<int32_t (*)(const moec_frame *)>(
        module.code.symbol(names.entry()->c_str()));
    function.workspace = reinterpret_cast<int64_t (*)(const moec_frame *)>(
        module.code.symbol(names.workspace()->c_str()));
    if (!function.entry || !function.workspace)
      return fail(
          error, MOEC_BAD_ARTIFACT,
          "%s: header.functions[%u].%s: the %s code has no symbol '%s'",
          module.name, i, function.entry ? "workspace" : "entry", variant.level,
          (function.entry ? names.workspace() : names.entry())->c_str());
  }
  return MOEC_OK;
}

// --- Loading ---------------------------------------------------------------

static moec_status finishLoad(moec_module &module,
                              const moec_module_options &options,
                              moec_error *error) {
  const char *name = module.name;
  if (moec_status status = module.file.readHeader(name, module.arena, error))
    return status;
  {
    Arena scratch(module.context->allocator);
    if (moec_status status = checkHeader(name, module.file, scratch, error))
      return status;
  }
  if (moec_status status = checkSegmentBytes(name, module.file, error))
    return status;
  if (options.flags & MOEC_MODULE_VERIFY_WEIGHTS)
    if (moec_status status = checkWeightBytes(name, module.file, error))
      return status;
  if (!TableBuilder(module).build())
    return fail(error, MOEC_ENVIRONMENT, "%s: out of memory for the tables",
                name);
  if (options.flags & MOEC_MODULE_NO_CODE)
    return MOEC_OK;
  if (moec_status status = loadCode(module, options.level, error))
    return status;
  if (module.context->hostLog) {
    char text[512];
    snprintf(text, sizeof(text), "%s: loaded the %s code", name, module.level);
    module.context->hostLog(module.context->host, MOEC_LOG_INFO, text);
  }
  return MOEC_OK;
}

/// Loads from `path`, or from memory when it is null.
static moec_status loadModule(moec_context *context, const char *path,
                              const void *data, uint64_t size,
                              const moec_module_options *given,
                              moec_module **module, moec_error *error) {
  if (!isAlive(context))
    return failDead(error, "context");
  if (!module)
    return fail(error, MOEC_BAD_ARGUMENT, "there is no place for the module");
  *module = nullptr;
  moec_module_options options;
  if (moec_status status =
          readOptions(given, "moec_module_options", options, error))
    return status;
  if (options.flags & ~(MOEC_MODULE_VERIFY_WEIGHTS | MOEC_MODULE_NO_CODE))
    return fail(error, MOEC_BAD_ARGUMENT,
                "moec_module_options.flags has unknown bits: 0x%x",
                options.flags);

  const Allocator &allocator = context->allocator;
  void *memory = allocator.allocate(allocator.host, sizeof(moec_module),
                                    alignof(moec_module));
  if (!memory)
    return fail(error, MOEC_ENVIRONMENT, "out of memory for the module");
  auto *created = new (memory) moec_module(context);
  const char *name = path ? path : "memory";
  auto *copy = created->arena.array<char>(strlen(name) + 1);
  moec_status status;
  if (!copy) {
    status = fail(error, MOEC_ENVIRONMENT, "out of memory for the module");
  } else {
    strcpy(copy, name);
    created->name = copy;
    status = path ? created->file.map(path, error)
                  : created->file.borrow(data, size, error);
  }
  if (status == MOEC_OK)
    status = finishLoad(*created, options, error);
  if (status != MOEC_OK) {
    moec_module_destroy(created);
    return status;
  }
  *module = created;
  return MOEC_OK;
}

moec_status moec_module_load_file(moec_context *context, const char *path,
                                  const moec_module_options *options,
                                  moec_module **module, moec_error *error) {
  if (!path)
    return fail(error, MOEC_BAD_ARGUMENT, "the path is null");
  return loadModule(context, path, nullptr, 0, options, module, error);
}

moec_status moec_module_load_memory(moec_context *context, const void *data,
                                    uint64_t size,
                                    const moec_module_options *options,
                                    moec_module **module, moec_error *error) {
  if (!data)
    return fail(error, MOEC_BAD_ARGUMENT, "the artifact in memory is null");
  return loadModule(context, nullptr, data, size, options, module, error);
}

void moec_module_destroy(moec_module *module) {
  if (isAlive(module))
    Allocator(module->context->allocator).destroy(module);
}
