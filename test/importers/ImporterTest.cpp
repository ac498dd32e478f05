// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/importers/TestModel.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace moec;
using namespace moec::test;
using testing::HasSubstr;

namespace {

TEST(Importer, readsModules) {
  TestModel model;
  model.directory.write("m.mlir", "func.func @main() { return }");
  std::string text = model.importFile("m.mlir", ImportScope::Model);
  EXPECT_FALSE(model.failed) << text;
  EXPECT_THAT(text, HasSubstr("func.func @main()"));
  EXPECT_THAT(text, HasSubstr("moe.source_directory"));
}

TEST(Importer, keepsTheSourceDirectoryOfAModule) {
  TestModel model;
  model.directory.write("m.mlir",
                        "module attributes {moe.source_directory = \"w\"} {}");
  EXPECT_THAT(model.importFile("m.mlir"),
              HasSubstr("moe.source_directory = \"w\""));
}

TEST(Importer, whatItPrintsItReads) {
  for (const char *type : {"mixtral", "qwen2_moe"}) {
    TestModel model(type);
    std::string text = model.import();
    model.directory.write("m.mlir", text);
    EXPECT_EQ(model.importFile("m.mlir"), text);
  }
}

TEST(Importer, refusesBrokenModules) {
  TestModel model;
  model.directory.write("m.mlir", "func.func @main() { foo }");
  std::string text = model.importFile("m.mlir");
  EXPECT_TRUE(model.failed);
  EXPECT_THAT(text, HasSubstr("m.mlir: not a valid module: "));
  EXPECT_THAT(text, HasSubstr("1:21"));
}

TEST(Importer, refusesOtherInputs) {
  TestModel model;
  EXPECT_EQ(model.importFile("none.json"),
            "none.json: cannot open: No such file or directory");
  model.directory.write("noextension", "");
  EXPECT_EQ(model.importFile("noextension"),
            "noextension: unknown kind of input, expected a directory with "
            "config.json, or a file .gguf, .json, .mlir, .mlirbc or .onnx");
}

} // namespace
