// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The input contract: the one table of operations that a module may hold before
// it is lowered to the grouped dialect. The pass moe-verify-input checks it,
// the reference interpreter implements it.

#ifndef MOEC_DIALECTS_MOE_INPUTCONTRACT_H
#define MOEC_DIALECTS_MOE_INPUTCONTRACT_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace moec::moe {

/// Names of all legal operations, by dialect.
llvm::ArrayRef<llvm::StringLiteral> getInputOperations();

/// Whether an operation of this name is legal.
bool isInputOperation(llvm::StringRef name);

} // namespace moec::moe

#endif // MOEC_DIALECTS_MOE_INPUTCONTRACT_H
