// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/ArtifactCheck.h"

#include "runtime/schema/Prelude.h"

#include <cinttypes>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

using namespace moec::schema;

namespace moec::runtime {

namespace {

constexpr uint64_t maxAlignment = 2 << 20;
constexpr int64_t panelLanes = 16;

template <typename T> using Table = flatbuffers::Vector<flatbuffers::Offset<T>>;

class Checker {
public:
  Checker(const char *name, const ArtifactFile &file, Arena &scratch,
          moec_error *error)
      : name(name), file(file), header(*file.header()), scratch(scratch),
        error(error) {}

  bool run() {
    return checkVersion() && checkSegments() && checkVariants() &&
           checkParameters() && checkFunctions() && checkTarget();
  }
  moec_status status = MOEC_BAD_ARTIFACT;

private:
  /// A position in the header, such as header.functions[2].results[0].
  struct Field {
    char text[160];
  };

  [[gnu::format(printf, 1, 2)]] static Field at(const char *format, ...);
  [[gnu::format(printf, 3, 4)]] bool bad(const Field &field, const char *format,
                                         ...);

  bool checkVersion();
  bool checkSegments();
  bool checkVariants();
  bool checkParameters();
  bool checkPanels(const Field &field, const Parameter &parameter);
  bool checkFunctions();
  bool checkFunction(uint32_t index, const Function &function);
  bool checkTensors(const Field &field, const Table<Tensor> &tensors,
                    bool introduces);
  bool checkTarget();
  bool checkName(const Field &field, const flatbuffers::String *text);
  bool checkSymbol(const Field &field, const flatbuffers::String *text,
                   const char *prefix);
  bool checkDtype(const Field &field, DataType dtype);
  bool checkCount(const Field &field, uint64_t count, uint64_t limit);
  bool checkDims(const Field &field, const flatbuffers::Vector<int64_t> &dims,
                 uint64_t &elements);
  bool isKnownSymbol(const char *symbol) const;
  template <typename T>
  bool checkUnique(const Field &field, const Table<T> &table);

  const char *name;
  const ArtifactFile &file;
  const Header &header;
  Arena &scratch;
  moec_error *error;
  const char *symbols[maxSymbols] = {}; ///< of the current function
  uint32_t numSymbols = 0;
};

Checker::Field Checker::at(const char *format, ...) {
  Field field;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(field.text, sizeof(field.text), format, arguments);
  va_end(arguments);
  return field;
}

bool Checker::bad(const Field &field, const char *format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  fail(error, MOEC_BAD_ARTIFACT, "%s: header.%s %s", name, field.text, text);
  return false;
}

bool Checker::checkVersion() {
  if (header.version_major() != versionMajor)
    return bad(at("version_major"), "is %u, this runtime reads %u",
               header.version_major(), versionMajor);
  if (uint64_t unknown = header.required_features() & ~knownFeatures)
    return bad(at("required_features"),
               "has the bits 0x%" PRIx64
               ", which this runtime does not know: a newer one is needed",
               unknown);
  if (header.compute() > ComputeMode::MAX)
    return bad(at("compute"), "is %d, at most %d is known",
               int(header.compute()), int(ComputeMode::MAX));
  return checkName(at("producer"), header.producer());
}

bool Checker::checkCount(const Field &field, uint64_t count, uint64_t limit) {
  return count <= limit ||
         bad(field, "has %" PRIu64 " entries, at most %" PRIu64 " are possible",
             count, limit);
}

/// Names go into messages and C strings.
bool Checker::checkName(const Field &field, const flatbuffers::String *text) {
  if (!text || text->size() == 0)
    return bad(field, "is empty");
  for (uint32_t i = 0; i < text->size(); ++i)
    if (text->Get(i) < 0x20 || text->Get(i) == 0x7f)
      return bad(field, "has the control character %d at position %u",
                 int(text->Get(i)), i);
  return true;
}

bool Checker::checkSymbol(const Field &field, const flatbuffers::String *text,
                          const char *prefix) {
  if (!checkName(field, text))
    return false;
  if (strncmp(text->c_str(), prefix, strlen(prefix)) != 0)
    return bad(field, "is '%s', expected a name that begins with '%s'",
               text->c_str(), prefix);
  for (const char *c = text->c_str(); *c; ++c)
    if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
          (*c >= '0' && *c <= '9') || *c == '_'))
      return bad(field, "is '%s', which is not a C name", text->c_str());
  return true;
}

bool Checker::checkDtype(const Field &field, DataType dtype) {
  return moec_dtype_size(int32_t(dtype)) != 0 ||
         bad(field, "is %d, which is no element type", int(dtype));
}

bool Checker::checkDims(const Field &field,
                        const flatbuffers::Vector<int64_t> &dims,
                        uint64_t &elements) {
  if (dims.size() > maxRank)
    return bad(field, "has %u dimensions, at most %u are possible", dims.size(),
               maxRank);
  elements = 1;
  for (int64_t dim : dims) {
    if (dim < 0)
      return bad(field, "has the negative dimension %" PRId64, dim);
    if (__builtin_mul_overflow(elements, uint64_t(dim), &elements))
      return bad(field, "has more elements than 64 bits can count");
  }
  return true;
}

template <typename T>
bool Checker::checkUnique(const Field &field, const Table<T> &table) {
  auto **names = scratch.array<const char *>(table.size());
  if (!names) {
    status = fail(error, MOEC_ENVIRONMENT, "%s: out of memory", name);
    return false;
  }
  for (uint32_t i = 0; i < table.size(); ++i)
    names[i] = table.Get(i)->name()->c_str();
  qsort(names, table.size(), sizeof(*names), [](const void *a, const void *b) {
    return strcmp(*static_cast<const char *const *>(a),
                  *static_cast<const char *const *>(b));
  });
  for (uint32_t i = 1; i < table.size(); ++i)
    if (strcmp(names[i - 1], names[i]) == 0)
      return bad(field, "has the name '%s' twice", names[i]);
  return true;
}

bool Checker::checkSegments() {
  const auto &segments = *header.segments();
  if (!checkCount(at("segments"), segments.size(), maxSegments))
    return false;
  uint64_t position = sizeof(Prelude) + file.headerSize();
  uint32_t sources = 0;
  for (uint32_t i = 0; i < segments.size(); ++i) {
    const Segment &segment = *segments.Get(i);
    if (segment.kind() > SegmentKind::MAX)
      return bad(at("segments[%u].kind", i), "is %d, at most %d is known",
                 int(segment.kind()), int(SegmentKind::MAX));
    bool weights = segment.kind() == SegmentKind::weights;
    uint64_t least = weights ? weightsAlignment : codeAlignment;
    uint64_t alignment = segment.alignment();
    if (alignment < least || alignment > maxAlignment ||
        (alignment & (alignment - 1)) != 0)
      return bad(at("segments[%u].alignment", i),
                 "is %" PRIu64 ", expected a power of two from %" PRIu64
                 " to %" PRIu64,
                 alignment, least, maxAlignment);
    if (segment.offset() % alignment != 0)
      return bad(at("segments[%u].offset", i),
                 "is %" PRIu64 ", expected a multiple of %" PRIu64,
                 segment.offset(), alignment);
    if (segment.offset() < position ||
        segment.offset() - position >= alignment ||
        segment.offset() > file.size())
      return bad(at("segments[%u].offset", i),
                 "is %" PRIu64 ", expected the first multiple of %" PRIu64
                 " from %" PRIu64 " in a file of %" PRIu64 " bytes",
                 segment.offset(), alignment, position, file.size());
    if (segment.size() > file.size() - segment.offset())
      return bad(at("segments[%u].size", i),
                 "is %" PRIu64 ", but %" PRIu64
                 " bytes follow its offset in the file",
                 segment.size(), file.size() - segment.offset());
    if (!weights && !segment.hash())
      return bad(at("segments[%u].hash", i), "is missing");
    if (segment.kind() == SegmentKind::source && ++sources > 1)
      return bad(at("segments[%u].kind", i), "is source a second time");
    position = segment.offset() + segment.size();
  }
  if (position != file.size())
    return bad(at("segments"),
               "end at byte %" PRIu64 ", but the file has %" PRIu64 " bytes",
               position, file.size());
  return true;
}

bool Checker::checkVariants() {
  const auto &variants = *header.variants();
  if (!checkCount(at("variants"), variants.size(), maxSegments))
    return false;
  for (uint32_t i = 0; i < variants.size(); ++i) {
    const CodeVariant &variant = *variants.Get(i);
    if (!checkName(at("variants[%u].level", i), variant.level()))
      return false;
    if (const auto *features = variant.cpu_features())
      for (uint32_t j = 0; j < features->size(); ++j)
        if (!checkName(at("variants[%u].cpu_features[%u]", i, j),
                       features->Get(j)))
          return false;
    if (variant.segment() >= header.segments()->size() ||
        header.segments()->Get(variant.segment())->kind() != SegmentKind::code)
      return bad(at("variants[%u].segment", i),
                 "is %u, expected the position of a code segment",
                 variant.segment());
  }
  return true;
}

bool Checker::checkPanels(const Field &field, const Parameter &parameter) {
  const auto &dims = *parameter.dims();
  int64_t parts = parameter.parts()->size();
  if (parts < 1 || parts > 2)
    return bad(field, "has %" PRId64 " parts, panels have 1 or 2", parts);
  int64_t g = dims.size() == 5 ? dims.Get(4) : 0;
  if (dims.size() != 5 || dims.Get(3) != panelLanes ||
      (g != 1 && g != 2 && g != 4))
    return bad(field, "has other dims than panels: expected [groups, panels, "
                      "steps, 16, 1 or 2 or 4]");
  int64_t columns = parameter.columns(), depth = parameter.depth();
  int64_t width = panelLanes / parts;
  // Written without sums, which could overflow.
  auto ceilDiv = [](int64_t a, int64_t b) { return a / b + (a % b != 0); };
  if (parameter.groups() != dims.Get(0) || columns < 0 || depth < 0 ||
      ceilDiv(columns, width) != dims.Get(1) ||
      ceilDiv(depth, g) != dims.Get(2))
    return bad(field,
               "has groups, columns and depth %" PRId64 ", %" PRId64
               ", %" PRId64 ", which do not give its dims",
               parameter.groups(), columns, depth);
  for (uint32_t i = 0; i < parts; ++i) {
    const auto &shape = *parameter.parts()->Get(i)->dims();
    uint32_t rank = shape.size();
    if ((rank != 3 && !(rank == 2 && parameter.groups() == 1)) ||
        (rank == 3 && shape.Get(0) != parameter.groups()) ||
        shape.Get(rank - 2) != columns || shape.Get(rank - 1) != depth)
      return bad(field,
                 "has other dims in parts[%u] than [groups, columns, "
                 "depth]",
                 i);
  }
  return true;
}

bool Checker::checkParameters() {
  const auto &parameters = *header.parameters();
  if (!checkCount(at("parameters"), parameters.size(), maxEntries))
    return false;
  uint32_t lastSegment = 0;
  uint64_t lastEnd = 0;
  for (uint32_t i = 0; i < parameters.size(); ++i) {
    const Parameter &parameter = *parameters.Get(i);
    uint64_t elements = 0, size = 0;
    if (!checkName(at("parameters[%u].name", i), parameter.name()) ||
        !checkDtype(at("parameters[%u].dtype", i), parameter.dtype()) ||
        !checkDims(at("parameters[%u].dims", i), *parameter.dims(), elements))
      return false;
    if (__builtin_mul_overflow(
            elements, uint64_t(moec_dtype_size(int32_t(parameter.dtype()))),
            &size) ||
        size != parameter.size())
      return bad(at("parameters[%u].size", i),
                 "is %" PRIu64 ", which does not match its dims and dtype",
                 parameter.size());

    if (parameter.segment() >= header.segments()->size() ||
        header.segments()->Get(parameter.segment())->kind() !=
            SegmentKind::weights)
      return bad(at("parameters[%u].segment", i),
                 "is %u, expected the position of a weights segment",
                 parameter.segment());
    uint64_t room = header.segments()->Get(parameter.segment())->size();
    uint64_t offset = parameter.offset();
    if (offset % parameterAlignment != 0 || offset > room ||
        size > room - offset)
      return bad(at("parameters[%u].offset", i),
                 "is %" PRIu64 " with size %" PRIu64
                 ", expected a multiple of %" PRIu64 " in a segment of %" PRIu64
                 " bytes",
                 offset, size, parameterAlignment, room);
    // In ascending order, so that none overlaps another.
    if (parameter.segment() < lastSegment ||
        (parameter.segment() == lastSegment && offset < lastEnd))
      return bad(at("parameters[%u].offset", i),
                 "is %" PRIu64 ", before the end of the parameter before it",
                 offset);
    lastSegment = parameter.segment();
    lastEnd = offset + size;

    if (parameter.encoding() > Encoding::MAX)
      return bad(at("parameters[%u].encoding", i), "is %d, at most %d is known",
                 int(parameter.encoding()), int(Encoding::MAX));
    const auto &parts = *parameter.parts();
    if (!checkCount(at("parameters[%u].parts", i), parts.size(), maxEntries))
      return false;
    for (uint32_t j = 0; j < parts.size(); ++j) {
      uint64_t partElements = 0;
      if (!checkName(at("parameters[%u].parts[%u].symbol", i, j),
                     parts.Get(j)->symbol()) ||
          !checkDims(at("parameters[%u].parts[%u].dims", i, j),
                     *parts.Get(j)->dims(), partElements))
        return false;
      if (parameter.encoding() == Encoding::row_major &&
          (parts.size() != 1 || partElements != elements))
        return bad(at("parameters[%u].parts", i),
                   "is not one part with as many elements as the parameter");
    }
    if (parameter.encoding() == Encoding::row_major && parts.size() != 1)
      return bad(at("parameters[%u].parts", i), "has %u entries, expected 1",
                 parts.size());
    if (parameter.encoding() == Encoding::panels &&
        !checkPanels(at("parameters[%u]", i), parameter))
      return false;
  }
  return checkUnique(at("parameters"), parameters);
}

bool Checker::isKnownSymbol(const char *symbol) const {
  for (uint32_t i = 0; i < numSymbols; ++i)
    if (strcmp(symbols[i], symbol) == 0)
      return true;
  return false;
}

bool Checker::checkTensors(const Field &field, const Table<Tensor> &tensors,
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
      if (!introduces)
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

bool Checker::checkFunction(uint32_t index, const Function &function) {
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
  if (const auto *taps = function.taps()) {
    if (!checkCount(at("functions[%u].taps", index), taps->size(), maxEntries))
      return false;
    for (uint32_t i = 0; i < taps->size(); ++i)
      if (!checkName(at("functions[%u].taps[%u]", index, i), taps->Get(i)))
        return false;
  }
  return true;
}

bool Checker::checkFunctions() {
  const auto &functions = *header.functions();
  if (!checkCount(at("functions"), functions.size(), maxEntries))
    return false;
  for (uint32_t i = 0; i < functions.size(); ++i)
    if (!checkFunction(i, *functions.Get(i)))
      return false;
  return checkUnique(at("functions"), functions);
}

bool Checker::checkTarget() {
  const auto *target = header.target();
  if (!target)
    return true;
  if (!checkCount(at("target"), target->size(), maxEntries))
    return false;
  for (uint32_t i = 0; i < target->size(); ++i)
    if (!checkName(at("target[%u].key", i), target->Get(i)->key()) ||
        !checkName(at("target[%u].value", i), target->Get(i)->value()))
      return false;
  return true;
}

} // namespace

moec_status checkHeader(const char *name, const ArtifactFile &file,
                        Arena &scratch, moec_error *error) {
  Checker checker(name, file, scratch, error);
  return checker.run() ? MOEC_OK : checker.status;
}

} // namespace moec::runtime
