// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From CUDA C++ to PTX or machine code, by NVIDIA's compilers. Nothing is
// linked: a compiler that was built without the toolkit uses one that is there.

#ifndef MOEC_CODEGEN_CUDA_TOOLCHAIN_TOOLCHAIN_H
#define MOEC_CODEGEN_CUDA_TOOLCHAIN_TOOLCHAIN_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>

namespace moec::cuda {

enum class CudaForm { Ptx, Cubin };

/// Compiles one self-contained source for `architecture` ("sm_90a"): the text
/// of the PTX or the bytes of the cubin. NVRTC is asked where it can be loaded,
/// nvcc otherwise. Where CUDA_HOME is set, both are looked for in that toolkit
/// only; else the loader and PATH find them, or /usr/local/cuda has them. An
/// error says what was looked for, or holds the compiler's messages.
llvm::Expected<std::string> compileCuda(llvm::StringRef source,
                                        llvm::StringRef architecture,
                                        CudaForm form);

} // namespace moec::cuda

#endif // MOEC_CODEGEN_CUDA_TOOLCHAIN_TOOLCHAIN_H
