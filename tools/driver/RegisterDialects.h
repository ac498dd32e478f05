// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_TOOLS_DRIVER_REGISTERDIALECTS_H
#define MOEC_TOOLS_DRIVER_REGISTERDIALECTS_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace moec {

/// Registers the dialects of the input contract and of the phases down to LLVM,
/// with the interfaces that bufferization and lowering need.
void registerDialects(mlir::DialectRegistry &registry);

} // namespace moec

#endif // MOEC_TOOLS_DRIVER_REGISTERDIALECTS_H
