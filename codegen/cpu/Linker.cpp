// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/Linker.h"
#include "lld/Common/Driver.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"
#include <mutex>

LLD_HAS_DRIVER(elf)

using namespace llvm;

/// A temporary file that is gone when the guard is.
static Error makeTemporary(StringRef suffix, SmallString<128> &path, int &fd) {
  return errorCodeToError(
      sys::fs::createTemporaryFile("moec", suffix, fd, path));
}

bool moec::cpu::linkSharedObjectFile(const std::string &input,
                                     const std::string &output,
                                     std::string &error) {
  const char *arguments[] = {"ld.lld",
                             "-shared",
                             "-o",
                             output.c_str(),
                             "--no-undefined",
                             "--build-id=none",
                             "--threads=1",
                             "-z",
                             "noexecstack",
                             "-z",
                             "now",
                             "--hash-style=gnu",
                             "-z",
                             "max-page-size=4096",
                             "-s",
                             input.c_str()};
  std::string words;
  raw_string_ostream stream(words);
  // The linker keeps its state in globals.
  static std::mutex oneAtATime;
  std::lock_guard<std::mutex> lock(oneAtATime);
  lld::Result result =
      lld::lldMain(arguments, stream, stream, {{lld::Gnu, &lld::elf::link}});
  if (result.retCode != 0) {
    error = StringRef(words).trim().str();
    return false;
  }
  return true;
}

std::optional<std::string> moec::cpu::linkSharedObject(StringRef object,
                                                       std::string &error) {
  SmallString<128> input, output;
  int inputFd, outputFd;
  if (Error failure = makeTemporary("o", input, inputFd)) {
    error = "cannot create a temporary file: " + toString(std::move(failure));
    return std::nullopt;
  }
  FileRemover removeInput(input);
  {
    raw_fd_ostream stream(inputFd, /*shouldClose=*/true);
    stream << object;
    stream.close();
    if (stream.has_error()) {
      error =
          "cannot write " + input.str().str() + ": " + stream.error().message();
      stream.clear_error();
      return std::nullopt;
    }
  }
  if (Error failure = makeTemporary("so", output, outputFd)) {
    error = "cannot create a temporary file: " + toString(std::move(failure));
    return std::nullopt;
  }
  FileRemover removeOutput(output);
  sys::fs::file_t handle = outputFd;
  sys::fs::closeFile(handle);

  if (!linkSharedObjectFile(input.str().str(), output.str().str(), error))
    return std::nullopt;
  ErrorOr<std::unique_ptr<MemoryBuffer>> linked = MemoryBuffer::getFile(
      output, /*IsText=*/false, /*RequiresNullTerminator=*/false,
      /*IsVolatile=*/true);
  if (!linked) {
    error = "cannot read " + output.str().str() + ": " +
            linked.getError().message();
    return std::nullopt;
  }
  return (*linked)->getBuffer().str();
}
