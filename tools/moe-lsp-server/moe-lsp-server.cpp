// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Language server for .mlir files with moec's dialects: hover, go to
// definition, diagnostics as one types.

#include "mlir/IR/Dialect.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"
#include "tools/driver/RegisterDialects.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  moec::registerDialects(registry);
  return mlir::failed(mlir::MlirLspServerMain(argc, argv, registry));
}
