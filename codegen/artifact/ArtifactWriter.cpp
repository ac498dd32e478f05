// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/artifact/ArtifactWriter.h"

#include "codegen/artifact/TemporaryFile.h"
#include "runtime/schema/Prelude.h"

#include "runtime/schema/moe_generated.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <unordered_map>
#include <unordered_set>

using namespace moec::schema;

namespace moec::artifact {

static uint64_t alignTo(uint64_t value, uint64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

static uint64_t dtypeSize(int32_t dtype) {
  switch (dtype) {
  case MOEC_DTYPE_F64:
  case MOEC_DTYPE_I64:
    return 8;
  case MOEC_DTYPE_F32:
  case MOEC_DTYPE_I32:
    return 4;
  case MOEC_DTYPE_F16:
  case MOEC_DTYPE_BF16:
    return 2;
  case MOEC_DTYPE_I8:
  case MOEC_DTYPE_U8:
  case MOEC_DTYPE_BOOL:
    return 1;
  default:
    return 0;
  }
}

static void hashBytes(std::string_view bytes, uint64_t hash[2]) {
  XXH128_hash_t value = XXH3_128bits(bytes.data(), bytes.size());
  hash[0] = value.low64;
  hash[1] = value.high64;
}

std::string cName(std::string_view name) {
  std::string result(name);
  for (char &c : result)
    if (!std::isalnum(static_cast<unsigned char>(c)))
      c = '_';
  return result;
}

void ArtifactWriter::addTargetEntry(std::string key, std::string value) {
  target.emplace_back(std::move(key), std::move(value));
}

void ArtifactWriter::addVariant(CodeVariant variant) {
  variants.push_back(std::move(variant));
}

void ArtifactWriter::addFunction(FunctionSignature function) {
  if (function.entry.empty())
    function.entry = "moec_fn_" + cName(function.name);
  if (function.workspace.empty())
    function.workspace = "moec_workspace_" + cName(function.name);
  functions.push_back(std::move(function));
}

void ArtifactWriter::addParameter(ParameterSpec parameter, ByteSource bytes) {
  parameters.push_back({std::move(parameter), std::move(bytes)});
}

void ArtifactWriter::setSource(std::string bytecode) {
  source = std::move(bytecode);
}

void ArtifactWriter::setTokenizer(std::string json) {
  tokenizer = std::move(json);
}

/// Finds what the writer itself depends on; the loader checks the rest.
std::string ArtifactWriter::check() {
  std::unordered_set<std::string> names;
  for (Parameter &parameter : parameters) {
    const ParameterSpec &spec = parameter.spec;
    if (!names.insert(spec.name).second)
      return "parameter '" + spec.name + "' is given twice";
    parameter.size = dtypeSize(spec.dtype);
    if (parameter.size == 0)
      return "parameter '" + spec.name + "' has the unknown element type " +
             std::to_string(spec.dtype);
    for (int64_t dim : spec.dims)
      if (dim < 0 || __builtin_mul_overflow(parameter.size, uint64_t(dim),
                                            &parameter.size))
        return "parameter '" + spec.name + "' has an impossible shape";
  }
  std::unordered_set<std::string> functionNames;
  for (const FunctionSignature &function : functions) {
    if (!functionNames.insert(function.name).second)
      return "function '" + function.name + "' is given twice";
    for (const std::string &name : function.states)
      if (std::none_of(
              states.begin(), states.end(),
              [&](const StateSpec &state) { return state.name == name; }))
        return "function '" + function.name + "' has state '" + name +
               "', which the artifact does not have";
    for (const std::string &name : function.parameters)
      if (!names.count(name))
        return "function '" + function.name + "' reads parameter '" + name +
               "', which the artifact does not have";
  }
  return "";
}

/// Gives every segment and parameter its place; the header's size is known
/// before its hashes are, because they are fixed-size structs.
void ArtifactWriter::layOut() {
  segments.clear();
  auto add = [&](SegmentKind kind, uint64_t size, uint64_t alignment) {
    segments.push_back({static_cast<uint8_t>(kind),
                        0,
                        size,
                        static_cast<uint32_t>(alignment),
                        {0, 0}});
  };
  for (const CodeVariant &variant : variants)
    add(SegmentKind::code, variant.elf.size(), codeAlignment);
  if (!source.empty())
    add(SegmentKind::source, source.size(), codeAlignment);
  if (!tokenizer.empty())
    add(SegmentKind::tokenizer, tokenizer.size(), codeAlignment);
  if (!parameters.empty()) {
    uint64_t size = 0;
    for (Parameter &parameter : parameters) {
      parameter.offset = alignTo(size, parameterAlignment);
      size = parameter.offset + parameter.size;
    }
    add(SegmentKind::weights, size, weightsAlignment);
  }

  uint64_t position = sizeof(Prelude) + buildHeader().size();
  for (Segment &segment : segments) {
    segment.offset = alignTo(position, segment.alignment);
    position = segment.offset + segment.size;
  }
  fileSize = position;

  size_t index = 0;
  for (const CodeVariant &variant : variants)
    hashBytes(variant.elf, segments[index++].hash);
  if (!source.empty())
    hashBytes(source, segments[index++].hash);
  if (!tokenizer.empty())
    hashBytes(tokenizer, segments[index].hash);
}

std::string ArtifactWriter::buildHeader() const {
  flatbuffers::FlatBufferBuilder builder(1 << 16);
  // Every field is written, also when it has the default value: the size must
  // not depend on offsets and hashes.
  builder.ForceDefaults(true);

  std::vector<flatbuffers::Offset<schema::Segment>> segmentTable;
  for (const Segment &segment : segments) {
    Hash hash(segment.hash[0], segment.hash[1]);
    bool hashed = SegmentKind(segment.kind) != SegmentKind::weights;
    segmentTable.push_back(CreateSegment(
        builder, SegmentKind(segment.kind), segment.offset, segment.size,
        segment.alignment, hashed ? &hash : nullptr));
  }

  std::vector<flatbuffers::Offset<schema::CodeVariant>> variantTable;
  for (size_t i = 0; i < variants.size(); ++i)
    variantTable.push_back(CreateCodeVariant(
        builder, builder.CreateString(variants[i].level),
        builder.CreateVectorOfStrings(variants[i].cpuFeatures), uint32_t(i)));

  uint32_t weights = segments.empty() ? 0 : uint32_t(segments.size() - 1);
  std::unordered_map<std::string, uint32_t> positions;
  std::vector<flatbuffers::Offset<schema::Parameter>> parameterTable;
  for (const Parameter &parameter : parameters) {
    const ParameterSpec &spec = parameter.spec;
    positions.emplace(spec.name, uint32_t(parameterTable.size()));
    std::vector<flatbuffers::Offset<schema::Part>> parts;
    for (const artifact::Part &part : spec.parts)
      parts.push_back(CreatePart(builder,
                                 builder.CreateSharedString(part.symbol),
                                 builder.CreateVector(part.dims)));
    Hash hash(parameter.hash[0], parameter.hash[1]);
    flatbuffers::Offset<schema::BlockFormat> block;
    if (spec.encoding == Encoding::BlockPanels)
      block = CreateBlockFormat(builder, schema::BlockCode(spec.block.code),
                                spec.block.halfScales, spec.block.hasOffset,
                                DataType(spec.block.dtype));
    parameterTable.push_back(CreateParameter(
        builder, builder.CreateSharedString(spec.name), DataType(spec.dtype),
        builder.CreateVector(spec.dims), schema::Encoding(spec.encoding),
        spec.groups, spec.columns, spec.depth, builder.CreateVector(parts),
        weights, parameter.offset, parameter.size, spec.isMutable, &hash,
        block));
  }

  auto tensors = [&](const std::vector<TensorSignature> &signatures) {
    std::vector<flatbuffers::Offset<schema::Tensor>> table;
    for (const TensorSignature &signature : signatures) {
      std::vector<flatbuffers::Offset<schema::Dimension>> dims;
      for (const Dimension &dim : signature.dims)
        dims.push_back(
            dim.symbol.empty()
                ? CreateDimension(builder, dim.size)
                : CreateDimension(builder, -1,
                                  builder.CreateSharedString(dim.symbol)));
      table.push_back(
          CreateTensor(builder, builder.CreateSharedString(signature.name),
                       DataType(signature.dtype), builder.CreateVector(dims)));
    }
    return builder.CreateVector(table);
  };
  std::unordered_map<std::string, uint32_t> statePositions;
  std::vector<flatbuffers::Offset<schema::State>> stateTable;
  for (const StateSpec &state : states) {
    statePositions.emplace(state.name, uint32_t(stateTable.size()));
    std::vector<flatbuffers::Offset<schema::Dimension>> dims;
    for (const Dimension &dim : state.dims)
      dims.push_back(CreateDimension(
          builder, dim.size,
          dim.symbol.empty() ? 0 : builder.CreateSharedString(dim.symbol)));
    stateTable.push_back(CreateState(
        builder, builder.CreateSharedString(state.name), DataType(state.dtype),
        builder.CreateVector(dims),
        state.counts.empty() ? 0 : builder.CreateSharedString(state.counts)));
  }
  std::vector<flatbuffers::Offset<schema::Function>> functionTable;
  for (const FunctionSignature &function : functions) {
    std::vector<uint32_t> stateIndices;
    for (const std::string &name : function.states)
      stateIndices.push_back(statePositions.at(name));
    std::vector<uint32_t> indices;
    for (const std::string &name : function.parameters)
      indices.push_back(positions.at(name));
    auto arguments = tensors(function.arguments);
    auto results = tensors(function.results);
    functionTable.push_back(
        CreateFunction(builder, builder.CreateString(function.name),
                       builder.CreateString(cName(function.name)),
                       builder.CreateSharedString(function.entry),
                       builder.CreateSharedString(function.workspace),
                       arguments, results, builder.CreateVector(indices),
                       builder.CreateVectorOfStrings(function.taps),
                       builder.CreateVector(stateIndices),
                       function.appends.empty()
                           ? 0
                           : builder.CreateSharedString(function.appends)));
  }

  std::vector<flatbuffers::Offset<TargetEntry>> targetTable;
  for (const auto &[key, value] : target)
    targetTable.push_back(CreateTargetEntry(builder, builder.CreateString(key),
                                            builder.CreateString(value)));

  FinishHeaderBuffer(builder, CreateHeader(builder, versionMajor, versionMinor,
                                           /*required_features=*/0,
                                           builder.CreateString(producer),
                                           schema::ComputeMode(compute),
                                           builder.CreateVector(segmentTable),
                                           builder.CreateVector(variantTable),
                                           builder.CreateVector(parameterTable),
                                           builder.CreateVector(functionTable),
                                           builder.CreateVector(targetTable),
                                           builder.CreateVector(stateTable)));
  return {reinterpret_cast<const char *>(builder.GetBufferPointer()),
          builder.GetSize()};
}

static std::string writeZeros(TemporaryFile &file, uint64_t count) {
  static const char zeros[weightsAlignment] = {};
  return file.write(zeros, count); // below the largest alignment
}

std::string ArtifactWriter::writeParameters(TemporaryFile &file) {
  uint64_t position = 0;
  uint64_t total = parameters.empty()
                       ? 0
                       : parameters.back().offset + parameters.back().size;
  for (Parameter &parameter : parameters) {
    if (std::string error = writeZeros(file, parameter.offset - position);
        !error.empty())
      return error;
    XXH3_state_t state;
    XXH3_128bits_reset(&state);
    uint64_t size = 0;
    std::string failure;
    ByteSink sink = [&](const void *data, size_t count) {
      size += count;
      if (size > parameter.size)
        failure = "parameter '" + parameter.spec.name + "' has more than the " +
                  std::to_string(parameter.size) + " bytes of its shape";
      else
        failure = file.write(data, count);
      XXH3_128bits_update(&state, data, count);
      if (progress)
        progress(parameter.offset + size, total);
      return failure.empty();
    };
    std::string error = parameter.bytes(sink);
    if (!failure.empty())
      return failure;
    if (!error.empty())
      return error;
    if (size != parameter.size)
      return "parameter '" + parameter.spec.name + "' has " +
             std::to_string(size) + " bytes, its shape needs " +
             std::to_string(parameter.size);
    XXH128_hash_t hash = XXH3_128bits_digest(&state);
    parameter.hash[0] = hash.low64;
    parameter.hash[1] = hash.high64;
    position = parameter.offset + parameter.size;
  }
  return "";
}

std::string ArtifactWriter::finish(const std::string &path) {
  if (std::string error = check(); !error.empty())
    return path + ": " + error;
  layOut();
  std::string header = buildHeader();
  if (header.size() > maxHeaderSize)
    return path + ": the header has " + std::to_string(header.size()) +
           " bytes, at most " + std::to_string(maxHeaderSize) + " are possible";

  TemporaryFile file;
  if (std::string error = file.open(path); !error.empty())
    return error;
  // The first header keeps the place; its hashes come with the second.
  std::string start(sizeof(Prelude), '\0');
  start += header;
  if (std::string error = file.write(start.data(), start.size());
      !error.empty())
    return error;
  uint64_t position = start.size();
  for (size_t i = 0; i < segments.size(); ++i) {
    if (std::string error = writeZeros(file, segments[i].offset - position);
        !error.empty())
      return error;
    std::string error;
    if (i < variants.size())
      error = file.write(variants[i].elf.data(), variants[i].elf.size());
    else if (SegmentKind(segments[i].kind) == SegmentKind::source)
      error = file.write(source.data(), source.size());
    else if (SegmentKind(segments[i].kind) == SegmentKind::tokenizer)
      error = file.write(tokenizer.data(), tokenizer.size());
    else
      error = writeParameters(file);
    if (!error.empty())
      return error;
    position = segments[i].offset + segments[i].size;
  }

  header = buildHeader();
  Prelude prelude = {};
  std::memcpy(prelude.magic, preludeMagic, sizeof(preludeMagic));
  prelude.headerSize = header.size();
  prelude.fileSize = fileSize;
  hashBytes(header, prelude.headerHash);
  std::memcpy(start.data(), &prelude, sizeof(prelude));
  start.replace(sizeof(Prelude), std::string::npos, header);
  if (std::string error = file.writeAt(0, start.data(), start.size());
      !error.empty())
    return error;
  return file.keep();
}

} // namespace moec::artifact
