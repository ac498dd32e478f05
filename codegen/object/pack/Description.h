// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How an object packs one weight: made by the compiler, read by the code in
// Pack.cpp, which is part of the object. Both see the same bytes.

#ifndef MOEC_CODEGEN_OBJECT_PACK_DESCRIPTION_H
#define MOEC_CODEGEN_OBJECT_PACK_DESCRIPTION_H

#include <cstdint>

namespace moec::object {

/// What the caller hands over.
enum class PackSource : int64_t {
  None,    ///< nothing: the weight must come packed
  Tensor,  ///< one row-major tensor, to be copied
  Panels,  ///< row-major matrices of the panels' element type
  Ggml,    ///< matrices whose rows are blocks of a ggml format
  Quantize ///< row-major matrices of f32, to be quantised as ggml does
};

/// Of 8-byte members only, so that it has no padding. Members after `size` are
/// as in PanelLayout and BlockPanelLayout.
struct PackDescription {
  PackSource source = PackSource::None;
  int64_t size = 0;   ///< bytes of the packed weight
  int64_t groups = 1; ///< matrices of each part
  int64_t parts = 1;
  int64_t columns = 0;
  int64_t depth = 0;
  int64_t elementSize = 0; ///< Panels only
  int64_t format = 0;      ///< Ggml only: a GgmlFormat
  int64_t blockSize = 0;   ///< this and below: Ggml and Quantize only
  int64_t nibbles = 0;
  int64_t halfScales = 0;
  int64_t hasOffset = 0;

  /// Pointers that the caller hands over.
  int64_t getNumRows() const {
    return source == PackSource::Tensor ? 1 : groups * parts;
  }
};

} // namespace moec::object

#endif // MOEC_CODEGEN_OBJECT_PACK_DESCRIPTION_H
