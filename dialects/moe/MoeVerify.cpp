// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One verifier per operation; the labels are those of the ODS descriptions.

#include "dialects/moe/Moe.h"

using namespace mlir;
using namespace moec::moe;

LogicalResult SelectOp::verify() { return success(); }
LogicalResult WeighOp::verify() { return success(); }
LogicalResult LimitOp::verify() { return success(); }
LogicalResult SelectTokensOp::verify() { return success(); }
LogicalResult PlanOp::verify() { return success(); }
LogicalResult DispatchOp::verify() { return success(); }
LogicalResult ExpertsOp::verify() { return success(); }
LogicalResult CombineOp::verify() { return success(); }
LogicalResult SlotsOp::verify() { return success(); }
LogicalResult TapOp::verify() { return success(); }
