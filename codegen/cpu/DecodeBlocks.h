// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Panels of quantised weights as f32 vectors: the only place that knows how
// codes are stored (see #grouped.blocks).

#ifndef MOEC_CODEGEN_CPU_DECODEBLOCKS_H
#define MOEC_CODEGEN_CPU_DECODEBLOCKS_H

#include "dialects/grouped/Grouped.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace moec::cpu {

/// Emits code that decodes one block of a panel, whose bytes stand in the
/// one-dimensional `panel` from `base` on.
class BlockDecoder {
public:
  BlockDecoder(mlir::ImplicitLocOpBuilder &b, grouped::BlocksAttr blocks,
               unsigned lanes, mlir::Value panel, mlir::Value base)
      : b(b), blocks(blocks), lanes(lanes), panel(panel), base(base),
        f32(mlir::VectorType::get(lanes, b.getF32Type())),
        i32(mlir::VectorType::get(lanes, b.getI32Type())) {}

  /// The numbers of depth elements 4 * quad to 4 * quad + 3: for each the
  /// vectors of `lanes` columns that make up the panel's 16. A weight is
  /// `scale * (number / getFactor(classes, k % classes, v) - getBias()) +
  /// offset` for element k of the four in vector v. With several classes (1, 2
  /// or 4) codes that are not negative need few shifts, since they become
  /// floats where they stand.
  llvm::SmallVector<mlir::Value> emitNumbers(mlir::Value quad, int64_t classes);
  double getFactor(int64_t classes, int64_t number, size_t vector) const;
  double getBias() const {
    return blocks.getCode() == grouped::BlockCode::Int4 ? 8 : 0;
  }

  /// Loads the vectors of scales, and of offsets where there are any.
  llvm::SmallVector<mlir::Value> loadScales();
  llvm::SmallVector<mlir::Value> loadOffsets();

  /// Bytes of a block of a panel.
  static int64_t getBlockBytes(grouped::BlocksAttr blocks);
  /// Whether a product needs the sum of a row's elements in each block.
  static bool needsRowSums(grouped::BlocksAttr blocks) {
    return blocks.getOffset() || blocks.getCode() == grouped::BlockCode::Int4;
  }

private:
  mlir::Value loadBytes(mlir::Value at, int64_t offset, int64_t count);
  mlir::Value loadNibbles(mlir::Value at, unsigned vector);
  llvm::SmallVector<mlir::Value> loadWords(mlir::Value quad);
  mlir::Value splat(mlir::VectorType type, int64_t value);
  mlir::Value toUnsigned(mlir::Value word, int64_t k, int64_t classes);
  mlir::Value toSigned(mlir::Value word, int64_t k);
  llvm::SmallVector<mlir::Value> emitNibbles(mlir::Value quad);
  /// Whether codes are stored as numbers from 0 to 15.
  bool isUnsigned() const {
    return blocks.getCode() == grouped::BlockCode::Int4 ||
           blocks.getCode() == grouped::BlockCode::UInt4;
  }

  /// Whether nibbles become floats where they stand: a register holds the low
  /// ones of the first 8 columns and the high ones of the others.
  bool takesNibbles(int64_t classes) const {
    return isUnsigned() && lanes == 8 && classes == 4;
  }

  mlir::ImplicitLocOpBuilder &b;
  grouped::BlocksAttr blocks;
  unsigned lanes;
  mlir::Value panel, base;
  mlir::VectorType f32, i32;
};

/// Emits a call that writes a panel's first `length` depth elements to `out` as
/// f32, 16 columns by depth.
void emitExpandPanel(mlir::ImplicitLocOpBuilder &b, grouped::BlocksAttr blocks,
                     unsigned lanes, mlir::Value panel, mlir::Value out,
                     mlir::Value length);

} // namespace moec::cpu

#endif // MOEC_CODEGEN_CPU_DECODEBLOCKS_H
