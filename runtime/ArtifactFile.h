// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The bytes of an artifact: mapping, prelude, header hash, and the checks that
// read segment contents.

#ifndef MOEC_RUNTIME_ARTIFACTFILE_H
#define MOEC_RUNTIME_ARTIFACTFILE_H

#include "runtime/Error.h"
#include "runtime/Memory.h"

#include "runtime/schema/moe_generated.h"

namespace moec::runtime {

/// The whole file, mapped or borrowed.
class ArtifactFile {
public:
  ArtifactFile() = default;
  ArtifactFile(const ArtifactFile &) = delete;
  ArtifactFile &operator=(const ArtifactFile &) = delete;
  ~ArtifactFile();

  moec_status map(const char *path, moec_error *error);
  moec_status borrow(const void *bytes, uint64_t size, moec_error *error);

  /// Checks the prelude, copies the header (so that later changes of the file
  /// cannot change what was checked) and verifies hash and FlatBuffer.
  moec_status readHeader(const char *name, Arena &arena, moec_error *error);

  const schema::Header *header() const { return headerTable; }
  uint64_t headerSize() const { return headerBytes; }
  const uint8_t *data() const { return bytes; }
  uint64_t size() const { return length; }
  const uint8_t *segment(uint32_t index) const {
    return bytes + headerTable->segments()->Get(index)->offset();
  }
  /// As the prelude has it.
  uint64_t headerHash[2] = {0, 0};

private:
  const uint8_t *bytes = nullptr;
  uint64_t length = 0;
  bool mapped = false;
  const schema::Header *headerTable = nullptr;
  uint64_t headerBytes = 0;
};

/// Whether the bytes have this hash.
bool hashMatches(const void *data, uint64_t size, const schema::Hash &hash);

/// Hashes code and source segments and looks for zeros between segments. The
/// header is consistent (checkHeader).
moec_status checkSegmentBytes(const char *name, const ArtifactFile &file,
                              moec_error *error);

/// Hashes every parameter and looks for zeros between them.
moec_status checkWeightBytes(const char *name, const ArtifactFile &file,
                             moec_error *error);

} // namespace moec::runtime

#endif // MOEC_RUNTIME_ARTIFACTFILE_H
