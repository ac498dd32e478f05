// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "weights/encodings/Blocks.h"
#include "weights/encodings/Floats.h"
#include <algorithm>

using namespace moec;

const int8_t moec::kDoubledE2M1[16] = {0, 1,  2,  3,  4,  6,  8,  12,
                                       0, -1, -2, -3, -4, -6, -8, -12};

void moec::decodeBlocks(const BlockForm &form, const BlockRow &row,
                        int64_t count, float *out) {
  for (int64_t first = 0; first < count; first += form.block) {
    float scale = row.scales[first / form.block];
    float offset = form.hasOffset ? row.offsets[first / form.block] : 0.0f;
    int64_t end = std::min(first + form.block, count);
    for (int64_t i = first; i < end; ++i) {
      float number = form.code == CodeKind::Int8
                         ? static_cast<float>(static_cast<int8_t>(row.codes[i]))
                         : widenE4M3(row.codes[i]);
      out[i] = form.hasOffset ? number * scale + offset : number * scale;
    }
  }
}

static float loadF16(const uint8_t *from) {
  uint16_t bits;
  std::memcpy(&bits, from, sizeof bits);
  return widenF16(bits);
}

/// Two codes in each byte: the low halves are the first 16 elements.
static void decodeHalves(const uint8_t *stored, uint8_t *codes,
                         auto translate) {
  for (int64_t i = 0; i < 16; ++i) {
    codes[i] = translate(stored[i] & 15);
    codes[i + 16] = translate(stored[i] >> 4);
  }
}

static void decodeQ8_0(const uint8_t *stored, BlockRow out) {
  out.scales[0] = loadF16(stored);
  std::memcpy(out.codes, stored + 2, 32);
}

static void decodeQ4_0(const uint8_t *stored, BlockRow out) {
  out.scales[0] = loadF16(stored);
  decodeHalves(stored + 2, out.codes, [](int code) { return code - 8; });
}

static void decodeMxfp4(const uint8_t *stored, BlockRow out) {
  out.scales[0] = 0.5f * widenE8M0(stored[0]);
  decodeHalves(stored + 1, out.codes,
               [](int code) { return kDoubledE2M1[code]; });
}

/// Scales and offsets of the 8 runs of a block of Q4_K or Q5_K, from their 12
/// bytes of 6-bit numbers.
static void decodeScalesK(const uint8_t *stored, BlockRow out) {
  float scale = loadF16(stored), least = loadF16(stored + 2);
  const uint8_t *packed = stored + 4;
  for (int j = 0; j < 8; ++j) {
    int s = j < 4 ? packed[j] & 63
                  : (packed[j + 4] & 15) | (packed[j - 4] >> 6) << 4;
    int m =
        j < 4 ? packed[j + 4] & 63 : packed[j + 4] >> 4 | (packed[j] >> 6) << 4;
    out.scales[j] = scale * static_cast<float>(s);
    out.offsets[j] = -(least * static_cast<float>(m));
  }
}

static void decodeQ4K(const uint8_t *stored, BlockRow out) {
  decodeScalesK(stored, out);
  for (int run = 0; run < 8; ++run)
    for (int i = 0; i < 32; ++i)
      out.codes[run * 32 + i] =
          stored[16 + run / 2 * 32 + i] >> run % 2 * 4 & 15;
}

static void decodeQ5K(const uint8_t *stored, BlockRow out) {
  decodeScalesK(stored, out);
  for (int run = 0; run < 8; ++run)
    for (int i = 0; i < 32; ++i)
      out.codes[run * 32 + i] =
          (stored[48 + run / 2 * 32 + i] >> run % 2 * 4 & 15) |
          (stored[16 + i] >> run & 1) << 4;
}

static void decodeQ6K(const uint8_t *stored, BlockRow out) {
  float scale = loadF16(stored + 208);
  for (int run = 0; run < 16; ++run)
    out.scales[run] =
        scale * static_cast<float>(static_cast<int8_t>(stored[192 + run]));
  // Each half of 128 elements: 4 runs of 32, the low 4 bits in 64 bytes, the
  // high 2 bits in 32.
  for (int half = 0; half < 2; ++half)
    for (int run = 0; run < 4; ++run)
      for (int i = 0; i < 32; ++i) {
        int low = stored[half * 64 + run % 2 * 32 + i] >> run / 2 * 4 & 15;
        int high = stored[128 + half * 32 + i] >> run * 2 & 3;
        out.codes[half * 128 + run * 32 + i] = (low | high << 4) - 32;
      }
}

GgmlBlock moec::getGgmlBlock(GgmlFormat format) {
  switch (format) {
  case GgmlFormat::Q8_0:
    return {32, 34, {CodeKind::Int8, 32, false}};
  case GgmlFormat::Q4_0:
    return {32, 18, {CodeKind::Int8, 32, false}};
  case GgmlFormat::Q4K:
    return {256, 144, {CodeKind::Int8, 32, true}};
  case GgmlFormat::Q5K:
    return {256, 176, {CodeKind::Int8, 32, true}};
  case GgmlFormat::Q6K:
    return {256, 210, {CodeKind::Int8, 16, false}};
  case GgmlFormat::Mxfp4:
    return {32, 17, {CodeKind::Int8, 32, false}};
  }
  __builtin_unreachable();
}

void moec::decodeGgml(GgmlFormat format, const uint8_t *stored, int64_t count,
                      BlockRow out) {
  GgmlBlock block = getGgmlBlock(format);
  int64_t scales = block.elements / block.form.block;
  for (int64_t i = 0; i < count; ++i) {
    const uint8_t *from = stored + i * block.bytes;
    BlockRow to{out.codes + i * block.elements, out.scales + i * scales,
                block.form.hasOffset ? out.offsets + i * scales : nullptr};
    switch (format) {
    case GgmlFormat::Q8_0:
      decodeQ8_0(from, to);
      break;
    case GgmlFormat::Q4_0:
      decodeQ4_0(from, to);
      break;
    case GgmlFormat::Q4K:
      decodeQ4K(from, to);
      break;
    case GgmlFormat::Q5K:
      decodeQ5K(from, to);
      break;
    case GgmlFormat::Q6K:
      decodeQ6K(from, to);
      break;
    case GgmlFormat::Mxfp4:
      decodeMxfp4(from, to);
      break;
    }
  }
}
