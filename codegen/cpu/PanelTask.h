// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One task of a grouped.matmul over panels: some rows of one group for some
// panels.
//
//   pack the rows' left side                    rows x depth, L2
//   for each block of panels
//     for each depth block, panel, register tile: sums += lhs * panel
//     for each row: epilogue over the sums, store or add to the output
//
// A group of m rows costs 2 * m * N * K flops for each part and reads its
// panels (N * K elements a part) once for every `rows` rows.

#ifndef MOEC_CODEGEN_CPU_PANELTASK_H
#define MOEC_CODEGEN_CPU_PANELTASK_H

#include "codegen/cpu/PanelMatmul.h"
#include "codegen/cpu/QuantizeRows.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace moec::cpu {

class PanelTask {
public:
  /// Allocates the buffers of a task at the builder's position.
  PanelTask(mlir::ImplicitLocOpBuilder &b, const PanelMatmul &matmul);

  /// A chunk of at most `matmul.rows` rows, for panels [first, last).
  void emit(const RowChunk &chunk, mlir::Value first, mlir::Value last);

private:
  /// Some panels of the chunk that is worked on.
  struct Block {
    const RowChunk &chunk;
    mlir::Value firstPanel, lastPanel;
  };
  void emitDepthBlock(const Block &block, mlir::Value depthStart);
  void emitPanel(const Block &block, mlir::Value depthStart, mlir::Value panel);
  void emitIntegerPanel(const Block &block, mlir::Value depthStart,
                        mlir::Value panel);
  void emitRowMajorPanel(const Block &block, mlir::Value depthStart,
                         mlir::Value panel);
  /// `width` columns of a row-major weight from `column` on, one depth block.
  mlir::Value columnsAt(mlir::Value weight, mlir::Value group,
                        mlir::Value column, int64_t width,
                        mlir::Value depthStart);
  /// Emits `tile(first row, height)` for the register tiles of the chunk.
  void forEachTile(const RowChunk &chunk,
                   llvm::function_ref<void(mlir::Value, int64_t)> tile);
  mlir::Value depthLength(mlir::Value depthStart);
  mlir::Value panelAt(mlir::Value group, mlir::Value panel, mlir::Value start);
  /// The panel and depth that are read after these.
  std::pair<mlir::Value, mlir::Value>
  nextPosition(const Block &block, mlir::Value depthStart, mlir::Value panel);
  mlir::Value nextPanel(const Block &block, mlir::Value depthStart,
                        mlir::Value panel);
  /// `height` rows from `row` of the chunk on, for one depth block.
  mlir::Value lhsRows(const RowChunk &chunk, mlir::Value depthStart,
                      mlir::Value row, mlir::OpFoldResult height);
  /// Whether one register tile takes all rows of the chunk.
  mlir::Value hasOneTile(const RowChunk &chunk);
  void emitRowSums(const RowChunk &chunk);
  mlir::Value rowsAt(mlir::Value source,
                     mlir::ArrayRef<mlir::OpFoldResult> offsets,
                     mlir::ArrayRef<mlir::OpFoldResult> sizes);

  mlir::ImplicitLocOpBuilder &b;
  const PanelMatmul &m;
  /// `groups x panels x elements of a panel`; null if nobody packed them.
  mlir::Value weights;
  /// Copied rows, null if the matmul does not pack: `depth blocks x rows x
  /// depth`.
  mlir::Value packed;
  /// `rows x columns of a block`
  mlir::Value sums;
  /// Quantised or row-major weights as f32: one panel of a depth block. Null
  /// where they are always decoded in registers, or read where they stand.
  mlir::Value expanded;
  /// The sums of the rows' elements in each quantised block, where tiles need
  /// them: `rows x blocks`.
  mlir::Value rowSums;
  /// Where the matmul multiplies integers; in place of `packed`.
  std::optional<QuantizedRows> quantized;
  /// See IntegerTile; null where no panel has several tiles.
  mlir::Value negativeSums;
};

} // namespace moec::cpu

#endif // MOEC_CODEGEN_CPU_PANELTASK_H
