// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sorts as code, on tables of i32.

#ifndef MOEC_CODEGEN_CPU_SORTING_H
#define MOEC_CODEGEN_CPU_SORTING_H

#include "codegen/cpu/Loops.h"

namespace moec::cpu {

/// Emits `body(id as index)` if the id is in [0, limit). A negative id is a
/// large unsigned number.
void ifInRange(mlir::ImplicitLocOpBuilder &b, mlir::Value id, mlir::Value limit,
               llvm::function_ref<void(mlir::Value)> body);

/// Stores an index as an entry of a table of i32.
void storeIndex(mlir::ImplicitLocOpBuilder &b, mlir::Value number,
                mlir::Value table, mlir::Value position);

/// `flag ? number + 1 : number`.
mlir::Value plusFlag(mlir::ImplicitLocOpBuilder &b, mlir::Value number,
                     mlir::Value flag);

/// Turns counts of groups, which stand one entry late in `offsets`
/// (`groups + 1` entries, the first 0), into offsets.
void scanCounts(mlir::ImplicitLocOpBuilder &b, mlir::Value offsets);

/// Emits a stable counting sort. `forEachEntry(visit)` emits loops over the
/// entries and calls `visit` once with an entry's values and its group;
/// `place(entry, row)` stores an entry at its row. `offsets` receives where
/// each group begins and the number of rows.
using VisitFn = llvm::function_ref<void(mlir::ValueRange, mlir::Value)>;
void emitCountingSort(
    mlir::ImplicitLocOpBuilder &b, mlir::Value offsets,
    llvm::function_ref<void(VisitFn visit)> forEachEntry,
    llvm::function_ref<void(mlir::ValueRange, mlir::Value)> place);

/// Emits a stable merge sort of list[begin, end), linear where the list is in
/// order already. `precedes(x, y)` says of two entries (i32) whether x must
/// stand before y; `spare` is memory of the list's size.
void emitMergeSort(
    mlir::ImplicitLocOpBuilder &b, mlir::Value list, mlir::Value spare,
    mlir::Value begin, mlir::Value end,
    llvm::function_ref<mlir::Value(mlir::Value, mlir::Value)> precedes);

} // namespace moec::cpu

#endif // MOEC_CODEGEN_CPU_SORTING_H
