// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A file that becomes visible under its name only when it is complete.

#ifndef MOEC_CODEGEN_ARTIFACT_TEMPORARYFILE_H
#define MOEC_CODEGEN_ARTIFACT_TEMPORARYFILE_H

#include <cstddef>
#include <cstdint>
#include <string>

namespace moec::artifact {

class TemporaryFile {
public:
  TemporaryFile() = default;
  TemporaryFile(const TemporaryFile &) = delete;
  TemporaryFile &operator=(const TemporaryFile &) = delete;
  /// Removes the file unless it was kept.
  ~TemporaryFile();

  /// Creates a new file beside `path`. Functions return error text.
  std::string open(const std::string &path);
  std::string write(const void *data, size_t size);
  std::string writeAt(uint64_t offset, const void *data, size_t size);
  /// Closes the file and gives it its name, replacing what was there.
  std::string keep();

private:
  std::string failure(const char *what) const;

  std::string path;
  std::string temporary;
  int file = -1;
};

} // namespace moec::artifact

#endif // MOEC_CODEGEN_ARTIFACT_TEMPORARYFILE_H
