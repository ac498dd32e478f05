// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Quantised rows in the form that all formats share: a code of one byte for
// each element, and for each run of `block` elements a scale and perhaps an
// offset:
//
//   element = number(code) * scale + offset

#ifndef MOEC_WEIGHTS_ENCODINGS_BLOCKS_H
#define MOEC_WEIGHTS_ENCODINGS_BLOCKS_H

#include <cstdint>

namespace moec {

/// What number a code is.
enum class CodeKind { Int8, Float8E4M3 };

struct BlockForm {
  CodeKind code = CodeKind::Int8;
  /// Elements of a row that share a scale.
  int64_t block = 32;
  bool hasOffset = false;
};

/// Codes, scales and offsets of some blocks of one row.
struct BlockRow {
  uint8_t *codes;
  float *scales;
  float *offsets; ///< read and written only where the form has offsets
};

/// The elements of `count` codes, from the start of a block.
void decodeBlocks(const BlockForm &form, const BlockRow &row, int64_t count,
                  float *out);

/// Twice the value of each of the 16 numbers of FP4 (E2M1), all integers.
extern const int8_t kDoubledE2M1[16];

/// ggml's block formats, as ggml-quants.c dequantises them.
enum class GgmlFormat { Q8_0, Q4_0, Q4K, Q5K, Q6K, Mxfp4 };

/// Elements and bytes of one stored block, and the form it is decoded to.
struct GgmlBlock {
  int64_t elements;
  int64_t bytes;
  BlockForm form;
};
GgmlBlock getGgmlBlock(GgmlFormat format);

/// Decodes `count` stored blocks.
void decodeGgml(GgmlFormat format, const uint8_t *stored, int64_t count,
                BlockRow out);

} // namespace moec

#endif // MOEC_WEIGHTS_ENCODINGS_BLOCKS_H
