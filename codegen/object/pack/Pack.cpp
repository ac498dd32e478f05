// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Packs the weights of an engine. Compiled to LLVM bitcode when moec is built,
// and linked into each object with weights by pointer; so it needs nothing that
// an object has not, no C library either.

#include "codegen/object/pack/Description.h"
#include "moec/frame.h"
#include "weights/encodings/BlockPanels.h"
#include <cstddef>
#include <cstring>

using namespace moec;
using object::PackDescription;
using object::PackSource;

// What code generation calls where a size is not constant. Without no_builtin
// the loops would become calls of themselves.
using Words = uint64_t __attribute__((vector_size(32), aligned(1), may_alias));

extern "C" {
[[gnu::used, clang::no_builtin]] void *memcpy(void *to, const void *from,
                                              size_t size) noexcept {
  auto *target = static_cast<char *>(to);
  auto *source = static_cast<const char *>(from);
  size_t at = 0;
  for (; at + sizeof(Words) <= size; at += sizeof(Words))
    *reinterpret_cast<Words *>(target + at) =
        *reinterpret_cast<const Words *>(source + at);
  for (; at < size; ++at)
    target[at] = source[at];
  return to;
}
[[gnu::used, clang::no_builtin]] void *memset(void *to, int byte,
                                              size_t size) noexcept {
  auto *target = static_cast<char *>(to);
  for (size_t at = 0; at < size; ++at)
    target[at] = static_cast<char>(byte);
  return to;
}
}

namespace {
/// Bytes that one task copies.
constexpr int64_t kCopyBytes = 1 << 20;
/// Depth elements that are decoded at a time: a block of any format.
constexpr int64_t kMostElements = 256;
constexpr int64_t kLeastBlock = 16;

struct Job {
  const PackDescription &weight;
  const void *const *rows;
  char *packed;
};

PanelLayout getShape(const PackDescription &weight) {
  return {weight.columns, weight.depth, weight.elementSize, weight.parts};
}

/// The first row of panel `panel` of each part, rows of `rowBytes`.
void findRows(const Job &job, int64_t group, int64_t panel, int64_t rowBytes,
              const char **rows) {
  int64_t first = panel * getShape(job.weight).lanesPerPart();
  for (int64_t part = 0; part < job.weight.parts; ++part)
    rows[part] =
        static_cast<const char *>(job.rows[part * job.weight.groups + group]) +
        first * rowBytes;
}

void copyTensor(void *argument, int64_t index, int64_t) {
  const Job &job = *static_cast<const Job *>(argument);
  int64_t begin = index * kCopyBytes;
  int64_t rest = job.weight.size - begin;
  memcpy(job.packed + begin, static_cast<const char *>(job.rows[0]) + begin,
         rest < kCopyBytes ? rest : kCopyBytes);
}

/// One panel of one group.
void packFloats(void *argument, int64_t index, int64_t) {
  const Job &job = *static_cast<const Job *>(argument);
  PanelLayout shape = getShape(job.weight);
  int64_t panel = index % shape.panels();
  const char *rows[2];
  findRows(job, index / shape.panels(), panel, shape.depth * shape.elementSize,
           rows);
  packPanels(shape, reinterpret_cast<const void *const *>(rows), panel, 1,
             job.packed + index * shape.panelBytes());
}

/// One panel of one group, a stored block (or a block of floats) of each lane
/// at a time.
void packBlocks(void *argument, int64_t index, int64_t) {
  const Job &job = *static_cast<const Job *>(argument);
  const PackDescription &weight = job.weight;
  PanelLayout shape = getShape(weight);
  bool quantize = weight.source == PackSource::Quantize;
  auto format = static_cast<GgmlFormat>(weight.format);
  GgmlBlock stored = quantize
                         ? GgmlBlock{weight.blockSize, weight.blockSize * 4, {}}
                         : getGgmlBlock(format);
  int64_t panel = index % shape.panels();
  const char *rows[2];
  findRows(job, index / shape.panels(), panel,
           weight.depth / stored.elements * stored.bytes, rows);

  uint8_t codes[PanelLayout::kLanes * kMostElements];
  float scales[PanelLayout::kLanes * kMostElements / kLeastBlock];
  float offsets[PanelLayout::kLanes * kMostElements / kLeastBlock];
  BlockPanelLayout layout;
  layout.shape = {weight.columns, stored.elements, 0, weight.parts};
  layout.size = weight.blockSize;
  layout.nibbles = static_cast<NibbleCode>(weight.nibbles);
  layout.halfScales = weight.halfScales;
  layout.hasOffset = weight.hasOffset;
  int64_t numScales = stored.elements / weight.blockSize;
  int64_t lanes = shape.lanesPerPart();
  int64_t count = weight.columns - panel * lanes;
  if (count > lanes)
    count = lanes;
  int64_t runs = weight.depth / stored.elements;
  int64_t bytes = layout.panelBytes();
  for (int64_t run = 0; run < runs; ++run) {
    BlockRow parts[2];
    for (int64_t part = 0; part < weight.parts; ++part) {
      int64_t first = part * lanes;
      parts[part] = {codes + first * stored.elements,
                     scales + first * numScales, offsets + first * numScales};
      for (int64_t i = 0; i < count; ++i) {
        const char *from = rows[part] + (i * runs + run) * stored.bytes;
        BlockRow row = {parts[part].codes + i * stored.elements,
                        parts[part].scales + i * numScales,
                        parts[part].offsets + i * numScales};
        if (quantize)
          quantizeRow(reinterpret_cast<const float *>(from), stored.elements,
                      stored.elements,
                      layout.nibbles == NibbleCode::None ? 8 : 4, row);
        else
          decodeGgml(format, reinterpret_cast<const uint8_t *>(from), 1, row);
      }
    }
    packBlockPanels(layout, parts, panel, 1,
                    reinterpret_cast<uint8_t *>(job.packed) +
                        (index * runs + run) * bytes);
  }
}
} // namespace

/// Bytes of a packed weight, or a negative status.
extern "C" int64_t moec_weight_size(const PackDescription *weights,
                                    int64_t count, int32_t index) {
  return index < 0 || index >= count ? MOEC_FRAME_BAD_COUNT
                                     : weights[index].size;
}

/// Packs one weight; returns a moec_frame_status.
extern "C" int32_t moec_pack_weight(const PackDescription *weights,
                                    int64_t count, int32_t index,
                                    const void *const *rows, void *packed,
                                    const moec_services *services) {
  if (index < 0 || index >= count)
    return MOEC_FRAME_BAD_COUNT;
  if (services->struct_size < offsetof(moec_services, tap) ||
      services->num_workers < 1 || !services->parallel_for)
    return MOEC_FRAME_BAD_ABI;
  const PackDescription &weight = weights[index];
  if (weight.source == PackSource::None)
    return MOEC_FRAME_BAD_DTYPE;
  if (!packed || reinterpret_cast<uintptr_t>(packed) % 64)
    return MOEC_FRAME_BAD_WORKSPACE;
  for (int64_t i = 0; i < weight.getNumRows(); ++i)
    if (!rows || !rows[i])
      return MOEC_FRAME_STATUS(MOEC_FRAME_BAD_DIMENSION,
                               static_cast<int32_t>(i));
  Job job = {weight, rows, static_cast<char *>(packed)};
  bool isTensor = weight.source == PackSource::Tensor;
  bool isFloats = weight.source == PackSource::Panels;
  services->parallel_for(services->host,
                         isTensor ? (weight.size + kCopyBytes - 1) / kCopyBytes
                                  : weight.groups * getShape(weight).panels(),
                         isTensor   ? copyTensor
                         : isFloats ? packFloats
                                    : packBlocks,
                         &job);
  return MOEC_FRAME_OK;
}
