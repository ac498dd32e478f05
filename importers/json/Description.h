// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_IMPORTERS_JSON_DESCRIPTION_H
#define MOEC_IMPORTERS_JSON_DESCRIPTION_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/Error.h"

namespace moec::json {

/// Imports a JSON description (description.fbs says what it may hold).
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
importDescription(llvm::StringRef path, mlir::MLIRContext &context);

} // namespace moec::json

#endif // MOEC_IMPORTERS_JSON_DESCRIPTION_H
