// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/ptx/Testing.h"

using namespace moec::ptx;

using namespace moec::ptx::test;

TEST(PtxInterpreter, ComputesAndLoops) {
  Result result = run("mov.u32 %r4, 0; mov.u32 %r5, 0;\n"
                      "L: setp.ge.u32 %p1, %r5, %r1;\n@%p1 bra M;\n"
                      "add.s32 %r4, %r4, %r5; add.s32 %r5, %r5, 1; bra.uni L;\n"
                      "M: st.global.u32 [%rd3], %r4;");
  ASSERT_EQ(result.error, "");
  for (uint32_t i = 0; i < 64; ++i)
    EXPECT_EQ(result.data[i], i * (i - 1) / 2);
}

TEST(PtxInterpreter, RoundsAsTheTypeSays) {
  Result result = run("cvt.rn.f32.u32 %f1, %r1;\n"
                      "fma.rn.f32 %f2, %f1, 0f3F000000, 0f3F800000;\n"
                      "cvt.rni.s32.f32 %r4, %f2; st.global.u32 [%rd3], %r4;");
  ASSERT_EQ(result.error, "");
  EXPECT_EQ(result.data[3], 2u); // 2.5 to even
  EXPECT_EQ(result.data[5], 4u); // 3.5 to even
}

static const char *exchange = "st.shared.u32 [%r3], %r1;\n%BAR%\n"
                              "sub.s32 %r4, 63, %r1; shl.b32 %r4, %r4, 2;\n"
                              "add.s32 %r4, %r2, %r4;\n"
                              "ld.shared.u32 %r5, [%r4];\n"
                              "st.global.u32 [%rd3], %r5;";

TEST(PtxInterpreter, SharesThroughABarrier) {
  for (bool reverse : {false, true}) {
    Result result =
        run(with(exchange, "bar.sync 0;"), 64, Schedule{false, reverse});
    ASSERT_EQ(result.error, "");
    EXPECT_EQ(result.data[0], 63u);
  }
}

TEST(PtxInterpreter, FindsWhatIsWrong) {
  fails("st.global.u32 [%rd3+4], %r1;", "4 bytes at");
  fails("st.global.u32 [%rd3+1], %r1;", "misaligned write");
  fails("ld.shared.u32 %r4, [%r3];", "never written");
  fails("st.shared.u32 [%r3+1024], %r1;", "out of bounds");
  fails("setp.lt.u32 %p1, %r1, 5;\n@%p1 bar.sync 0;", "all lanes of the warp");
  fails("frob.u32 %r1, %r1;", "unknown instruction");
  fails("mov.u32 %r1, %smid;", "unknown register '%smid'");
  fails("add.frob.u32 %r1, %r1, 1;", "unknown instruction");
  fails(with(exchange, ""), "never written");
  // Both warps write a word.
  fails("st.shared.u32 [tile], 7;", "race");
  // The lanes of a warp write a word; the same value may be written.
  fails("st.global.u32 [%rd1], %r1;", "writes another value");
  EXPECT_EQ(run("st.global.u32 [%rd1], 7;").error, "");
  // The second warp writes what the first has read.
  fails("st.shared.u32 [%r3], %r1; bar.sync 0; ld.shared.u32 %r4, [tile];\n"
        "setp.eq.u32 %p1, %r1, 32; @%p1 st.shared.u32 [tile], %r1;",
        "read by another warp");
}

TEST(PtxInterpreter, WaitsForCopies) {
  std::string copy = "cp.async.ca.shared.global [%r3], [%rd3], 4;\n"
                     "cp.async.commit_group; %BAR%\nld.shared.u32 %r4, [%r3];\n"
                     "add.s32 %r4, %r4, 7; st.global.u32 [%rd3], %r4;";
  for (bool lazy : {false, true}) {
    Result result =
        run(with(copy, "cp.async.wait_group 0;"), 64, Schedule{lazy, false});
    ASSERT_EQ(result.error, "");
    EXPECT_EQ(result.data[9], 16u);
    fails(with(copy, ""), "before cp.async", Schedule{lazy, false});
    fails(with(copy, "cp.async.wait_group 1;"), "before cp.async",
          Schedule{lazy, false});
  }
}

TEST(PtxInterpreter, MultipliesTiles) {
  // A is one in every element, B too: each sum is 16, beside C = lane.
  Result result = run("mov.b32 %r4, 0x3f803f80; cvt.rn.f32.u32 %f1, %r1;\n"
                      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32\n"
                      "{%f2,%f3,%f4,%f5}, {%r4,%r4,%r4,%r4}, {%r4,%r4},\n"
                      "{%f1,%f1,%f1,%f1}; cvt.rzi.s32.f32 %r5, %f5;\n"
                      "st.global.u32 [%rd3], %r5;");
  ASSERT_EQ(result.error, "");
  EXPECT_EQ(result.data[5], 21u);
}

TEST(PtxInterpreter, LoadsMatrices) {
  // Each lane's row of 16 bytes holds its number in every half.
  std::string load = "mul.lo.s32 %r4, %r1, 0x10001; shl.b32 %r5, %r1, 4;\n"
                     "add.s32 %r5, %r2, %r5;\n"
                     "st.shared.v4.b32 [%r5], {%r4,%r4,%r4,%r4};\n"
                     "ldmatrix.sync.aligned.m8n8.x4%BAR%.shared.b16\n"
                     "{%r6,%r7,%r8,%r9}, [%r5]; st.global.u32 [%rd3], %r8;";
  Result rows = run(with(load, "")), columns = run(with(load, ".trans"));
  ASSERT_EQ(rows.error, "");
  ASSERT_EQ(columns.error, "");
  EXPECT_EQ(rows.data[13], 19u << 16 | 19u);    // row 3 of the third matrix
  EXPECT_EQ(columns.data[13], 19u << 16 | 18u); // its column 3, rows 2 and 3
}

/// From nvcc 13.0: y[i] = a * x[i] + y[i] for i < n.
static const char *saxpy = R"(.version 9.0
.target sm_80
.address_size 64
	// .globl	saxpy
.visible .entry saxpy(
	.param .u64 saxpy_param_0,
	.param .u64 saxpy_param_1,
	.param .f32 saxpy_param_2,
	.param .u32 saxpy_param_3
)
{
	.reg .pred 	%p<2>;
	.reg .f32 	%f<5>;
	.reg .b32 	%r<6>;
	.reg .b64 	%rd<8>;

	ld.param.u64 	%rd1, [saxpy_param_0];
	ld.param.u64 	%rd2, [saxpy_param_1];
	ld.param.f32 	%f1, [saxpy_param_2];
	ld.param.u32 	%r2, [saxpy_param_3];
	mov.u32 	%r3, %ctaid.x;
	mov.u32 	%r4, %ntid.x;
	mov.u32 	%r5, %tid.x;
	mad.lo.s32 	%r1, %r3, %r4, %r5;
	setp.ge.s32 	%p1, %r1, %r2;
	@%p1 bra 	$L__BB0_2;
	cvta.to.global.u64 	%rd3, %rd1;
	cvta.to.global.u64 	%rd4, %rd2;
	mul.wide.s32 	%rd5, %r1, 4;
	add.s64 	%rd6, %rd4, %rd5;
	ld.global.f32 	%f2, [%rd6];
	add.s64 	%rd7, %rd3, %rd5;
	ld.global.f32 	%f3, [%rd7];
	fma.rn.f32 	%f4, %f2, %f1, %f3;
	st.global.f32 	[%rd7], %f4;
$L__BB0_2:
	ret;
}
)";

TEST(PtxInterpreter, RunsWhatNvccEmits) {
  std::string error;
  auto module = Module::parse(saxpy, error);
  ASSERT_TRUE(module) << error;
  EXPECT_EQ(module->kernels(), std::vector<std::string>{"saxpy"});
  EXPECT_EQ(module->parameterBytes("saxpy"), (std::vector<size_t>{8, 8, 4, 4}));
  Device device;
  std::vector<float> x(100, 3), y(100, 1);
  uint64_t xs = device.allocate(400, "x"), ys = device.allocate(400, "y");
  ASSERT_EQ(device.write(xs, x.data(), 400) + device.write(ys, y.data(), 400),
            "");
  float a = 2;
  int n = 100;
  const void *arguments[] = {&ys, &xs, &a, &n};
  EXPECT_EQ(launch(device, *module, "saxpy", {4}, {32}, 0, arguments).error,
            "");
  ASSERT_EQ(device.read(ys, y.data(), 400), "");
  EXPECT_EQ(y, std::vector<float>(100, 7));
  n = 101;
  error = launch(device, *module, "saxpy", {4}, {32}, 0, arguments).error;
  EXPECT_NE(error.find("block (3, 0, 0), thread (4, 0, 0)"), std::string::npos)
      << error;
}
