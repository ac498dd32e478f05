// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The functions of runtime.h that describe a module.

#include "runtime/Module.h"

#include <cstring>

using namespace moec::runtime;
namespace schema = moec::schema;

/// Fills what the caller's struct has room for and keeps its struct_size.
template <typename Info>
static moec_status deliver(const Info &from, Info *to) {
  if (!to)
    return MOEC_BAD_ARGUMENT;
  uint32_t size = to->struct_size;
  if (size < sizeof(uint32_t))
    return MOEC_BAD_ARGUMENT;
  memcpy(to, &from, size < sizeof(Info) ? size : sizeof(Info));
  to->struct_size = size;
  return MOEC_OK;
}

static bool isUsable(const moec_function *function) {
  return function && isAlive(function->module);
}

moec_status moec_module_get_info(const moec_module *module,
                                 moec_module_info *info) {
  if (!isAlive(module))
    return MOEC_BAD_ARGUMENT;
  const schema::Header &header = *module->file.header();
  moec_module_info filled = {};
  filled.version_major = header.version_major();
  filled.version_minor = header.version_minor();
  filled.num_functions = module->numFunctions();
  filled.num_parameters = module->numParameters();
  filled.num_variants = module->numVariants();
  filled.num_segments = header.segments()->size();
  filled.num_target_entries = header.target() ? header.target()->size() : 0;
  filled.producer = header.producer()->c_str();
  filled.compute = schema::EnumNameComputeMode(header.compute());
  filled.level = module->level;
  for (uint32_t i = 0; i < filled.num_segments; ++i) {
    const schema::Segment &segment = *header.segments()->Get(i);
    if (segment.kind() == schema::SegmentKind::source) {
      filled.source = module->file.segment(i);
      filled.source_size = segment.size();
    }
    if (segment.kind() == schema::SegmentKind::tokenizer) {
      filled.tokenizer =
          reinterpret_cast<const char *>(module->file.segment(i));
      filled.tokenizer_size = segment.size();
    }
  }
  filled.file_size = module->file.size();
  filled.header_size = module->file.headerSize();
  memcpy(filled.header_hash, module->file.headerHash,
         sizeof(filled.header_hash));
  filled.num_states = module->numStates();
  return deliver(filled, info);
}

moec_status moec_module_get_segment(const moec_module *module, uint32_t index,
                                    moec_segment_info *info) {
  if (!isAlive(module))
    return MOEC_BAD_ARGUMENT;
  const auto &segments = *module->file.header()->segments();
  if (index >= segments.size())
    return MOEC_NOT_FOUND;
  const schema::Segment &segment = *segments.Get(index);
  moec_segment_info filled = {};
  filled.alignment = segment.alignment();
  filled.kind = schema::EnumNameSegmentKind(segment.kind());
  filled.offset = segment.offset();
  filled.size = segment.size();
  if (segment.hash()) {
    filled.hash[0] = segment.hash()->low();
    filled.hash[1] = segment.hash()->high();
  }
  return deliver(filled, info);
}

moec_status moec_module_get_variant(const moec_module *module, uint32_t index,
                                    moec_variant_info *info) {
  if (!isAlive(module))
    return MOEC_BAD_ARGUMENT;
  if (index >= module->numVariants())
    return MOEC_NOT_FOUND;
  return deliver(module->variants[index], info);
}

moec_status moec_module_get_target_entry(const moec_module *module,
                                         uint32_t index,
                                         moec_target_entry *entry) {
  if (!isAlive(module))
    return MOEC_BAD_ARGUMENT;
  const auto *target = module->file.header()->target();
  if (!target || index >= target->size())
    return MOEC_NOT_FOUND;
  moec_target_entry filled = {};
  filled.key = target->Get(index)->key()->c_str();
  filled.value = target->Get(index)->value()->c_str();
  return deliver(filled, entry);
}

moec_status moec_module_get_parameter(const moec_module *module, uint32_t index,
                                      moec_parameter_info *info) {
  if (!isAlive(module))
    return MOEC_BAD_ARGUMENT;
  if (index >= module->numParameters())
    return MOEC_NOT_FOUND;
  return deliver(module->parameters[index], info);
}

moec_status moec_module_get_state(const moec_module *module, uint32_t index,
                                  moec_state_info *info) {
  if (!isAlive(module))
    return MOEC_BAD_ARGUMENT;
  if (index >= module->numStates())
    return MOEC_NOT_FOUND;
  const StateType &state = module->states[index];
  moec_state_info filled = {};
  filled.dtype = state.dtype;
  filled.rank = state.rank;
  filled.name = state.name;
  filled.dimensions = state.dimensions;
  filled.counts = state.counts;
  return deliver(filled, info);
}

const moec_function *moec_module_get_function(const moec_module *module,
                                              uint32_t index) {
  if (!isAlive(module))
    return nullptr;
  return index < module->numFunctions() ? &module->functions[index] : nullptr;
}

const moec_function *moec_module_find_function(const moec_module *module,
                                               const char *name) {
  if (!isAlive(module))
    return nullptr;
  for (uint32_t i = 0; name && i < module->numFunctions(); ++i)
    if (strcmp(module->functions[i].name, name) == 0)
      return &module->functions[i];
  return nullptr;
}

moec_status moec_function_get_info(const moec_function *function,
                                   moec_function_info *info) {
  if (!isUsable(function))
    return MOEC_BAD_ARGUMENT;
  moec_function_info filled = {};
  filled.num_arguments = function->numArguments;
  filled.num_results = function->numResults;
  filled.num_parameters = function->numParameters;
  filled.num_taps = function->numTaps;
  filled.name = function->name;
  filled.c_name = function->cName;
  filled.entry = function->entryName;
  filled.parameters = function->parameters;
  filled.taps = function->taps;
  filled.num_states = function->numStates;
  filled.states = function->states;
  filled.appends = function->appends;
  return deliver(filled, info);
}

static moec_status describe(const TensorType &type, moec_tensor_info *info) {
  moec_tensor_info filled = {};
  filled.dtype = type.dtype;
  filled.rank = type.rank;
  filled.name = type.name;
  filled.dimensions = type.dimensions;
  return deliver(filled, info);
}

moec_status moec_function_get_argument(const moec_function *function,
                                       uint32_t index, moec_tensor_info *info) {
  if (!isUsable(function))
    return MOEC_BAD_ARGUMENT;
  if (index >= function->numArguments)
    return MOEC_NOT_FOUND;
  return describe(function->arguments[index], info);
}

moec_status moec_function_get_result(const moec_function *function,
                                     uint32_t index, moec_tensor_info *info) {
  if (!isUsable(function))
    return MOEC_BAD_ARGUMENT;
  if (index >= function->numResults)
    return MOEC_NOT_FOUND;
  return describe(function->results[index], info);
}
