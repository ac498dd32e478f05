// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The state behind checkHeader, for the files that implement it.

#ifndef MOEC_RUNTIME_HEADERCHECKER_H
#define MOEC_RUNTIME_HEADERCHECKER_H

#include "runtime/ArtifactFile.h"
#include "runtime/schema/Prelude.h"

#include <cstdlib>
#include <cstring>

namespace moec::runtime {

template <typename T> using Table = flatbuffers::Vector<flatbuffers::Offset<T>>;

/// Each function writes a message and returns false at the first fault.
class HeaderChecker {
public:
  HeaderChecker(const char *name, const ArtifactFile &file, Arena &scratch,
                moec_error *error)
      : name(name), file(file), header(*file.header()), scratch(scratch),
        error(error) {}

  bool run() {
    return checkVersion() && checkSegments() && checkVariants() &&
           checkParameters() && checkStates() && checkFunctions() &&
           checkTarget();
  }
  moec_status status = MOEC_BAD_ARTIFACT;

private:
  /// A position in the header, such as header.functions[2].results[0].
  struct Field {
    char text[160];
  };

  [[gnu::format(printf, 1, 2)]] static Field at(const char *format, ...);
  [[gnu::format(printf, 3, 4)]] bool bad(const Field &field, const char *format,
                                         ...);

  bool checkVersion();
  bool checkSegments();
  bool checkVariants();
  bool checkParameters();
  bool checkPanels(const Field &field, const schema::Parameter &parameter);
  bool checkStates();
  bool checkFunctionStates(uint32_t index, const schema::Function &function);
  bool checkFunctions();
  bool checkFunction(uint32_t index, const schema::Function &function);
  bool checkTensors(const Field &field, const Table<schema::Tensor> &tensors,
                    bool introduces);
  bool checkTarget();
  bool checkName(const Field &field, const flatbuffers::String *text);
  bool checkSymbol(const Field &field, const flatbuffers::String *text,
                   const char *prefix);
  bool checkDtype(const Field &field, schema::DataType dtype);
  bool checkCount(const Field &field, uint64_t count, uint64_t limit);
  bool checkDims(const Field &field, const flatbuffers::Vector<int64_t> &dims,
                 uint64_t &elements);
  bool isKnownSymbol(const char *symbol) const;
  /// True if all factors of "B*S" are known.
  bool isKnownProduct(const char *symbol) const;
  template <typename T>
  bool checkUnique(const Field &field, const Table<T> &table);

  const char *name;
  const ArtifactFile &file;
  const schema::Header &header;
  Arena &scratch;
  moec_error *error;
  const char *symbols[schema::maxSymbols] = {}; ///< of the current function
  uint32_t numSymbols = 0;
};

template <typename T>
bool HeaderChecker::checkUnique(const Field &field, const Table<T> &table) {
  auto **names = scratch.array<const char *>(table.size());
  if (!names) {
    status = fail(error, MOEC_ENVIRONMENT, "%s: out of memory", name);
    return false;
  }
  for (uint32_t i = 0; i < table.size(); ++i)
    names[i] = table.Get(i)->name()->c_str();
  qsort(names, table.size(), sizeof(*names), [](const void *a, const void *b) {
    return strcmp(*static_cast<const char *const *>(a),
                  *static_cast<const char *const *>(b));
  });
  for (uint32_t i = 1; i < table.size(); ++i)
    if (strcmp(names[i - 1], names[i]) == 0)
      return bad(field, "has the name '%s' twice", names[i]);
  return true;
}

} // namespace moec::runtime

#endif // MOEC_RUNTIME_HEADERCHECKER_H
