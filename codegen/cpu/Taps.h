// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_CODEGEN_CPU_TAPS_H
#define MOEC_CODEGEN_CPU_TAPS_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace moec::cpu {

/// Registers how moe.tap is bufferized: it becomes cpu.tap of the buffer.
void registerTapBufferization(mlir::DialectRegistry &registry);

} // namespace moec::cpu

#endif // MOEC_CODEGEN_CPU_TAPS_H
