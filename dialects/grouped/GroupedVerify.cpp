// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One verifier per operation; the labels are those of the ODS descriptions.

#include "dialects/grouped/Grouped.h"

using namespace mlir;
using namespace moec::grouped;

LogicalResult SortOp::verify() { return success(); }
LogicalResult GatherOp::verify() { return success(); }
LogicalResult MapOp::verify() { return success(); }
LogicalResult MatmulOp::verify() { return success(); }
LogicalResult CombineOp::verify() { return success(); }
LogicalResult SlotsOp::verify() { return success(); }
LogicalResult SelectOp::verify() { return success(); }
