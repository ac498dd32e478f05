// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_DIALECTS_MOE_MOEINTERFACES_TD
#define MOEC_DIALECTS_MOE_MOEINTERFACES_TD

include "mlir/IR/OpBase.td"

def Moe_SelectionPolicyInterface : AttrInterface<"SelectionPolicyInterface"> {
  let cppNamespace = "::moec::moe";
  let description = [{
    How one row of scores becomes expert ids. A policy is an attribute that
    implements this interface in one file; every target then supports it, since
    `buildRow` emits its code and `selectRow` is its meaning.
  }];
  let methods = [
    InterfaceMethod<"Number of score tensors that the policy reads.",
      "unsigned", "getNumScores", (ins), "", "return 1;">,
    InterfaceMethod<[{Number of `params` operands: one for each parameter of the
      attribute that is written `?`.}],
      "unsigned", "getNumParams", (ins), "", "return 0;">,
    InterfaceMethod<[{Whether params operand `index` counts something (i32, and
      not a float).}],
      "bool", "isCountParam", (ins "unsigned":$index), "", "return false;">,
    InterfaceMethod<[{Whether the policy has a meaning with a mask.}],
      "bool", "takesMask", (ins), "", "return true;">,
    InterfaceMethod<[{Entries of i32 that `buildRow` needs to remember things in,
      for score rows of these widths.}],
      "int64_t", "getScratchSize", (ins "::llvm::ArrayRef<int64_t>":$widths), "",
      "return 0;">,
    InterfaceMethod<[{Whether `moe.select` has a second result, the score of
      each selected id.}],
      "bool", "yieldsScores", (ins), "", "return false;">,
    InterfaceMethod<[{Whether the ids depend on the order of a row's scores only,
      so that a strictly increasing function of the scores selects the same.}],
      "bool", "dependsOnOrderOnly", (ins), "", "return false;">,
    InterfaceMethod<[{Width of the ids row (`K`) for score rows of these widths.}],
      "int64_t", "getMaxSlots", (ins "::llvm::ArrayRef<int64_t>":$widths)>,
    InterfaceMethod<[{Number of experts that ids range over, for score rows of
      these widths.}],
      "int64_t", "getNumExperts", (ins "::llvm::ArrayRef<int64_t>":$widths), "",
      "return widths.front();">,
    InterfaceMethod<"Checks the policy against score rows of these widths.",
      "::llvm::LogicalResult", "verifyPolicy",
      (ins "::llvm::function_ref<::mlir::InFlightDiagnostic()>":$emitError,
           "::llvm::ArrayRef<int64_t>":$widths)>,
    InterfaceMethod<[{The meaning, on plain numbers: fills `row.ids` in rank
      order, -1 where there is none.}],
      "void", "selectRow", (ins "::moec::moe::ReferenceRow &":$row)>,
    InterfaceMethod<[{Emits the selection of one row with `scf`, `arith`,
      `memref` and `vector` operations at the builder's insertion point.}],
      "void", "buildRow",
      (ins "::mlir::OpBuilder &":$builder, "::mlir::Location":$loc,
           "const ::moec::moe::RowOperands &":$row)>,
  ];
}

#endif // MOEC_DIALECTS_MOE_MOEINTERFACES_TD
