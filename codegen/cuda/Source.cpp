// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cuda/Source.h"
#include "codegen/cuda/Cuda.h"
#include "codegen/cuda/KernelPrinter.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace moec::cuda;

FailureOr<CudaSource> moec::cuda::printSource(ModuleOp module) {
  CudaSource source;
  llvm::raw_string_ostream stream(source.text);
  stream << getPrelude();
  bool usesTiles = false;
  module.walk([&](MultiplyTilesOp) { usesTiles = true; });
  if (usesTiles)
    stream << getMatmulTiles();
  for (auto function : module.getOps<func::FuncOp>()) {
    if (!function->hasAttr(kKernelAttr))
      continue;
    stream << '\n';
    if (failed(printKernel(function, stream)))
      return failure();
    source.kernels.push_back(function.getName().str());
  }
  return source;
}
