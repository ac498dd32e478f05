// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the files of convert-moe-to-grouped share. The driver checks everything
// that can be refused first, so that the patterns never fail half-way.

#ifndef MOEC_PASSES_CONVERTMOETOGROUPED_H
#define MOEC_PASSES_CONVERTMOETOGROUPED_H

#include "dialects/grouped/Grouped.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Transforms/DialectConversion.h"

namespace moec {

/// The three values that stand for a plan.
struct PlanTables {
  explicit PlanTables(mlir::ValueRange values)
      : offsets(values[0]), tokens(values[1]), slots(values[2]) {}

  /// `experts + 1` row numbers.
  mlir::Value offsets;
  /// Token of each row.
  mlir::Value tokens;
  /// Slot of each row.
  mlir::Value slots;
};

/// Rows that a row tensor of the plan has room for, as an `index`.
mlir::Value getRowBound(mlir::OpBuilder &builder, mlir::Location loc,
                        const PlanTables &tables);

/// Cuts the tensors of rows of a plan to the rows that there are, where
/// something outside of the experts reads several of them at once (attention).
/// An error where the number of rows would have to leave the function.
llvm::LogicalResult cutRows(mlir::Operation *module);

/// A map over (e, r, t, s, n) to these dimensions (grouped::MapDim).
mlir::AffineMap getMapOf(mlir::MLIRContext *context,
                         llvm::ArrayRef<unsigned> dims);

/// `rows[r, n] * weights[t, s]` as a grouped.map, in the element type of
/// `type`.
mlir::Value buildWeightedRows(mlir::OpBuilder &builder, mlir::Location loc,
                              mlir::Value rows, mlir::Value weights,
                              const PlanTables &tables,
                              mlir::RankedTensorType type);

/// select, limit, select_tokens, plan, rows, dispatch, combine and slots. With
/// `explain`, a remark at each plan says what has a row.
void populateRoutingConversion(mlir::RewritePatternSet &patterns,
                               const mlir::TypeConverter &converter,
                               bool explain);

/// weigh, as linalg.
void populateWeighConversion(mlir::RewritePatternSet &patterns,
                             const mlir::TypeConverter &converter);

/// experts: pieces as grouped.matmul and grouped.map. With `explain`, a remark
/// at each piece says what became of it and why.
void populateExpertsConversion(mlir::RewritePatternSet &patterns,
                               const mlir::TypeConverter &converter,
                               bool explain);

/// Checks that the results have room of a known size.
llvm::LogicalResult checkExperts(moe::ExpertsOp op);

/// The region as it stands, for each expert that has rows, in order. `rows` and
/// `stacks` are the converted operands; returns the results' rows.
llvm::SmallVector<mlir::Value> emitForEachExpert(mlir::OpBuilder &builder,
                                                 moe::ExpertsOp op,
                                                 mlir::ValueRange rows,
                                                 mlir::ValueRange stacks,
                                                 const PlanTables &tables);

/// The row operand that has the sizes of the type's dynamic dimensions (but
/// dimension 0).
std::optional<mlir::Value> findRowsLike(moe::ExpertsOp op,
                                        mlir::RankedTensorType type);

/// Turns contractions of rows with a 2-D parameter into dense grouped.matmul.
void convertDenseMatmuls(mlir::ModuleOp module, bool explain);

} // namespace moec

#endif // MOEC_PASSES_CONVERTMOETOGROUPED_H
