// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A context with all dialects that keeps the errors for the test's message.

#ifndef MOEC_TEST_DIFFERENTIAL_TESTCONTEXT_H
#define MOEC_TEST_DIFFERENTIAL_TESTCONTEXT_H

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "test/differential/Compiled.h"
#include <string>

namespace moec::test {

struct TestContext {
  TestContext()
      : context(makeRegistry(), mlir::MLIRContext::Threading::DISABLED),
        handler(&context, [this](mlir::Diagnostic &diagnostic) {
          if (diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error)
            errors += diagnostic.str() + "\n";
          return mlir::success();
        }) {
    context.loadAllAvailableDialects();
  }

  std::string errors; ///< so far; a line each
  mlir::MLIRContext context;

private:
  mlir::ScopedDiagnosticHandler handler;
};

} // namespace moec::test

#endif // MOEC_TEST_DIFFERENTIAL_TESTCONTEXT_H
