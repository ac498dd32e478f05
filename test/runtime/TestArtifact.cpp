// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/runtime/TestArtifact.h"

#include "runtime/schema/Prelude.h"

#include <gtest/gtest.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <unistd.h>

namespace moec::test {

std::string readFile(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string temporaryPath(const std::string &name) {
  return testing::TempDir() + "moec-" + std::to_string(getpid()) + "-" + name;
}

const char *baseLevel() {
#if defined(__x86_64__)
  return "x86-64";
#else
  return "aarch64";
#endif
}

artifact::ParameterSpec scaleParameter() {
  artifact::ParameterSpec spec;
  spec.name = "scale";
  spec.dims = {5};
  spec.parts = {{"scale", {5}}};
  spec.isMutable = true;
  return spec;
}

artifact::FunctionSignature scaleFunction() {
  artifact::FunctionSignature function;
  function.name = "scale";
  function.arguments = {{"x", MOEC_DTYPE_F32, {{0, "T"}, {5, ""}}}};
  function.results = {{"y", MOEC_DTYPE_F32, {{0, "T"}, {5, ""}}}};
  function.parameters = {"scale"};
  function.taps = {"scaled"};
  return function;
}

artifact::ByteSource bytesOf(std::vector<float> values) {
  return [values = std::move(values)](const artifact::ByteSink &sink) {
    sink(values.data(), values.size() * sizeof(float));
    return std::string();
  };
}

artifact::ArtifactWriter scaleWriter(const std::string &code) {
  artifact::ArtifactWriter writer;
  writer.setProducer("moec test");
  writer.addVariant({baseLevel(), {}, readFile(code)});
  writer.addFunction(scaleFunction());
  writer.addParameter(scaleParameter(), bytesOf({1, 2, 3, 4, 5}));
  writer.addTargetEntry("cores", "2");
  writer.setSource("not bytecode");
  return writer;
}

Image::Image(const std::string &bytes)
    : memory(static_cast<char *>(
                 std::aligned_alloc(64, (bytes.size() / 64 + 1) * 64)),
             std::free),
      length(bytes.size()) {
  std::memcpy(memory.get(), bytes.data(), bytes.size());
}

void Image::edit(const std::function<void(schema::Header *)> &change) {
  auto *prelude = reinterpret_cast<schema::Prelude *>(data());
  char *header = data() + sizeof(*prelude);
  change(flatbuffers::GetMutableRoot<schema::Header>(header));
  XXH128_hash_t hash = XXH3_128bits(header, prelude->headerSize);
  prelude->headerHash[0] = hash.low64;
  prelude->headerHash[1] = hash.high64;
}

Image scaleImage() {
  std::string path = temporaryPath("scale.moe");
  EXPECT_EQ(scaleWriter(MOEC_TEST_CODE).finish(path), "");
  Image image(readFile(path));
  std::remove(path.c_str());
  return image;
}

Context makeContext(moec_context_options options) {
  options.struct_size = sizeof(options);
  moec_context *context = nullptr;
  moec_error error = {};
  EXPECT_EQ(moec_context_create(&options, &context, &error), MOEC_OK)
      << error.text;
  return Context(context);
}

Context makeContext(uint32_t threads) {
  moec_context_options options = {};
  options.threads = threads;
  return makeContext(options);
}

Module load(moec_context *context, const Image &image, moec_error &error,
            uint32_t flags, const char *level) {
  moec_module_options options = {sizeof(options), flags, level};
  moec_module *module = nullptr;
  error.text[0] = 0;
  moec_status status = moec_module_load_memory(
      context, image.data(), image.size(), &options, &module, &error);
  EXPECT_EQ(status == MOEC_OK, module != nullptr);
  EXPECT_EQ(status == MOEC_OK, error.text[0] == 0) << error.text;
  return Module(module);
}

Session makeSession(const moec_module *module) {
  moec_session *session = nullptr;
  moec_error error = {};
  EXPECT_EQ(moec_session_create(module, &session, &error), MOEC_OK)
      << error.text;
  return Session(session);
}

View::View(std::vector<float> &values, std::vector<int64_t> dims)
    : shape(std::move(dims)) {
  tensor.data = values.data();
  tensor.device = {kDLCPU, 0};
  tensor.ndim = static_cast<int32_t>(shape.size());
  tensor.dtype = {kDLFloat, 32, 1};
  tensor.shape = shape.data();
}

std::vector<float> callScale(const moec_module *module, moec_session *session,
                             int64_t rows) {
  std::vector<float> x(rows * 5), y(rows * 5, -1);
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = float(i);
  View input(x, {rows, 5}), output(y, {rows, 5});
  const DLTensor *arguments[] = {&input.tensor}, *results[] = {&output.tensor};
  const moec_function *function = moec_module_find_function(module, "scale");
  moec_error error = {};
  int64_t size = 0;
  EXPECT_EQ(moec_function_workspace_size(function, arguments, 1, &size, &error),
            MOEC_OK)
      << error.text;
  std::unique_ptr<void, decltype(&std::free)> workspace(
      std::aligned_alloc(64, size), std::free);
  EXPECT_EQ(moec_session_call(session, function, arguments, 1, results, 1,
                              workspace.get(), size, &error),
            MOEC_OK)
      << error.text;
  return y;
}

std::vector<float> expectedScale(int64_t rows, float factor) {
  std::vector<float> y(rows * 5);
  for (size_t i = 0; i < y.size(); ++i)
    y[i] = float(i) * float(i % 5 + 1) * factor;
  return y;
}

} // namespace moec::test
