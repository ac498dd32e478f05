// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs emitted kernels as C++ on this machine, one thread after the other, or,
// where the threads of a block wait for each other, a thread each.

#ifndef MOEC_TEST_CODEGEN_CUDA_EMULATOR_H
#define MOEC_TEST_CODEGEN_CUDA_EMULATOR_H

#include "codegen/cuda/Pipeline.h"
#include "moec/frame.h"
#include <memory>
#include <string>

namespace moec::cuda::test {

class Emulator {
public:
  /// Compiles the kernels of `code`; null, with a test failure, where that goes
  /// wrong.
  static std::unique_ptr<Emulator> create(const CudaCode &code);
  /// Whether this machine has the compiler.
  static bool isAvailable();
  ~Emulator();

  /// As the service `launch` of a host.
  void launch(const moec_launch &launch);
  unsigned launches = 0;

private:
  void *library = nullptr;
};

} // namespace moec::cuda::test

#endif // MOEC_TEST_CODEGEN_CUDA_EMULATOR_H
