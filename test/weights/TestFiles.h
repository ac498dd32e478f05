// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Small files for tests: a directory that is removed at the end, and
// safetensors files written from header text and bytes.

#ifndef MOEC_TEST_WEIGHTS_TESTFILES_H
#define MOEC_TEST_WEIGHTS_TESTFILES_H

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

namespace moec::test {

class Directory {
public:
  Directory() { llvm::sys::fs::createUniqueDirectory("moec-test", path); }
  ~Directory() { llvm::sys::fs::remove_directories(path); }
  std::string file(llvm::StringRef name) const {
    llvm::SmallString<128> result(path);
    llvm::sys::path::append(result, name);
    return result.str().str();
  }
  std::string write(llvm::StringRef name, llvm::StringRef content) const {
    std::string target = file(name);
    std::ofstream(target, std::ios::binary)
        .write(content.data(), static_cast<std::streamsize>(content.size()));
    return target;
  }
  llvm::StringRef str() const { return path; }

private:
  llvm::SmallString<128> path;
};

/// The bytes of a safetensors file with this header and data.
inline std::string makeSafetensors(llvm::StringRef header,
                                   llvm::StringRef data) {
  std::string bytes(8, '\0');
  for (int i = 0; i < 8; ++i)
    bytes[i] = static_cast<char>(uint64_t(header.size()) >> (8 * i));
  return bytes + header.str() + data.str();
}

/// Consecutive floats from `first`, as bytes.
inline std::string floats(int count, float first = 0) {
  std::vector<float> values;
  for (int i = 0; i < count; ++i)
    values.push_back(first + static_cast<float>(i));
  return {reinterpret_cast<const char *>(values.data()), values.size() * 4};
}

} // namespace moec::test

#endif // MOEC_TEST_WEIGHTS_TESTFILES_H
