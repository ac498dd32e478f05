// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Whole kernels, run on random data and compared with plain loops in double.

#ifndef MOEC_TEST_PTX_KERNELS_H
#define MOEC_TEST_PTX_KERNELS_H

#include "test/ptx/Interpreter.h"

namespace moec::ptx::test {

/// The text of kernels/`name`.
std::string readKernels(const std::string &name);

/// A kernel, or several that belong together, and the data that they run on.
struct Case {
  std::string kernel;
  /// Returns an empty string, the error of a launch, or what is wrong with the
  /// results.
  std::string (*run)(const Module &module, const Options &options, int size);
  /// What `size` may be; together they reach every branch.
  std::vector<int> sizes;
};

/// Of sm80.ptx. The sizes of gemm are depths, over all residues of its stages.
extern const std::vector<Case> sm80Cases;
/// Of sm90a.ptx, the product of gemm by tensor copies and wgmma.
extern const Case hopperCase;
/// Of triton80.ptx and triton90.ptx, which Triton compiled: the product of
/// gemm. The sizes are depths.
extern const Case tritonCase;
/// Of product.ptx, which MLIR lowered from its nvgpu dialect.
extern const Case mlirCase;
/// Of layer.ptx: what moec emits for a layer of eight experts, two a token. The
/// sizes are tokens.
extern const Case layerCase;

/// Of tiles.ptx, products as moec emits them. The sizes are tokens, two rows
/// each: with 130, all of one expert; else some of none.
extern const std::vector<Case> tilesCases;

/// Copies and wgmma eager and lazy; forward, reverse and drawn orders. Only the
/// first for large sizes.
std::vector<Schedule> schedules(int size);

} // namespace moec::ptx::test

#endif // MOEC_TEST_PTX_KERNELS_H
