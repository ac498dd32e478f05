// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a strategy may know about the machine: never the machine that compiles,
// always the module's target description or the default of an ISA level.

#ifndef MOEC_PASSES_TARGETDESCRIPTION_H
#define MOEC_PASSES_TARGETDESCRIPTION_H

#include "mlir/IR/BuiltinOps.h"
#include <string>

namespace moec {

/// A machine in the numbers that predictions need. As device "CPU" of the
/// module's `dlti.target_system_spec` each has a key (in brackets); keys that
/// are missing keep the level's default:
///
/// | level       | cores | L1     | L2      | GFLOP/s a core | GB/s |
/// |-------------|-------|--------|---------|----------------|------|
/// | x86-64-v3   | 8     | 32 KiB | 512 KiB | 100            | 40   |
/// | x86-64-v4   | 16    | 48 KiB | 1 MiB   | 180            | 80   |
/// | (any other) | 4     | 32 KiB | 256 KiB | 30             | 20   |
struct TargetDescription {
  /// ISA level that the defaults come from ("moec.level").
  std::string level = "x86-64-v3";
  /// Cores that run tasks ("moec.cores").
  int64_t cores = 8;
  /// Data caches of a core, in bytes ("moec.l1_bytes", "moec.l2_bytes").
  int64_t l1Bytes = 32 << 10;
  int64_t l2Bytes = 512 << 10;
  /// Peak of f32 fused multiply-add of one core, in GFLOP/s
  /// ("moec.core_gflops").
  double coreGflops = 100;
  /// Read bandwidth of the memory from all cores, in GB/s ("moec.read_gbps").
  double readGbps = 40;

  /// The default of an ISA level.
  static TargetDescription getDefault(llvm::StringRef level);

  /// The module's description, or the default of x86-64-v3. An entry that is
  /// not a positive number is an error at the module.
  static mlir::FailureOr<TargetDescription> get(mlir::ModuleOp module);

  /// Makes this the module's description.
  void attachTo(mlir::ModuleOp module) const;
};

} // namespace moec

#endif // MOEC_PASSES_TARGETDESCRIPTION_H
