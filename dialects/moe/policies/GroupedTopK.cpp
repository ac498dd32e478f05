// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/moe/Moe.h"

using namespace mlir;
using namespace moec::moe;

int64_t GroupedTopKAttr::getMaxSlots(ArrayRef<int64_t>) const { return getK(); }

bool GroupedTopKAttr::dependsOnOrderOnly() const {
  // A sum of two scores, or a masked score of 0, is a matter of values.
  return getScore() == GroupScore::Max && getMasked() == MaskedScore::NegInf;
}

LogicalResult
GroupedTopKAttr::verifyPolicy(function_ref<InFlightDiagnostic()> emitError,
                      ArrayRef<int64_t> widths) const {
  return success();
}

void GroupedTopKAttr::selectRow(ReferenceRow &row) const {}

void GroupedTopKAttr::buildRow(OpBuilder &builder, Location loc,
                        const RowOperands &row) const {}
