// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cuda/toolchain/Toolchain.h"
#include "codegen/cuda/toolchain/Compilers.h"
#include <cstdlib>

using namespace moec::cuda;

std::optional<std::string> moec::cuda::getChosenToolkit() {
  const char *path = std::getenv("CUDA_HOME");
  if (!path || !*path)
    return std::nullopt;
  return path;
}

llvm::Expected<std::string>
moec::cuda::compileCuda(llvm::StringRef source, llvm::StringRef architecture,
                        CudaForm form) {
  if (void *library = loadNvrtc())
    return compileWithNvrtc(library, source, architecture, form);
  if (std::string nvcc = findNvcc(); !nvcc.empty())
    return compileWithNvcc(nvcc, source, architecture, form);
  std::string places =
      getChosenToolkit()
          ? "of CUDA_HOME=" + *getChosenToolkit()
          : ("of the library path, PATH or " + kUsualToolkit).str();
  return llvm::createStringError(
      "no compiler for CUDA: neither libnvrtc.so (NVRTC) nor nvcc " + places +
      " was found; --emit=cuda needs none");
}
