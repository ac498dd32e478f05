// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Functions, variables, branches by table, memory of threads, limits.

#include "test/ptx/Testing.h"

using namespace moec::ptx;
using namespace moec::ptx::test;

/// square(x) by way of its local memory; the caller is to be put in.
static const char *functions =
    ".func (.param .b32 square_r) square(.param .b32 square_x);\n"
    ".func (.param .b32 square_r) square(.param .b32 square_x)\n{\n"
    ".local .align 4 .b8 depot[8]; .reg .b32 %r<3>; .reg .b64 %rd<3>;\n"
    ".reg .pred %p<2>;\n"
    "mov.u64 %rd1, depot; cvta.local.u64 %rd2, %rd1;\n"
    "ld.param.b32 %r1, [square_x]; st.u32 [%rd2+4], %r1;\n"
    "setp.eq.u32 %p1, %r1, 3; @%p1 bra THREE;\n"
    "ld.local.u32 %r2, [%rd1+4]; mul.lo.u32 %r1, %r1, %r2;\n"
    "st.param.b32 [square_r], %r1; ret;\n"
    "THREE: st.param.b32 [square_r], 1000; ret;\n}\n";
static const char *call = "{ .param .b32 x; .param .b32 y;\n"
                          "st.param.b32 [x], %r1; call.uni (y), square, (x);\n"
                          "ld.param.b32 %r4, [y]; }\n"
                          "st.global.u32 [%rd3], %r4;";

TEST(PtxProgram, CallsFunctions) {
  Result result = runText(kernel(call, functions));
  ASSERT_EQ(result.error, "");
  for (uint32_t i = 0; i < 64; ++i)
    EXPECT_EQ(result.data[i], i == 3 ? 1000 : i * i);
  // Only some threads call.
  std::string some = call;
  some.replace(some.find("call.uni"), 8, "@%p1 call");
  result = runText(kernel("setp.lt.u32 %p1, %r1, 9;" + some, functions));
  EXPECT_NE(result.error.find("never written"), std::string::npos);
  std::string other = some;
  other.replace(other.find("square"), 6, "unknown");
  EXPECT_NE(runText(kernel(other)).error.find("call of unknown"),
            std::string::npos);
  std::string again = functions;
  again.replace(again.rfind("THREE:"), 6,
                "THREE: call (square_r), square, (square_x);");
  EXPECT_NE(runText(kernel(call, again)).error.find("recursive"),
            std::string::npos);
}

TEST(PtxProgram, LocalMemoryIsChecked) {
  auto bad = [](const char *body, const char *expected) {
    Result result = run(".local .align 4 .b8 depot[8]; mov.u64 %rd4, depot;\n" +
                        std::string(body));
    EXPECT_NE(result.error.find(expected), std::string::npos) << result.error;
  };
  bad("ld.local.u32 %r4, [%rd4];", "never written");
  bad("st.local.u32 [%rd4+8], %r1;", "out of bounds");
  bad("st.local.u32 [%rd4+2], %r1;", "misaligned");
}

TEST(PtxProgram, VariablesOfTheModule) {
  const char *variables = ".const .align 4 .b32 table[3] = {5, 0x10, -1};\n"
                          ".global .align 4 .u32 counter;\n";
  std::string body = "mov.u64 %rd4, table; ld.const.u32 %r4, [%rd4+4];\n"
                     "atom.global.add.u32 %r5, [counter], 1;\n"
                     "add.u32 %r4, %r4, %r5; st.global.u32 [%rd3], %r4;";
  Result result = runText(kernel(body, variables));
  ASSERT_EQ(result.error, "");
  EXPECT_EQ(result.data[0], 16u);
  EXPECT_EQ(result.data[63], 79u);
  result = runText(kernel("ld.const.u32 %r4, [table+12];", variables));
  EXPECT_NE(result.error.find("past the end of table"), std::string::npos)
      << result.error;
  result = runText(kernel("ld.const.u32 %r4, [missing];", variables));
  EXPECT_NE(result.error.find("no variable missing"), std::string::npos);
}

TEST(PtxProgram, BranchesByTable) {
  std::string body = "and.b32 %r4, %r1, 3;\nT: .branchtargets A, B, C;\n"
                     "brx.idx %r4, T;\nA: mov.u32 %r5, 10; bra E;\n"
                     "B: mov.u32 %r5, 20; bra E;\nC: mov.u32 %r5, 30;\n"
                     "E: st.global.u32 [%rd3], %r5;";
  EXPECT_NE(run(body).error.find("branch to no label"), std::string::npos);
  body.insert(body.find("brx"), "min.u32 %r4, %r4, 2;");
  Result result = run(body);
  ASSERT_EQ(result.error, "");
  EXPECT_EQ(result.data[5], 20u);
  EXPECT_EQ(result.data[7], 30u);
}

TEST(PtxProgram, LoadsOfSignedBytesWiden) {
  Result result = run("st.shared.u32 [%r3], 0x80; ld.shared.s8 %rd4, [%r3];\n"
                      "shr.s64 %rd4, %rd4, 40; cvt.u32.u64 %r4, %rd4;\n"
                      "st.global.u32 [%rd3], %r4;");
  ASSERT_EQ(result.error, "");
  EXPECT_EQ(result.data[1], ~0u);
}

TEST(PtxProgram, EndsWhatDoesNotEnd) {
  Options options;
  options.maxWarpInstructions = 10000;
  fails("L: bra.uni L;", "does not end", options);
  fails("setp.eq.u32 %p1, %r1, 3; @%p1 trap;", "thread (3, 0, 0): trap");
}

TEST(PtxProgram, SpecialRegisters) {
  Result result = run("mov.u32 %r4, %lanemask_lt; mov.u32 %r5, %warpid;\n"
                      "shl.b32 %r5, %r5, 31; or.b32 %r4, %r4, %r5;\n"
                      "st.global.u32 [%rd3], %r4;");
  ASSERT_EQ(result.error, "");
  EXPECT_EQ(result.data[4], 15u);
  EXPECT_EQ(result.data[36], 15u | 1u << 31);
}

TEST(PtxProgram, ExternalArraysAreTheSameMemory) {
  const char *arrays = ".extern .shared .align 16 .b8 one[];\n"
                       ".extern .shared .align 4 .b8 two[];\n";
  std::string error;
  auto module =
      Module::parse(kernel("st.shared.u32 [one], 5; ld.shared.u32 %r4, [two];\n"
                           "st.global.u32 [%rd3], %r4;",
                           arrays),
                    error);
  ASSERT_TRUE(module) << error;
  Device device;
  uint64_t data = device.allocate(128), word = 0;
  const void *arguments[] = {&data};
  EXPECT_EQ(launch(device, *module, "f", {}, {32}, 16, arguments).error, "");
  EXPECT_EQ(device.read(data, &word, 4), "");
  EXPECT_EQ(word, 5u);
  EXPECT_NE(launch(device, *module, "f", {}, {32}, 0, arguments)
                .error.find("out of bounds"),
            std::string::npos);
}
