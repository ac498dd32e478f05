// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The fields of config.json that describe a decoder: numbers, lists by layer
// and nested objects, with messages that name file and field.

#ifndef MOEC_IMPORTERS_HF_DECODERFIELDS_H
#define MOEC_IMPORTERS_HF_DECODERFIELDS_H

#include "weights/Json.h"
#include "llvm/Support/Error.h"
#include <optional>
#include <string>
#include <vector>

namespace moec::hf {

class DecoderFields {
public:
  /// The fields of an object that stands in, or for, the file `path`.
  DecoderFields(Json root, llvm::StringRef path)
      : root(std::move(root)), path(path) {}
  static llvm::Expected<DecoderFields> open(llvm::StringRef path);

  /// The object of this field, with the same path for messages; none where
  /// there is none.
  std::optional<DecoderFields> object(llvm::StringRef key) const;

  bool has(llvm::StringRef key) const { return find(key) != nullptr; }
  llvm::Expected<std::optional<double>> number(llvm::StringRef key) const;
  llvm::Expected<double> numberOr(llvm::StringRef key, double otherwise) const;
  llvm::Expected<std::optional<int64_t>> integer(llvm::StringRef key) const;
  /// At least 1.
  llvm::Expected<int64_t> size(llvm::StringRef key) const;
  llvm::Expected<int64_t> sizeOr(llvm::StringRef key, int64_t otherwise) const;
  llvm::Expected<bool> flag(llvm::StringRef key, bool otherwise) const;
  llvm::Expected<std::string> stringOr(llvm::StringRef key,
                                       llvm::StringRef otherwise) const;
  /// Empty where there is none.
  llvm::Expected<std::vector<std::string>> strings(llvm::StringRef key) const;
  llvm::Expected<std::vector<double>> numbers(llvm::StringRef key) const;

  llvm::Error fail(llvm::StringRef key, const llvm::Twine &why) const;
  llvm::StringRef getPath() const { return path; }

private:
  const Json *find(llvm::StringRef key) const;

  Json root;
  std::string path;
};

} // namespace moec::hf

#endif // MOEC_IMPORTERS_HF_DECODERFIELDS_H
