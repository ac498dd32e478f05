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
  /// Loads the block's scales and offsets.
  BlockDecoder(mlir::ImplicitLocOpBuilder &b, grouped::BlocksAttr blocks,
               unsigned lanes, mlir::Value panel, mlir::Value base);

  /// The weights of depth elements 4 * quad to 4 * quad + 3: for each the
  /// vectors of `lanes` columns that make up the panel's 16.
  llvm::SmallVector<mlir::Value> emitQuad(mlir::Value quad);

  /// Bytes of a block of a panel.
  static int64_t getBlockBytes(grouped::BlocksAttr blocks);

private:
  mlir::Value loadBytes(mlir::Value at, int64_t offset, int64_t count);
  mlir::Value loadNibbles(mlir::Value at, unsigned vector);
  mlir::Value splat(mlir::VectorType type, int64_t value);

  mlir::ImplicitLocOpBuilder &b;
  grouped::BlocksAttr blocks;
  unsigned lanes;
  mlir::Value panel, base;
  mlir::VectorType f32, i32;
  llvm::SmallVector<mlir::Value> scales, offsets;
};

/// Emits a call that writes a panel's first `length` depth elements to `out` as
/// f32, 16 columns by depth.
void emitExpandPanel(mlir::ImplicitLocOpBuilder &b, grouped::BlocksAttr blocks,
                     unsigned lanes, mlir::Value panel, mlir::Value out,
                     mlir::Value length);

} // namespace moec::cpu

#endif // MOEC_CODEGEN_CPU_DECODEBLOCKS_H
