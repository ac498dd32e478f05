// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A small artifact around ScaleCode.c, and loading it with few words.

#ifndef MOEC_TEST_RUNTIME_TESTARTIFACT_H
#define MOEC_TEST_RUNTIME_TESTARTIFACT_H

#include "codegen/artifact/ArtifactWriter.h"
#include "moec/runtime.h"

#include "runtime/schema/moe_generated.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace moec::test {

std::string readFile(const std::string &path);
/// A path in GoogleTest's directory for temporary files, of this process.
std::string temporaryPath(const std::string &name);

/// The level that every machine of this architecture has.
const char *baseLevel();
artifact::ParameterSpec scaleParameter();
artifact::FunctionSignature scaleFunction();
/// Bytes as a parameter's source.
artifact::ByteSource bytesOf(std::vector<float> values);

/// A writer with variant, function "scale", mutable parameter "scale" = 1..5
/// and some source; `code` is the path of a shared object.
artifact::ArtifactWriter scaleWriter(const std::string &code);
/// What scaleWriter makes, 64-byte aligned.
class Image {
public:
  explicit Image(const std::string &bytes);
  char *data() const { return memory.get(); }
  size_t size() const { return length; }
  char &operator[](size_t i) { return memory.get()[i]; }

  /// Changes the header in place and makes the hashes right again.
  void edit(const std::function<void(schema::Header *header)> &change);
  /// Overwrites a scalar field that the table has.
  template <typename T>
  static void set(const void *table, flatbuffers::voffset_t field, T value) {
    auto *mutableTable = const_cast<flatbuffers::Table *>(
        static_cast<const flatbuffers::Table *>(table));
    *reinterpret_cast<T *>(mutableTable->GetAddressOf(field)) = value;
  }

private:
  std::unique_ptr<char, void (*)(void *)> memory;
  size_t length;
};
Image scaleImage();

struct ContextDeleter {
  void operator()(moec_context *context) const {
    moec_context_destroy(context);
  }
};
struct ModuleDeleter {
  void operator()(moec_module *module) const { moec_module_destroy(module); }
};
struct SessionDeleter {
  void operator()(moec_session *session) const {
    moec_session_destroy(session);
  }
};
using Context = std::unique_ptr<moec_context, ContextDeleter>;
using Module = std::unique_ptr<moec_module, ModuleDeleter>;
using Session = std::unique_ptr<moec_session, SessionDeleter>;

/// A context with that many threads; fails the test when there is none.
Context makeContext(uint32_t threads = 2);
Context makeContext(moec_context_options options);

/// Loads from memory; null and a message in `error` when that fails.
Module load(moec_context *context, const Image &image, moec_error &error,
            uint32_t flags = 0, const char *level = nullptr);
Session makeSession(const moec_module *module);

/// A DLPack view of floats.
struct View {
  std::vector<int64_t> shape;
  DLTensor tensor = {};
  View(std::vector<float> &values, std::vector<int64_t> shape);
};

/// Runs "scale" on `rows` rows of x[i] = i; returns y.
std::vector<float> callScale(const moec_module *module, moec_session *session,
                             int64_t rows);
/// What callScale must return for scale = 1..5 times `factor`.
std::vector<float> expectedScale(int64_t rows, float factor = 1);

} // namespace moec::test

#endif // MOEC_TEST_RUNTIME_TESTARTIFACT_H
