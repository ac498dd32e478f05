// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The register tile: a few rows times one panel of 16 columns. With 8 lanes (16
// registers) 6 rows x 2 vectors, with 16 lanes (32 registers) 12 rows x 1:
// 12 independent sums, which hide 4 to 5 cycles of latency at two FMAs a cycle.
// Pairs of 16-bit weights need two registers more while they are taken apart,
// so with 8 lanes 5 rows (spills cost more: 0.86 against 0.90 of peak). Per
// depth element and row: one broadcast load and 16 FMAs, 32 flops.

#ifndef MOEC_CODEGEN_CPU_MICROKERNEL_H
#define MOEC_CODEGEN_CPU_MICROKERNEL_H

#include "dialects/grouped/Grouped.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace moec::cpu {

class BlockDecoder;

/// Columns of a panel, and of a register tile.
inline constexpr int64_t kPanelLanes = 16;
/// Depth elements in one step of the inner loop.
inline constexpr int64_t kDepthUnroll = 8;

/// Rows of the largest register tile for vectors of `lanes` f32 and weights of
/// which `depthGroup` stand together.
int64_t getTileRows(unsigned lanes, int64_t depthGroup);

/// Emits register tiles: each shape once, as a private function that all
/// matmuls of the module call. A tile runs for thousands of cycles, so the call
/// costs nothing, and the code of a layer stays small.
struct Microkernel {
  mlir::ImplicitLocOpBuilder &b;
  /// f32 in a vector register, 8 or 16.
  unsigned lanes;
  /// Depth elements that stand together in a lane of the panel, 1 or 2.
  int64_t depthGroup;
  /// Whether `length` may have a rest modulo kDepthUnroll.
  bool hasTail;
  /// Whether to prefetch this far ahead (in bytes) in the panel itself, which
  /// is read for the first and only time; 0: prefetch `next` instead.
  int64_t streamDistance;
  /// Lines of `next` that one step prefetches.
  int64_t nextLines = 1;
  /// How the panel is quantised, if it is; `next` is not prefetched then.
  grouped::BlocksAttr blocks = {};
  /// Whether the odd one of two depth elements comes first, as `grouped.compute
  /// = "bf16"` defines it; an lhs of bf16 is multiplied by vdpbf16ps.
  bool isBf16 = false;

  /// `sums[i, 0:16] += lhs[i, k] * panel[k * 16 + lane]` for `i < rows` and
  /// `k < length`; `lhs` is `rows x ?`, `panel` and `next` are one-dimensional.
  /// `nextLines` lines of `next` from `nextOffset` on are prefetched for each
  /// step; a `next` of `nextLines x ?` is prefetched at depth k of each row.
  /// `rowSums[i, n]` is the sum of row i's elements in block n of the
  /// panel, where BlockDecoder::needsRowSums.
  void emit(int64_t rows, mlir::Value lhs, mlir::Value panel, mlir::Value sums,
            mlir::Value length, mlir::Value next, mlir::Value nextOffset,
            mlir::Value rowSums = {});

private:
  std::string getName(int64_t rows) const;
  void emitBody(int64_t rows, mlir::ValueRange arguments);
  void emitBlocks(int64_t rows, mlir::ValueRange arguments);
  void storeBlock(BlockDecoder &decoder, int64_t rows, int64_t classes,
                  mlir::ValueRange products, mlir::Value sums,
                  mlir::Value rowSums, mlir::Value number);
  llvm::SmallVector<mlir::Value> emitStep(int64_t rows, mlir::Value lhs,
                                          mlir::Value panel, mlir::Value k,
                                          int64_t unroll,
                                          mlir::ValueRange sums);
  void emitPairs(int64_t rows, mlir::Value lhs, mlir::Value depth,
                 mlir::Value panel, mlir::Value offset,
                 llvm::MutableArrayRef<mlir::Value> sums);
  llvm::SmallVector<mlir::Value> loadPanel(mlir::Value panel,
                                           mlir::Value offset);
};

} // namespace moec::cpu

#endif // MOEC_CODEGEN_CPU_MICROKERNEL_H
