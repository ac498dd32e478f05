// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a selection policy reads and writes: plain numbers for its meaning
// (ReferenceRow), SSA values for its code (RowOperands).

#ifndef MOEC_DIALECTS_MOE_POLICY_H
#define MOEC_DIALECTS_MOE_POLICY_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/Value.h"
#include "llvm/ADT/ArrayRef.h"
#include <cstdint>

namespace moec::moe {

/// One row as numbers.
struct ReferenceRow {
  /// One row of each score tensor, as doubles.
  llvm::ArrayRef<llvm::ArrayRef<double>> scores;
  /// Empty, or false where an expert may not be selected.
  llvm::ArrayRef<bool> mask;
  /// The values of the policy's `?` parameters for this row.
  llvm::ArrayRef<double> params;
  /// `K` entries to fill: ids in rank order, then -1.
  llvm::MutableArrayRef<int32_t> ids;
  /// `K` entries to fill where the policy yields scores, else empty.
  llvm::MutableArrayRef<double> selectedScores;
  /// Whether a score tensor is f64: then sums of scores and numbers that scores
  /// are compared with are f64, else they are rounded to f32.
  bool isF64 = false;

  double round(double value) const {
    return isF64 ? value : static_cast<float>(value);
  }
};

/// One row as SSA values. Memrefs are one-dimensional and may be strided.
struct RowOperands {
  /// One memref of floats for each score tensor.
  mlir::ValueRange scores;
  /// Memref of i1, or null.
  mlir::Value mask;
  /// Scalars, one for each `?` parameter.
  mlir::ValueRange params;
  /// Memref of `K` i32 to fill.
  mlir::Value ids;
  /// Memref of `K` floats to fill, or null.
  mlir::Value selectedScores;
  /// Memref of as many i32 as the policy's scratch size, or null for none.
  mlir::Value scratch;
};

} // namespace moec::moe

#endif // MOEC_DIALECTS_MOE_POLICY_H
