// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/TargetDescription.h"
#include "mlir/Dialect/DLTI/DLTI.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace moec;

namespace {
struct TargetDescriptionTest : testing::Test {
  TargetDescriptionTest() { context.loadDialect<DLTIDialect>(); }

  OwningOpRef<ModuleOp> parse(StringRef spec) {
    return parseSourceString<ModuleOp>(
        ("module attributes {dlti.target_system_spec = "
         "#dlti.target_system_spec<" +
         spec + ">} {}")
            .str(),
        &context);
  }

  MLIRContext context;
};

TEST_F(TargetDescriptionTest, DefaultsDependOnTheLevel) {
  EXPECT_EQ(TargetDescription::getDefault("x86-64-v3").cores, 8);
  EXPECT_EQ(TargetDescription::getDefault("x86-64-v4").l2Bytes, 1 << 20);
  EXPECT_EQ(TargetDescription::getDefault("other").level, "other");
}

TEST_F(TargetDescriptionTest, AModuleWithoutOneHasTheDefault) {
  auto module =
      OwningOpRef<ModuleOp>(ModuleOp::create(UnknownLoc::get(&context)));
  FailureOr<TargetDescription> target = TargetDescription::get(*module);
  ASSERT_TRUE(succeeded(target));
  EXPECT_EQ(target->level, "x86-64-v3");
}

TEST_F(TargetDescriptionTest, ComesBackAsAttached) {
  auto module =
      OwningOpRef<ModuleOp>(ModuleOp::create(UnknownLoc::get(&context)));
  TargetDescription before{{3, 1000, 2000, 12.5, 7.25}, "x86-64-v4"};
  before.attachTo(*module);
  FailureOr<TargetDescription> after = TargetDescription::get(*module);
  ASSERT_TRUE(succeeded(after));
  EXPECT_EQ(after->level, before.level);
  EXPECT_EQ(after->cores, before.cores);
  EXPECT_EQ(after->l1Bytes, before.l1Bytes);
  EXPECT_EQ(after->l2Bytes, before.l2Bytes);
  EXPECT_EQ(after->coreGflops, before.coreGflops);
  EXPECT_EQ(after->readGbps, before.readGbps);
}

TEST_F(TargetDescriptionTest, MissingKeysKeepTheLevelsDefault) {
  auto module = parse("\"CPU\" = #dlti.target_device_spec<\"moec.level\" = "
                      "\"x86-64-v4\", \"moec.cores\" = 2 : i64>");
  ASSERT_TRUE(module);
  FailureOr<TargetDescription> target = TargetDescription::get(*module);
  ASSERT_TRUE(succeeded(target));
  EXPECT_EQ(target->cores, 2);
  EXPECT_EQ(target->l2Bytes, 1 << 20);
}

TEST_F(TargetDescriptionTest, OtherDevicesSayNothing) {
  auto module =
      parse("\"GPU\" = #dlti.target_device_spec<\"moec.cores\" = 2 : i64>");
  ASSERT_TRUE(module);
  FailureOr<TargetDescription> target = TargetDescription::get(*module);
  ASSERT_TRUE(succeeded(target));
  EXPECT_EQ(target->cores, 8);
}
} // namespace
