// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/artifact/ArtifactWriter.h"

#include "codegen/artifact/TemporaryFile.h"
#include "moec/runtime.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <unistd.h>

using namespace moec::artifact;
namespace fs = std::filesystem;

namespace {

struct Writer : testing::Test {
  fs::path directory = fs::path(testing::TempDir()) /
                       ("moec-writer-" + std::to_string(getpid()));
  std::string path = directory / "out.moe";
  ArtifactWriter writer;

  Writer() { fs::create_directories(directory); }
  ~Writer() override { fs::remove_all(directory); }

  size_t files() {
    return std::distance(fs::directory_iterator(directory),
                         fs::directory_iterator());
  }
  static ByteSource zeros(size_t size) {
    return [size](const ByteSink &sink) {
      std::string bytes(size, '\0');
      sink(bytes.data(), bytes.size());
      return std::string();
    };
  }
  static ParameterSpec vector(std::string name, int64_t size) {
    ParameterSpec spec;
    spec.name = name;
    spec.dtype = MOEC_DTYPE_U8;
    spec.dims = {size};
    spec.parts = {{name, {size}}};
    return spec;
  }
};

struct Loaded {
  moec_context *context = nullptr;
  moec_module *module = nullptr;
  moec_error error = {};

  explicit Loaded(const std::string &path) {
    EXPECT_EQ(moec_context_create(nullptr, &context, &error), MOEC_OK);
    moec_module_options options = {
        sizeof(options), MOEC_MODULE_NO_CODE | MOEC_MODULE_VERIFY_WEIGHTS,
        nullptr};
    EXPECT_EQ(
        moec_module_load_file(context, path.c_str(), &options, &module, &error),
        MOEC_OK)
        << error.text;
  }
  ~Loaded() {
    moec_module_destroy(module);
    moec_context_destroy(context);
  }
  moec_parameter_info parameter(uint32_t index) {
    moec_parameter_info info = {};
    info.struct_size = sizeof(info);
    EXPECT_EQ(moec_module_get_parameter(module, index, &info), MOEC_OK);
    return info;
  }
};

TEST_F(Writer, StreamsParametersInOrderAndAligned) {
  for (int i = 0; i < 3; ++i)
    writer.addParameter(vector("p" + std::to_string(i), 100 + i),
                        [i](const ByteSink &sink) {
                          // In pieces of odd sizes.
                          std::string bytes(100 + i, char('a' + i));
                          for (size_t at = 0; at < bytes.size(); at += 33)
                            if (!sink(bytes.data() + at,
                                      std::min<size_t>(33, bytes.size() - at)))
                              return std::string("stopped");
                          return std::string();
                        });
  ASSERT_EQ(writer.finish(path), "");
  EXPECT_EQ(files(), 1u);
  Loaded loaded(path);
  for (uint32_t i = 0; i < 3; ++i) {
    moec_parameter_info info = loaded.parameter(i);
    EXPECT_EQ(info.offset, i * 128u);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(info.data) % 64, 0u);
    EXPECT_EQ(std::string(static_cast<const char *>(info.data), info.size),
              std::string(100 + i, char('a' + i)));
  }
  moec_segment_info segment = {};
  segment.struct_size = sizeof(segment);
  ASSERT_EQ(moec_module_get_segment(loaded.module, 0, &segment), MOEC_OK);
  EXPECT_STREQ(segment.kind, "weights");
  EXPECT_EQ(segment.offset % 4096, 0u);
}

TEST_F(Writer, KeepsEncodingsSignaturesAndTarget) {
  ParameterSpec panels;
  panels.name = "gate|up";
  panels.dtype = MOEC_DTYPE_BF16;
  panels.dims = {2, 2, 3, 16, 2};
  panels.encoding = Encoding::Panels;
  panels.groups = 2;
  panels.columns = 9;
  panels.depth = 5;
  panels.parts = {{"gate", {2, 9, 5}}, {"up", {2, 9, 5}}};
  writer.addParameter(panels, zeros(2 * 2 * 3 * 16 * 2 * 2));
  writer.setComputeMode(ComputeMode::BF16);
  writer.addTargetEntry("cores", "8");
  FunctionSignature function;
  function.name = "encoder.layers.0.moe";
  function.arguments = {{"x", MOEC_DTYPE_F32, {{0, "T"}, {5, ""}}}};
  function.parameters = {"gate|up"};
  writer.addFunction(function);
  ASSERT_EQ(writer.finish(path), "");

  Loaded loaded(path);
  moec_parameter_info info = loaded.parameter(0);
  EXPECT_EQ(info.encoding, MOEC_ENCODING_PANELS);
  EXPECT_EQ(info.columns, 9);
  ASSERT_EQ(info.num_parts, 2u);
  EXPECT_STREQ(info.parts[1].symbol, "up");
  EXPECT_EQ(info.parts[1].shape[2], 5);
  moec_function_info described = {};
  described.struct_size = sizeof(described);
  moec_function_get_info(moec_module_get_function(loaded.module, 0),
                         &described);
  EXPECT_STREQ(described.c_name, "encoder_layers_0_moe");
  EXPECT_STREQ(described.entry, "moec_fn_encoder_layers_0_moe");
  moec_module_info module = {};
  module.struct_size = sizeof(module);
  moec_module_get_info(loaded.module, &module);
  EXPECT_STREQ(module.compute, "bf16");
  EXPECT_EQ(module.source, nullptr);
  moec_target_entry entry = {};
  entry.struct_size = sizeof(entry);
  ASSERT_EQ(moec_module_get_target_entry(loaded.module, 0, &entry), MOEC_OK);
  EXPECT_STREQ(entry.value, "8");
}

TEST_F(Writer, WritesTheSameBytesAgain) {
  writer.setSource("source");
  writer.addParameter(vector("p", 70), zeros(70));
  ASSERT_EQ(writer.finish(path), "");
  std::string other = directory / "other.moe";
  ASSERT_EQ(writer.finish(other), "");
  auto read = [](const std::string &name) {
    std::ifstream file(name, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  EXPECT_EQ(read(path), read(other));
}

TEST_F(Writer, LeavesNothingWhenAParameterFails) {
  std::ofstream(path) << "what was there";
  writer.addParameter(vector("good", 64), zeros(64));
  writer.addParameter(vector("bad", 64), [](const ByteSink &sink) {
    sink("abc", 3);
    return std::string("model.safetensors: tensor 'bad': too short");
  });
  EXPECT_EQ(writer.finish(path), "model.safetensors: tensor 'bad': too short");
  EXPECT_EQ(files(), 1u);
  std::string kept;
  std::getline(std::ifstream(path), kept);
  EXPECT_EQ(kept, "what was there");
}

TEST_F(Writer, ChecksTheNumberOfBytes) {
  writer.addParameter(vector("short", 64), zeros(63));
  EXPECT_EQ(writer.finish(path),
            "parameter 'short' has 63 bytes, its shape needs 64");
  ArtifactWriter second;
  bool refused = false;
  second.addParameter(vector("long", 64), [&](const ByteSink &sink) {
    std::string bytes(65, '\0');
    refused = !sink(bytes.data(), bytes.size());
    return std::string();
  });
  EXPECT_EQ(second.finish(path),
            "parameter 'long' has more than the 64 bytes of its shape");
  EXPECT_TRUE(refused);
  EXPECT_EQ(files(), 0u);
}

TEST_F(Writer, RefusesWhatDoesNotFitTogether) {
  auto failure = [&](const std::function<void(ArtifactWriter &)> &fill) {
    ArtifactWriter bad;
    fill(bad);
    std::string error = bad.finish(path);
    EXPECT_EQ(files(), 0u);
    return error.substr(error.find(": ") + 2);
  };
  EXPECT_EQ(failure([](ArtifactWriter &bad) {
              bad.addParameter(vector("p", 1), zeros(1));
              bad.addParameter(vector("p", 1), zeros(1));
            }),
            "parameter 'p' is given twice");
  EXPECT_EQ(failure([](ArtifactWriter &bad) {
              FunctionSignature function;
              function.name = "f";
              function.parameters = {"q"};
              bad.addFunction(function);
            }),
            "function 'f' reads parameter 'q', which the artifact does not "
            "have");
  EXPECT_EQ(failure([](ArtifactWriter &bad) {
              ParameterSpec spec = vector("p", 1);
              spec.dims = {int64_t(1) << 62, 8};
              bad.addParameter(spec, zeros(1));
            }),
            "parameter 'p' has an impossible shape");
  EXPECT_EQ(failure([](ArtifactWriter &bad) {
              ParameterSpec spec = vector("p", 1);
              spec.dtype = 42;
              bad.addParameter(spec, zeros(1));
            }),
            "parameter 'p' has the unknown element type 42");
}

TEST_F(Writer, SaysWhereItCannotWrite) {
  std::string missing = directory / "no" / "out.moe";
  EXPECT_EQ(writer.finish(missing),
            missing + ": cannot create: No such file or directory");
}

TEST(TemporaryFile, AppearsOnlyWhenKept) {
  std::string path =
      testing::TempDir() + "moec-temporary-" + std::to_string(getpid());
  {
    TemporaryFile file;
    ASSERT_EQ(file.open(path), "");
    ASSERT_EQ(file.write("abc", 3), "");
    EXPECT_FALSE(fs::exists(path));
  }
  EXPECT_FALSE(fs::exists(path));
  TemporaryFile first, second;
  ASSERT_EQ(first.open(path), "");
  ASSERT_EQ(second.open(path), "");
  ASSERT_EQ(first.write("first", 5), "");
  ASSERT_EQ(second.write("second", 6), "");
  EXPECT_EQ(first.keep(), "");
  EXPECT_EQ(second.keep(), "");
  EXPECT_EQ(fs::file_size(path), 6u);
  fs::remove(path);
}

TEST(TemporaryFile, KeepsBytesInOrderAcrossBlocks) {
  std::string path =
      testing::TempDir() + "moec-blocks-" + std::to_string(getpid());
  std::string expected(size_t(9) << 20, '\0');
  for (size_t i = 0; i < expected.size(); ++i)
    expected[i] = char(i * 2654435761u >> 24);
  TemporaryFile file;
  ASSERT_EQ(file.open(path), "");
  // Within a block, over its end, several at once, and the rest.
  size_t at = 0;
  for (size_t size : {1000, (2 << 20) - 999, 6 << 20, 5, 0}) {
    size_t count = size ? size : expected.size() - at;
    ASSERT_EQ(file.write(expected.data() + at, count), "");
    at += count;
  }
  ASSERT_EQ(file.writeAt(0, "head", 4), "");
  ASSERT_EQ(file.keep(), "");
  expected.replace(0, 4, "head");
  std::string found(expected.size(), '\0');
  std::ifstream(path, std::ios::binary).read(found.data(), found.size());
  EXPECT_EQ(fs::file_size(path), expected.size());
  EXPECT_TRUE(found == expected);
  fs::remove(path);
}

} // namespace
