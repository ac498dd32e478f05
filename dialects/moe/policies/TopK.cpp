// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/moe/Moe.h"

using namespace mlir;
using namespace moec::moe;

int64_t TopKAttr::getMaxSlots(ArrayRef<int64_t>) const { return getK(); }

bool TopKAttr::dependsOnOrderOnly() const { return true; }

LogicalResult
TopKAttr::verifyPolicy(function_ref<InFlightDiagnostic()> emitError,
                      ArrayRef<int64_t> widths) const {
  return success();
}

void TopKAttr::selectRow(ReferenceRow &row) const {}

void TopKAttr::buildRow(OpBuilder &builder, Location loc,
                        const RowOperands &row) const {}
