// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// NVRTC, CUDA's compiler as a library. The declarations are those of nvrtc.h,
// the same since CUDA 11.1.

#include "codegen/cuda/toolchain/Compilers.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/SmallVector.h"
#include <dlfcn.h>

using namespace moec::cuda;

namespace {
using Program = void *;
using Result = int;

/// A function of the library; null if it is not there.
template <typename Function> Function *find(void *library, const char *name) {
  return reinterpret_cast<Function *>(dlsym(library, name));
}

using SizeOf = Result(Program, size_t *);
using BytesOf = Result(Program, char *);
} // namespace

void *moec::cuda::loadNvrtc() {
  llvm::SmallVector<std::string> folders;
  if (std::optional<std::string> chosen = getChosenToolkit())
    folders = {*chosen + "/lib64/", *chosen + "/lib/"};
  else
    folders = {"", (kUsualToolkit + "/lib64/").str()};
  for (const std::string &folder : folders)
    // A runtime without development files has the numbered names only.
    for (const char *name : {"libnvrtc.so", "libnvrtc.so.13", "libnvrtc.so.12"})
      if (void *library =
              dlopen((folder + name).c_str(), RTLD_NOW | RTLD_LOCAL))
        return library;
  return nullptr;
}

llvm::Expected<std::string>
moec::cuda::compileWithNvrtc(void *library, llvm::StringRef source,
                             llvm::StringRef architecture, CudaForm form) {
  bool isPtx = form == CudaForm::Ptx;
  auto *create = find<Result(Program *, const char *, const char *, int,
                             const char *const *, const char *const *)>(
      library, "nvrtcCreateProgram");
  auto *compile = find<Result(Program, int, const char *const *)>(
      library, "nvrtcCompileProgram");
  auto *destroy = find<Result(Program *)>(library, "nvrtcDestroyProgram");
  auto *logSize = find<SizeOf>(library, "nvrtcGetProgramLogSize");
  auto *getLog = find<BytesOf>(library, "nvrtcGetProgramLog");
  auto *size =
      find<SizeOf>(library, isPtx ? "nvrtcGetPTXSize" : "nvrtcGetCUBINSize");
  auto *get = find<BytesOf>(library, isPtx ? "nvrtcGetPTX" : "nvrtcGetCUBIN");
  auto *explain = find<const char *(Result)>(library, "nvrtcGetErrorString");
  if (!create || !compile || !destroy || !logSize || !getLog || !size || !get ||
      !explain)
    return llvm::createStringError(
        "NVRTC has not the functions of CUDA 11.1 or later");

  auto fail = [&](Result result, const std::string &log) {
    return llvm::createStringError("NVRTC: " + std::string(explain(result)) +
                                   (log.empty() ? "" : "\n" + log));
  };
  Program program = nullptr;
  std::string text = source.str();
  if (Result result =
          create(&program, text.c_str(), "moec.cu", 0, nullptr, nullptr))
    return fail(result, "");
  llvm::scope_exit release([&] { destroy(&program); });
  llvm::StringRef number = architecture;
  number.consume_front("sm_");
  std::string target =
      ("--gpu-architecture=" + (isPtx ? llvm::StringRef("compute_") : "sm_") +
       number)
          .str();
  const char *flags[] = {target.c_str(), "--std=c++17"};
  if (Result result = compile(program, 2, flags)) {
    std::string log;
    if (size_t bytes = 0; logSize(program, &bytes) == 0 && bytes > 1) {
      log.resize(bytes);
      getLog(program, log.data());
      log.resize(bytes - 1);
    }
    return fail(result, log);
  }
  size_t bytes = 0;
  std::string code;
  Result result = size(program, &bytes);
  if (result == 0) {
    code.resize(bytes);
    result = get(program, code.data());
  }
  if (result)
    return fail(result, "");
  if (isPtx)
    code = code.c_str(); // ends with a zero byte
  return code;
}
