// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// nvcc, run on a temporary file.

#include "codegen/cuda/toolchain/Compilers.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

using namespace moec::cuda;

std::string moec::cuda::findNvcc() {
  auto in = [](llvm::StringRef toolkit) -> std::string {
    std::string path = (toolkit + "/bin/nvcc").str();
    return llvm::sys::fs::can_execute(path) ? path : "";
  };
  if (std::optional<std::string> chosen = getChosenToolkit())
    return in(*chosen);
  if (auto path = llvm::sys::findProgramByName("nvcc"))
    return *path;
  return in(kUsualToolkit);
}

static std::string readText(llvm::StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  return buffer ? (*buffer)->getBuffer().str() : "";
}

llvm::Expected<std::string>
moec::cuda::compileWithNvcc(const std::string &nvcc, llvm::StringRef source,
                            llvm::StringRef architecture, CudaForm form) {
  llvm::SmallString<64> folder;
  if (std::error_code error =
          llvm::sys::fs::createUniqueDirectory("moec-cuda", folder))
    return llvm::createStringError(error, "no temporary directory for nvcc");
  llvm::scope_exit remove([&] { llvm::sys::fs::remove_directories(folder); });
  auto inFolder = [&](llvm::StringRef name) {
    llvm::SmallString<64> path = folder;
    llvm::sys::path::append(path, name);
    return std::string(path);
  };
  std::string input = inFolder("moec.cu"), output = inFolder("out"),
              messages = inFolder("messages");
  {
    std::error_code error;
    llvm::raw_fd_ostream stream(input, error);
    if (!error)
      stream << source;
    stream.close();
    if (error || stream.has_error()) {
      stream.clear_error();
      return llvm::createStringError("cannot write " + input);
    }
  }
  std::string target = ("-arch=" + architecture).str();
  llvm::StringRef arguments[] = {
      nvcc,   form == CudaForm::Ptx ? "-ptx" : "-cubin",
      target, "-std=c++17",
      "-o",   output,
      input};
  std::string problem;
  int status = llvm::sys::ExecuteAndWait(
      nvcc, arguments, std::nullopt,
      {llvm::StringRef(""), llvm::StringRef(messages),
       llvm::StringRef(messages)},
      /*SecondsToWait=*/0, /*MemoryLimit=*/0, &problem);
  if (status != 0)
    return llvm::createStringError(nvcc + ": exit code " +
                                   std::to_string(status) + " " + problem +
                                   "\n" + readText(messages));
  auto code = llvm::MemoryBuffer::getFile(output);
  if (!code)
    return llvm::createStringError(nvcc + " wrote no code");
  return (*code)->getBuffer().str();
}
