// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/driver/include/moec/compiler.h"
#include <filesystem>
#include <gtest/gtest.h>
#include <string>

namespace {

const std::string fixture = MOEC_SOURCE_DIR "/test/fixtures/mixtral";

/// Options whose messages and text are collected.
struct Compilation {
  Compilation() {
    options.struct_size = sizeof(options);
    options.input = fixture.c_str();
    options.message = [](void *host, const char *text) {
      static_cast<Compilation *>(host)->messages += std::string(text) + "\n";
    };
    options.text = [](void *host, const char *data, size_t size) {
      static_cast<Compilation *>(host)->text.append(data, size);
    };
    options.host = this;
  }
  moec_compile_options options = {};
  std::string messages;
  std::string text;
};

std::string outputPath(const char *name) {
  std::string path = testing::TempDir() + name;
  std::filesystem::remove(path);
  return path;
}

TEST(CompilerCApi, PrintsTheImportedModule) {
  Compilation c;
  c.options.emit = "mlir";
  EXPECT_EQ(moec_compile(&c.options), MOEC_COMPILE_OK) << c.messages;
  EXPECT_NE(c.text.find("moe.experts"), std::string::npos);
}

TEST(CompilerCApi, WritesAnArtifact) {
  Compilation c;
  std::string path = outputPath("capi.moe");
  c.options.output = path.c_str();
  EXPECT_EQ(moec_compile(&c.options), MOEC_COMPILE_OK) << c.messages;
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST(CompilerCApi, RefusesAStructOfAnOlderCaller) {
  Compilation c;
  c.options.struct_size = 8;
  EXPECT_EQ(moec_compile(&c.options), MOEC_COMPILE_USAGE_ERROR);
  EXPECT_EQ(moec_compile(nullptr), MOEC_COMPILE_USAGE_ERROR);
}

TEST(CompilerCApi, NamesAWrongWord) {
  Compilation c;
  c.options.target = "tpu";
  EXPECT_EQ(moec_compile(&c.options), MOEC_COMPILE_USAGE_ERROR);
  EXPECT_NE(c.messages.find("--target=tpu"), std::string::npos) << c.messages;
}

TEST(CompilerCApi, LeavesNothingBehindOnABadInput) {
  Compilation c;
  std::string path = outputPath("bad.moe");
  c.options.input = "/nonexistent/model";
  c.options.output = path.c_str();
  EXPECT_EQ(moec_compile(&c.options), MOEC_COMPILE_INPUT_ERROR);
  EXPECT_NE(c.messages.find("/nonexistent/model"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(CompilerCApi, SaysWhenTheOutputCannotBeWritten) {
  Compilation c;
  c.options.output = "/nonexistent/out.moe";
  EXPECT_EQ(moec_compile(&c.options), MOEC_COMPILE_ENVIRONMENT);
  EXPECT_NE(c.messages.find("/nonexistent/out.moe"), std::string::npos)
      << c.messages;
}

} // namespace
