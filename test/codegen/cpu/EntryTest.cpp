// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What entry points refuse, and with which status.

#include "Harness.h"
#include "Modules.h"

using namespace moec::cpu;
using namespace moec::cpu::test;

namespace {
constexpr int64_t kRows = 5;

class EntryTest : public ::testing::Test {
protected:
  static void SetUpTestSuite() {
    if (!hostHas("x86-64-v3"))
      return;
    Compiler compiler;
    auto module = compiler.compile(kSoftmaxLayer, {"x86-64-v3"});
    ASSERT_TRUE(succeeded(module)) << compiler.messages;
    library = new Library(module->code[0].elf);
  }
  static void TearDownTestSuite() {
    delete library;
    library = nullptr;
  }

  void SetUp() override {
    if (!library)
      GTEST_SKIP() << "this machine has no x86-64-v3";
    function = library->find<Call::Function>("moec_fn_layers_0_moe");
    query = library->find<Call::Query>("moec_workspace_layers_0_moe");
    ASSERT_TRUE(function && query);
    call.addArgument(x, {kRows, 8}, MOEC_DTYPE_F32);
    call.addResult(y, {kRows, 16}, MOEC_DTYPE_F32);
    call.addResult(p, {kRows, 16}, MOEC_DTYPE_F32);
    call.addParameter(w);
    frame = call.makeFrame();
    frame.workspace = workspace;
    frame.workspace_size = sizeof(workspace);
    ASSERT_LE(query(&frame), frame.workspace_size);
  }

  void expectBoth(int32_t status) {
    EXPECT_EQ(function(&frame), status);
    EXPECT_EQ(query(&frame), status);
  }
  void expectCall(int32_t status) { EXPECT_EQ(function(&frame), status); }

  static Library *library;
  std::vector<float> x = std::vector<float>(kRows * 8);
  std::vector<float> y = std::vector<float>(kRows * 16, -7);
  std::vector<float> p = std::vector<float>(kRows * 16);
  alignas(64) uint16_t w[16 * 8] = {};
  alignas(64) uint8_t workspace[4096];
  Call call{2};
  moec_frame frame;
  Call::Function function = nullptr;
  Call::Query query = nullptr;
};
Library *EntryTest::library = nullptr;

TEST_F(EntryTest, Accepts) {
  expectCall(MOEC_FRAME_OK);
  EXPECT_EQ(y[0], 0.0f);
}

TEST_F(EntryTest, AbiVersion) {
  auto version = library->find<const int32_t *>("moec_abi_version");
  ASSERT_TRUE(version);
  EXPECT_EQ(*version, MOEC_FRAME_ABI_VERSION);
}

TEST_F(EntryTest, Abi) {
  EXPECT_EQ(function(nullptr), MOEC_FRAME_BAD_ABI);
  frame.struct_size = offsetof(moec_frame, states) - 1;
  expectBoth(MOEC_FRAME_BAD_ABI);
  frame.struct_size = offsetof(moec_frame, states); // a version without states
  expectCall(MOEC_FRAME_OK);
  frame.struct_size = sizeof(moec_frame) + 100; // a later version
  expectCall(MOEC_FRAME_OK);
}

TEST_F(EntryTest, Services) {
  moec_services &services = call.services.table;
  services.struct_size = offsetof(moec_services, wait) - 1;
  expectBoth(MOEC_FRAME_BAD_ABI);
  services.struct_size = offsetof(moec_services, wait); // an earlier version
  expectCall(MOEC_FRAME_OK);
  services.num_workers = 0;
  expectBoth(MOEC_FRAME_BAD_ABI);
  services.num_workers = 2;
  auto service = services.parallel_for;
  services.parallel_for = nullptr;
  expectCall(MOEC_FRAME_BAD_ABI);
  services.parallel_for = service;
  frame.services = nullptr;
  expectBoth(MOEC_FRAME_BAD_ABI);
}

TEST_F(EntryTest, Counts) {
  frame.num_arguments = 2;
  expectBoth(MOEC_FRAME_BAD_COUNT);
  frame.num_arguments = 1;
  frame.num_results = 1;
  expectCall(MOEC_FRAME_BAD_COUNT);
  frame.num_results = 2;
  frame.num_parameters = 0;
  expectCall(MOEC_FRAME_BAD_COUNT);
  frame.num_parameters = 1;
  call.parameters[0] = nullptr;
  expectCall(MOEC_FRAME_BAD_COUNT);
}

TEST_F(EntryTest, Rank) {
  call.arguments[0].rank = 1;
  expectBoth(MOEC_FRAME_STATUS(MOEC_FRAME_BAD_RANK, 0));
  call.arguments[0].rank = 2;
  call.results[1].rank = 3;
  int32_t status = function(&frame);
  EXPECT_EQ(MOEC_FRAME_STATUS_CODE(status), MOEC_FRAME_BAD_RANK);
  EXPECT_EQ(MOEC_FRAME_STATUS_POSITION(status), 2);
}

TEST_F(EntryTest, Dtype) {
  call.arguments[0].dtype = MOEC_DTYPE_F16;
  expectBoth(MOEC_FRAME_STATUS(MOEC_FRAME_BAD_DTYPE, 0));
  call.arguments[0].dtype = MOEC_DTYPE_F32;
  call.results[0].dtype = MOEC_DTYPE_I32;
  expectCall(MOEC_FRAME_STATUS(MOEC_FRAME_BAD_DTYPE, 1));
}

TEST_F(EntryTest, FixedDimension) {
  int64_t shape[] = {kRows, 9};
  call.arguments[0].shape = shape;
  expectBoth(MOEC_FRAME_STATUS(MOEC_FRAME_BAD_DIMENSION, 0));
}

TEST_F(EntryTest, NegativeDimension) {
  int64_t shape[] = {-1, 8};
  call.arguments[0].shape = shape;
  expectBoth(MOEC_FRAME_STATUS(MOEC_FRAME_BAD_DIMENSION, 0));
}

TEST_F(EntryTest, EqualDimensions) {
  int64_t shape[] = {kRows + 1, 16};
  call.results[1].shape = shape;
  expectCall(MOEC_FRAME_STATUS(MOEC_FRAME_BAD_DIMENSION, 2));
}

TEST_F(EntryTest, Data) {
  call.arguments[0].data = nullptr;
  expectCall(MOEC_FRAME_STATUS(MOEC_FRAME_BAD_DIMENSION, 0));
  EXPECT_GE(query(&frame), 0) << "the query reads shapes only";
}

TEST_F(EntryTest, Workspace) {
  int64_t bytes = query(&frame);
  ASSERT_GT(bytes, 0);
  frame.workspace_size = bytes;
  expectCall(MOEC_FRAME_OK);
  frame.workspace_size = bytes - 1;
  expectCall(MOEC_FRAME_BAD_WORKSPACE);
  frame.workspace_size = bytes;
  frame.workspace = workspace + 32;
  expectCall(MOEC_FRAME_BAD_WORKSPACE);
  frame.workspace = nullptr;
  expectCall(MOEC_FRAME_BAD_WORKSPACE);
}

TEST_F(EntryTest, WorkspaceFollowsRows) {
  // exp(x - max) of the softmax, and in one place the row's maximum and then
  // its sum; each padded to 64 bytes.
  EXPECT_EQ(query(&frame), 64 + 320);
  int64_t shape[] = {100, 8};
  call.arguments[0].shape = shape;
  EXPECT_EQ(query(&frame), 448 + 6400);
}

TEST_F(EntryTest, NothingIsWrittenOnError) {
  frame.workspace_size = 0;
  expectCall(MOEC_FRAME_BAD_WORKSPACE);
  for (float value : y)
    EXPECT_EQ(value, -7.0f);
}
} // namespace
