// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The two compilers behind compileCuda().

#ifndef MOEC_CODEGEN_CUDA_TOOLCHAIN_COMPILERS_H
#define MOEC_CODEGEN_CUDA_TOOLCHAIN_COMPILERS_H

#include "codegen/cuda/toolchain/Toolchain.h"
#include <optional>

namespace moec::cuda {

/// The toolkit that CUDA_HOME names, else nothing.
std::optional<std::string> getChosenToolkit();
/// Where a toolkit is by custom.
inline constexpr llvm::StringLiteral kUsualToolkit = "/usr/local/cuda";

/// The handle of libnvrtc, or null.
void *loadNvrtc();
llvm::Expected<std::string> compileWithNvrtc(void *library,
                                             llvm::StringRef source,
                                             llvm::StringRef architecture,
                                             CudaForm form);

/// The path of nvcc, or an empty text.
std::string findNvcc();
llvm::Expected<std::string> compileWithNvcc(const std::string &nvcc,
                                            llvm::StringRef source,
                                            llvm::StringRef architecture,
                                            CudaForm form);

} // namespace moec::cuda

#endif // MOEC_CODEGEN_CUDA_TOOLCHAIN_COMPILERS_H
