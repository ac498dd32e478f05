// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Inlines a region over scalars (the epilogue of grouped.matmul, the body of
// grouped.map) at any vector width.

#ifndef MOEC_CODEGEN_CPU_EPILOGUE_H
#define MOEC_CODEGEN_CPU_EPILOGUE_H

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace moec::cpu {

/// Where a row stands in the iteration space of maps.
struct RowPosition {
  mlir::Value group, row, token, slot;
};

/// A region whose arguments are accumulators and then one element per input,
/// found by the input's map.
class Epilogue {
public:
  Epilogue(mlir::Block &body, mlir::ValueRange inputs, mlir::ArrayAttr maps)
      : body(body), inputs(inputs), maps(maps) {}

  /// Whether every operation of the region can work on vectors.
  bool isVectorizable() const;

  /// Loads, at the builder's position, what is the same for a whole row.
  void beginRow(mlir::ImplicitLocOpBuilder &b, const RowPosition &position);

  /// Emits the region for `width` columns from `column` on (scalars if `width`
  /// is 0) and returns what it yields. `accumulators` are of that width.
  mlir::Value emit(mlir::ImplicitLocOpBuilder &b, mlir::Value column,
                   unsigned width, mlir::ValueRange accumulators);

private:
  mlir::Value load(mlir::ImplicitLocOpBuilder &b, unsigned input,
                   mlir::Value column, unsigned width);

  mlir::Block &body;
  mlir::ValueRange inputs;
  mlir::ArrayAttr maps;
  RowPosition row;
  /// Elements of the current row that do not depend on the column, or null.
  llvm::SmallVector<mlir::Value> rowValues;
};

} // namespace moec::cpu

#endif // MOEC_CODEGEN_CPU_EPILOGUE_H
