// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/CodeImage.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace moec::runtime {

#if defined(__x86_64__)
static constexpr uint16_t machine = EM_X86_64;
#elif defined(__aarch64__)
static constexpr uint16_t machine = EM_AARCH64;
#endif

CodeImage::~CodeImage() {
  if (handle)
    dlclose(handle);
  if (file >= 0)
    close(file);
}

/// What is wrong with the ELF file, or null.
static const char *checkElf(const uint8_t *data, uint64_t size) {
  Elf64_Ehdr elf;
  if (size < sizeof(elf))
    return "is shorter than an ELF header";
  memcpy(&elf, data, sizeof(elf));
  if (memcmp(elf.e_ident, ELFMAG, SELFMAG) != 0 ||
      elf.e_ident[EI_CLASS] != ELFCLASS64 ||
      elf.e_ident[EI_DATA] != ELFDATA2LSB || elf.e_type != ET_DYN)
    return "is not a 64-bit ELF shared object";
  if (elf.e_machine != machine)
    return "is for another processor";
  if (elf.e_phentsize != sizeof(Elf64_Phdr) || elf.e_phoff > size ||
      uint64_t(elf.e_phnum) * sizeof(Elf64_Phdr) > size - elf.e_phoff)
    return "has program headers outside the segment";
  for (unsigned i = 0; i < elf.e_phnum; ++i) {
    Elf64_Phdr segment;
    memcpy(&segment, data + elf.e_phoff + i * sizeof(segment), sizeof(segment));
    if (segment.p_offset > size || segment.p_filesz > size - segment.p_offset)
      return "has a program segment outside the file";
    if ((segment.p_type == PT_LOAD || segment.p_type == PT_GNU_STACK) &&
        (segment.p_flags & PF_W) && (segment.p_flags & PF_X))
      return "asks for memory that is writable and executable";
  }
  return nullptr;
}

static bool writeAll(int file, const uint8_t *data, uint64_t size) {
  while (size != 0) {
    ssize_t count = write(file, data, size);
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return false;
    data += count;
    size -= count;
  }
  return true;
}

moec_status CodeImage::load(const char *name, const char *level,
                            const uint8_t *data, uint64_t size,
                            const schema::Hash &hash, moec_error *error) {
  file = memfd_create("moec-code", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (file < 0 || !writeAll(file, data, size) ||
      fcntl(file, F_ADD_SEALS,
            F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0)
    return fail(error, MOEC_ENVIRONMENT,
                "%s: cannot make a memory file for the %s code: %s", name,
                level, strerror(errno));

  // The copy is checked, not the original: nobody can change it any more.
  if (size == 0)
    return fail(error, MOEC_BAD_ARTIFACT, "%s: the %s code segment is empty",
                name, level);
  void *copy = mmap(nullptr, size, PROT_READ, MAP_SHARED, file, 0);
  if (copy == MAP_FAILED)
    return fail(error, MOEC_ENVIRONMENT, "%s: cannot map the %s code: %s", name,
                level, strerror(errno));
  const char *problem = hashMatches(copy, size, hash)
                            ? checkElf(static_cast<const uint8_t *>(copy), size)
                            : "changed while it was read";
  munmap(copy, size);
  if (problem)
    return fail(error, MOEC_BAD_ARTIFACT, "%s: the %s code segment %s", name,
                level, problem);

  // The descriptor stays open: the dynamic linker knows libraries by path, and
  // a path in use cannot be given to another module.
  char path[64];
  snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
  handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!handle)
    return fail(error, MOEC_BAD_ARTIFACT,
                "%s: the %s code segment cannot be loaded: %s", name, level,
                dlerror());
  const auto *version =
      static_cast<const uint32_t *>(symbol("moec_abi_version"));
  if (!version)
    return fail(error, MOEC_BAD_ARTIFACT,
                "%s: the %s code segment has no symbol moec_abi_version", name,
                level);
  if (*version != MOEC_FRAME_ABI_VERSION)
    return fail(error, MOEC_BAD_ARTIFACT,
                "%s: the %s code has frame ABI %u, this runtime calls ABI %u",
                name, level, *version, MOEC_FRAME_ABI_VERSION);
  return MOEC_OK;
}

void *CodeImage::symbol(const char *name) const { return dlsym(handle, name); }

} // namespace moec::runtime
