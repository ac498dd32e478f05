// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A configuration file: typed access to its fields, with messages that name the
// file, the field, and what was expected. `a.b` names field b of object a.

#ifndef MOEC_IMPORTERS_CONFIG_H
#define MOEC_IMPORTERS_CONFIG_H

#include "weights/Json.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include <optional>
#include <string>
#include <vector>

namespace moec {

/// The text of a file of at most 64 MiB.
llvm::Expected<std::string> readTextFile(llvm::StringRef path);

class Config {
public:
  /// A configuration without fields.
  Config() = default;

  static llvm::Expected<Config> open(llvm::StringRef path);

  llvm::StringRef getPath() const { return path; }

  /// Whether the field is there and not null.
  bool has(llvm::StringRef key) const { return find(key) != nullptr; }
  /// Whether the field is there and a list.
  bool isList(llvm::StringRef key) const;
  /// The first of the names that is there, or empty.
  llvm::StringRef findFirst(llvm::ArrayRef<llvm::StringRef> keys) const;

  /// The object in a field: fields are then relative to it. An error where it
  /// is not an object.
  llvm::Expected<Config> getObject(llvm::StringRef key) const;

  /// A whole number in [1, max] under one of these names; `what` says what it
  /// means. Two names with different values are an error. A list has one number
  /// for each layer; `layer` chooses.
  llvm::Expected<int64_t> getSize(llvm::ArrayRef<llvm::StringRef> keys,
                                  llvm::StringRef what, int64_t max,
                                  int64_t layer = -1) const;
  /// Likewise, `otherwise` where there is none; at least `min`.
  llvm::Expected<int64_t> getSizeOr(llvm::StringRef key, int64_t otherwise,
                                    int64_t min, int64_t max) const;
  llvm::Expected<bool> getFlag(llvm::StringRef key, bool otherwise) const;
  /// A finite number, `otherwise` where there is none.
  llvm::Expected<double> getNumber(llvm::StringRef key, double otherwise) const;
  /// A number for each layer, of which `layer` is wanted: null is no number.
  llvm::Expected<std::optional<double>> getLayerNumber(llvm::StringRef key,
                                                       int64_t layer) const;
  llvm::Expected<std::string> getString(llvm::StringRef key) const;
  llvm::Expected<std::string> getStringOr(llvm::StringRef key,
                                          llvm::StringRef otherwise) const;
  /// A list of whole numbers; empty where there is none.
  llvm::Expected<std::vector<int64_t>> getNumbers(llvm::StringRef key) const;
  /// A list of strings; empty where there is none.
  llvm::Expected<std::vector<std::string>>
  getStrings(llvm::StringRef key) const;

  /// An error about a field.
  llvm::Error fail(llvm::StringRef key, const llvm::Twine &why) const;

private:
  Config(Json root, llvm::StringRef path, llvm::StringRef prefix = "")
      : root(std::move(root)), path(path), prefix(prefix) {}
  const Json *find(llvm::StringRef key) const;
  llvm::Expected<int64_t> checkNumber(llvm::StringRef key, const Json &value,
                                      int64_t min, int64_t max) const;
  llvm::Expected<const Json *> findList(llvm::StringRef key) const;

  Json root;
  std::string path;
  std::string prefix; ///< of the fields' names: "text_config."
};

} // namespace moec

#endif // MOEC_IMPORTERS_CONFIG_H
