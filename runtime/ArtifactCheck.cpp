// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/ArtifactCheck.h"

#include "runtime/HeaderChecker.h"

#include <cinttypes>
#include <cstdarg>
#include <cstdio>

using namespace moec::schema;

namespace moec::runtime {

static constexpr uint64_t maxAlignment = 2 << 20;

HeaderChecker::Field HeaderChecker::at(const char *format, ...) {
  Field field;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(field.text, sizeof(field.text), format, arguments);
  va_end(arguments);
  return field;
}

bool HeaderChecker::bad(const Field &field, const char *format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  fail(error, MOEC_BAD_ARTIFACT, "%s: header.%s %s", name, field.text, text);
  return false;
}

bool HeaderChecker::checkVersion() {
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

bool HeaderChecker::checkCount(const Field &field, uint64_t count,
                               uint64_t limit) {
  return count <= limit ||
         bad(field, "has %" PRIu64 " entries, at most %" PRIu64 " are possible",
             count, limit);
}

/// Names go into messages and C strings.
bool HeaderChecker::checkName(const Field &field,
                              const flatbuffers::String *text) {
  if (!text || text->size() == 0)
    return bad(field, "is empty");
  for (uint32_t i = 0; i < text->size(); ++i)
    if (text->Get(i) < 0x20 || text->Get(i) == 0x7f)
      return bad(field, "has the control character %d at position %u",
                 int(text->Get(i)), i);
  return true;
}

bool HeaderChecker::checkSymbol(const Field &field,
                                const flatbuffers::String *text,
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

bool HeaderChecker::checkDtype(const Field &field, DataType dtype) {
  return moec_dtype_size(int32_t(dtype)) != 0 ||
         bad(field, "is %d, which is no element type", int(dtype));
}

bool HeaderChecker::checkDims(const Field &field,
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

bool HeaderChecker::checkSegments() {
  const auto &segments = *header.segments();
  if (!checkCount(at("segments"), segments.size(), maxSegments))
    return false;
  uint64_t position = sizeof(Prelude) + file.headerSize();
  uint32_t sources = 0, tokenizers = 0;
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
    if (segment.kind() == SegmentKind::tokenizer && ++tokenizers > 1)
      return bad(at("segments[%u].kind", i), "is tokenizer a second time");
    position = segment.offset() + segment.size();
  }
  if (position != file.size())
    return bad(at("segments"),
               "end at byte %" PRIu64 ", but the file has %" PRIu64 " bytes",
               position, file.size());
  return true;
}

bool HeaderChecker::checkVariants() {
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

bool HeaderChecker::checkTarget() {
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

moec_status checkHeader(const char *name, const ArtifactFile &file,
                        Arena &scratch, moec_error *error) {
  HeaderChecker checker(name, file, scratch, error);
  return checker.run() ? MOEC_OK : checker.status;
}

} // namespace moec::runtime
