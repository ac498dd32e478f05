// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The metadata of a GGUF file that describe its model: typed, checked, with
// messages that name file and key.

#ifndef MOEC_IMPORTERS_GGUF_METADATA_H
#define MOEC_IMPORTERS_GGUF_METADATA_H

#include "weights/Gguf.h"
#include "llvm/ADT/Twine.h"

namespace moec::gguf {

/// Keys are those of the architecture, without its name before them:
/// "expert_count". A list has one number for each layer, of which `layer` is
/// wanted.
class Metadata {
public:
  /// Needs `general.architecture`; the file outlives this object.
  static llvm::Expected<Metadata> read(const GgufFile &file);

  llvm::StringRef getArchitecture() const { return architecture; }
  llvm::StringRef getPath() const { return file->getTensors().getPath(); }

  bool has(llvm::StringRef key) const { return find(key) != nullptr; }
  /// A whole number in [1, max].
  llvm::Expected<int64_t> getSize(llvm::StringRef key, int64_t max,
                                  int64_t layer = 0) const;
  /// Likewise, or 0, which is also what a missing key means.
  llvm::Expected<int64_t> getCount(llvm::StringRef key, int64_t max,
                                   int64_t layer = 0) const;
  /// A finite number.
  llvm::Expected<double> getNumber(llvm::StringRef key, double otherwise,
                                   int64_t layer = 0) const;
  llvm::Expected<bool> getFlag(llvm::StringRef key, bool otherwise) const;
  llvm::Expected<std::string> getString(llvm::StringRef key,
                                        llvm::StringRef otherwise) const;

  /// An error about a key.
  llvm::Error fail(llvm::StringRef key, const llvm::Twine &why) const;

private:
  explicit Metadata(const GgufFile &file) : file(&file) {}
  std::string name(llvm::StringRef key) const;
  const GgufValue *find(llvm::StringRef key) const;

  const GgufFile *file;
  std::string architecture;
};

} // namespace moec::gguf

#endif // MOEC_IMPORTERS_GGUF_METADATA_H
