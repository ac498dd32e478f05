// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_TOOLS_DRIVER_DIAGNOSTICS_H
#define MOEC_TOOLS_DRIVER_DIAGNOSTICS_H

#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"

namespace moec {

/// While it lives, hands each diagnostic of the context to `message` as one
/// line "severity: file:line:column: text"; notes follow as lines of their own.
class DiagnosticPrinter {
public:
  DiagnosticPrinter(mlir::MLIRContext &context,
                    llvm::function_ref<void(llvm::StringRef)> message);

private:
  mlir::ScopedDiagnosticHandler handler;
};

} // namespace moec

#endif // MOEC_TOOLS_DRIVER_DIAGNOSTICS_H
