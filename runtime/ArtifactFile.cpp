// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/ArtifactFile.h"

#include "runtime/schema/Prelude.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cerrno>
#include <cinttypes>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace moec::schema;

namespace moec::runtime {

ArtifactFile::~ArtifactFile() {
  if (mapped)
    munmap(const_cast<uint8_t *>(bytes), length);
}

moec_status ArtifactFile::map(const char *path, moec_error *error) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return fail(error, MOEC_ENVIRONMENT, "%s: cannot open: %s", path,
                strerror(errno));
  struct stat status;
  if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) {
    close(file);
    return fail(error, MOEC_ENVIRONMENT, "%s: not a regular file", path);
  }
  if (status.st_size < int64_t(sizeof(Prelude))) {
    close(file);
    return fail(error, MOEC_BAD_ARTIFACT,
                "%s: prelude: the file has %" PRId64
                " bytes, an artifact has at least %zu",
                path, int64_t(status.st_size), sizeof(Prelude));
  }
  void *memory = mmap(nullptr, status.st_size, PROT_READ, MAP_PRIVATE, file, 0);
  int code = errno;
  close(file);
  if (memory == MAP_FAILED)
    return fail(error, MOEC_ENVIRONMENT, "%s: cannot map %" PRId64 " bytes: %s",
                path, int64_t(status.st_size), strerror(code));
  bytes = static_cast<const uint8_t *>(memory);
  length = status.st_size;
  mapped = true;
  // A hint: where the page cache has large folios (the writer fills them) the
  // weights are mapped by huge pages.
  constexpr uint64_t hugePage = 2 << 20;
  if (length >= hugePage)
    madvise(memory, length, MADV_HUGEPAGE);
  return MOEC_OK;
}

moec_status ArtifactFile::borrow(const void *data, uint64_t size,
                                 moec_error *error) {
  if (!data || reinterpret_cast<uintptr_t>(data) % parameterAlignment != 0)
    return fail(error, MOEC_BAD_ARGUMENT,
                "the artifact in memory must be %d-byte aligned",
                int(parameterAlignment));
  if (size < sizeof(Prelude))
    return fail(error, MOEC_BAD_ARTIFACT,
                "memory: prelude: there are %" PRIu64
                " bytes, an artifact has at least %zu",
                size, sizeof(Prelude));
  bytes = static_cast<const uint8_t *>(data);
  length = size;
  return MOEC_OK;
}

moec_status ArtifactFile::readHeader(const char *name, Arena &arena,
                                     moec_error *error) {
  Prelude prelude;
  memcpy(&prelude, bytes, sizeof(prelude));
  if (memcmp(prelude.magic, preludeMagic, sizeof(preludeMagic)) != 0)
    return fail(error, MOEC_BAD_ARTIFACT,
                "%s: prelude.magic: not a moec artifact", name);
  if (prelude.fileSize != length)
    return fail(error, MOEC_BAD_ARTIFACT,
                "%s: prelude.file_size is %" PRIu64
                ", but the file has %" PRIu64 " bytes",
                name, prelude.fileSize, length);
  if (prelude.headerSize > maxHeaderSize ||
      prelude.headerSize > length - sizeof(Prelude) || prelude.headerSize < 16)
    return fail(
        error, MOEC_BAD_ARTIFACT,
        "%s: prelude.header_size is %" PRIu64 ", expected 16 to %" PRIu64, name,
        prelude.headerSize,
        length - sizeof(Prelude) < maxHeaderSize ? length - sizeof(Prelude)
                                                 : maxHeaderSize);
  for (uint64_t word : prelude.reserved)
    if (word != 0)
      return fail(error, MOEC_BAD_ARTIFACT, "%s: prelude.reserved is not zero",
                  name);

  headerBytes = prelude.headerSize;
  memcpy(headerHash, prelude.headerHash, sizeof(headerHash));
  void *copy = arena.allocate(headerBytes);
  if (!copy)
    return fail(error, MOEC_ENVIRONMENT, "%s: out of memory for the header",
                name);
  memcpy(copy, bytes + sizeof(Prelude), headerBytes);
  if (!hashMatches(copy, headerBytes, Hash(headerHash[0], headerHash[1])))
    return fail(error, MOEC_BAD_ARTIFACT,
                "%s: prelude.header_hash does not match the header: the file "
                "is damaged",
                name);

  // The smallest table has 12 bytes, so these limits refuse no valid header.
  flatbuffers::Verifier verifier(static_cast<const uint8_t *>(copy),
                                 headerBytes, /*max_depth=*/16,
                                 /*max_tables=*/maxHeaderSize / 12);
  if (!VerifyHeaderBuffer(verifier))
    return fail(error, MOEC_BAD_ARTIFACT,
                "%s: header: not a valid FlatBuffer of kind %s", name,
                HeaderIdentifier());
  headerTable = GetHeader(copy);
  return MOEC_OK;
}

bool hashMatches(const void *data, uint64_t size, const Hash &hash) {
  XXH128_hash_t value = XXH3_128bits(data, size);
  return value.low64 == hash.low() && value.high64 == hash.high();
}

static bool isZero(const uint8_t *begin, const uint8_t *end) {
  for (; begin != end; ++begin)
    if (*begin != 0)
      return false;
  return true;
}

moec_status checkSegmentBytes(const char *name, const ArtifactFile &file,
                              moec_error *error) {
  const auto &segments = *file.header()->segments();
  uint64_t position = sizeof(Prelude) + file.headerSize();
  for (uint32_t i = 0; i < segments.size(); ++i) {
    const Segment &segment = *segments.Get(i);
    if (!isZero(file.data() + position, file.data() + segment.offset()))
      return fail(error, MOEC_BAD_ARTIFACT,
                  "%s: header.segments[%u]: the bytes before it are not zero: "
                  "the file is damaged",
                  name, i);
    if (segment.hash() &&
        !hashMatches(file.segment(i), segment.size(), *segment.hash()))
      return fail(error, MOEC_BAD_ARTIFACT,
                  "%s: header.segments[%u].hash does not match the %s segment: "
                  "the file is damaged",
                  name, i, EnumNameSegmentKind(segment.kind()));
    position = segment.offset() + segment.size();
  }
  return MOEC_OK;
}

moec_status checkWeightBytes(const char *name, const ArtifactFile &file,
                             moec_error *error) {
  const auto &parameters = *file.header()->parameters();
  // Parameters are in ascending order of their place.
  const uint8_t *position = nullptr;
  uint32_t segment = UINT32_MAX;
  for (uint32_t i = 0; i < parameters.size(); ++i) {
    const Parameter &parameter = *parameters.Get(i);
    const uint8_t *begin = file.segment(parameter.segment());
    if (parameter.segment() != segment) {
      segment = parameter.segment();
      position = begin;
    }
    const uint8_t *data = begin + parameter.offset();
    if (!isZero(position, data))
      return fail(error, MOEC_BAD_ARTIFACT,
                  "%s: header.parameters[%u] ('%s'): the bytes before it are "
                  "not zero: the file is damaged",
                  name, i, parameter.name()->c_str());
    if (!hashMatches(data, parameter.size(), *parameter.hash()))
      return fail(error, MOEC_BAD_ARTIFACT,
                  "%s: header.parameters[%u].hash does not match the bytes of "
                  "'%s': the file is damaged",
                  name, i, parameter.name()->c_str());
    position = data + parameter.size();
  }
  return MOEC_OK;
}

} // namespace moec::runtime
