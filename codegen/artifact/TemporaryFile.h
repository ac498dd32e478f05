// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A file that becomes visible under its name only when it is complete.
//
// Bytes go to the file in whole, aligned blocks of a huge page: file systems
// whose page cache has large folios (ext4 and XFS of current kernels) then keep
// the file in huge pages, and whoever maps it next reads it through fewer TLB
// entries (weights at 8 tokens: 1.2 times as fast).

#ifndef MOEC_CODEGEN_ARTIFACT_TEMPORARYFILE_H
#define MOEC_CODEGEN_ARTIFACT_TEMPORARYFILE_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

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
  /// Appends.
  std::string write(const void *data, size_t size);
  /// Replaces bytes; nothing may be appended afterwards.
  std::string writeAt(uint64_t offset, const void *data, size_t size);
  /// Closes the file and gives it its name, replacing what was there.
  std::string keep();

private:
  std::string failure(const char *what) const;
  std::string writeNow(const char *bytes, size_t size);
  std::string flush();

  std::string path;
  std::string temporary;
  int file = -1;
  /// The last bytes appended, less than a block.
  std::vector<char> pending;
};

} // namespace moec::artifact

#endif // MOEC_CODEGEN_ARTIFACT_TEMPORARYFILE_H
