// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a strategy may know about the machine: never the machine that compiles,
// always the module's target description or the default of an ISA level.

#ifndef MOEC_PASSES_TARGETDESCRIPTION_H
#define MOEC_PASSES_TARGETDESCRIPTION_H

#include "mlir/IR/BuiltinOps.h"
#include "passes/Machine.h"
#include <string>

namespace moec {

/// The machine that code is planned for, as device "CPU" of the module's
/// `dlti.target_system_spec`. Keys that are missing keep the level's default:
///
/// | level       | cores | L1     | L2      | GFLOP/s a core | GB/s |
/// |-------------|-------|--------|---------|----------------|------|
/// | x86-64-v3   | 8     | 32 KiB | 512 KiB | 100            | 40   |
/// | x86-64-v4   | 16    | 48 KiB | 1 MiB   | 180            | 80   |
/// | (any other) | 4     | 32 KiB | 256 KiB | 30             | 20   |
struct TargetDescription : Machine {
  /// ISA level that the defaults come from ("moec.level"). The members of
  /// Machine are "moec.cores", "moec.l1_bytes", "moec.l2_bytes",
  /// "moec.core_gflops" and "moec.read_gbps".
  std::string level = "x86-64-v3";

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
