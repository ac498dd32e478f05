// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Exchange between threads: within a warp, at barriers, by atomics.

#include "test/ptx/Testing.h"

#include <set>

using namespace moec::ptx;
using namespace moec::ptx::test;

/// Expects each of 64 threads to store what `expected` says of its number.
static void stores(const std::string &body, uint32_t (*expected)(uint32_t),
                   Options options = {}) {
  Result result = run(body + "st.global.u32 [%rd3], %r5;", 64, options);
  ASSERT_EQ(result.error, "") << body;
  for (uint32_t i = 0; i < 64; ++i)
    ASSERT_EQ(result.data[i], expected(i)) << body << "\nthread " << i;
}

TEST(PtxCollectives, Shuffle) {
  stores("shfl.sync.bfly.b32 %r5, %r1, 5, 31, -1;",
         [](uint32_t i) { return i ^ 5; });
  stores("shfl.sync.up.b32 %r5|%p1, %r1, 3, 0, -1; @!%p1 add.u32 %r5, %r5, "
         "1000;",
         [](uint32_t i) { return i % 32 < 3 ? i + 1000 : i - 3; });
  // Segments of eight lanes.
  stores("shfl.sync.down.b32 %r5|%p1, %r1, 2, 0x181f, -1;",
         [](uint32_t i) { return i % 8 < 6 ? i + 2 : i; });
  stores("shfl.sync.idx.b32 %r5, %r1, 9, 31, -1;",
         [](uint32_t i) { return i / 32 * 32 + 9; });
}

TEST(PtxCollectives, VoteMatchReduce) {
  stores("and.b32 %r4, %r1, 1; setp.eq.u32 %p1, %r4, 1;\n"
         "vote.sync.ballot.b32 %r5, %p1, -1;",
         [](uint32_t) { return 0xaaaaaaaau; });
  stores("setp.gt.u32 %p1, %r1, 40; vote.sync.any.pred %p2, %p1, -1;\n"
         "vote.sync.all.pred %p3, !%p1, -1; selp.b32 %r4, 1, 0, %p2;\n"
         "selp.b32 %r5, 2, 0, %p3; or.b32 %r5, %r5, %r4;",
         [](uint32_t i) { return i < 32 ? 2u : 1u; });
  stores("and.b32 %r4, %r1, 3; match.any.sync.b32 %r5, %r4, -1;",
         [](uint32_t i) { return 0x11111111u << i % 4; });
  stores("redux.sync.add.s32 %r5, %r1, -1;",
         [](uint32_t i) { return i < 32 ? 496u : 496u + 1024; });
  stores("redux.sync.max.u32 %r5, %r1, -1;",
         [](uint32_t i) { return i / 32 * 32 + 31; });
}

TEST(PtxCollectives, MembersMustBeThere) {
  // Half of the warp shuffles with all.
  fails("and.b32 %r4, %r1, 31; setp.lt.u32 %p1, %r4, 16;\n"
        "@%p1 shfl.sync.idx.b32 %r5, %r1, 0, 31, -1;",
        "the member mask names");
  fails("shfl.sync.idx.b32 %r5, %r1, 0, 31, 0xffff;", "its own member mask");
  // Half of it with itself reads a lane of the other half.
  fails("and.b32 %r4, %r1, 31; setp.lt.u32 %p1, %r4, 16;\n"
        "@%p1 shfl.sync.idx.b32 %r5, %r1, 20, 31, 0xffff;",
        "does not take part");
  fails("setp.lt.u32 %p1, %r1, 16; @%p1 bar.warp.sync -1;",
        "the member mask names");
}

TEST(PtxCollectives, LanesComeToABarrierOneAfterTheOther) {
  // The even ones come first and wait behind it for what the odd ones write.
  stores("and.b32 %r4, %r1, 1; setp.eq.u32 %p1, %r4, 0;\n"
         "st.shared.u32 [%r3], %r1; bra START;\n"
         "JOIN: bar.warp.sync -1; xor.b32 %r4, %r3, 4;\n"
         "ld.shared.u32 %r5, [%r4]; bra END;\n"
         "START: @%p1 bra JOIN; add.s32 %r5, %r1, 100;\n"
         "st.shared.u32 [%r3], %r5; bra JOIN;\nEND:\n",
         [](uint32_t i) { return i % 2 ? i - 1 : i + 101; });
}

/// Warp 0 writes for warp 1, with barriers to be put in.
static std::string handOver(const std::string &writer,
                            const std::string &reader) {
  return "setp.lt.u32 %p1, %r1, 32; mov.u32 %r5, 7; @!%p1 bra READ;\n"
         "st.shared.u32 [%r3], %r1;\n" +
         writer + "\nbra END; READ:\n" + reader +
         "\nld.shared.u32 %r5, [%r3+-128];\nEND:\n";
}

TEST(PtxCollectives, NamedBarriers) {
  for (bool reverse : {false, true})
    stores(
        handOver("bar.arrive 3, 64;", "bar.sync 3, 64;"),
        [](uint32_t i) { return i < 32 ? 7 : i - 32; },
        Schedule{false, reverse});
  // Each waits at its own.
  fails(handOver("bar.sync 2, 64;", "bar.sync 3, 64;"),
        "that nobody else will reach");
  fails(handOver("bar.sync 3, 32;", "bar.sync 3, 64;"), "threads");
  fails(handOver("bar.sync 1, 32;", "bar.sync 2, 32;"), "race");
  // The reader tells that it has arrived but does not wait.
  fails(handOver("bar.sync 3, 64;", "bar.arrive 3, 64;"), "race");
}

TEST(PtxCollectives, BarriersThatReduce) {
  stores("setp.lt.u32 %p1, %r1, 40; bar.red.popc.u32 %r5, 0, %p1;",
         [](uint32_t) { return 40u; });
  stores("setp.lt.u32 %p1, %r1, 40; barrier.red.and.aligned.pred %p2, 0, %p1;\n"
         "selp.b32 %r5, 1, 2, %p2;",
         [](uint32_t) { return 2u; });
  stores("setp.lt.u32 %p1, %r1, 40; bar.red.or.pred %p2, 0, 64, %p1;\n"
         "selp.b32 %r5, 1, 2, %p2;",
         [](uint32_t) { return 1u; });
}

TEST(PtxCollectives, Atomics) {
  // Threads draw different tickets from shared memory.
  std::string ticket = "setp.eq.u32 %p1, %r1, 0; mov.u32 %r4, 0;\n"
                       "@%p1 st.shared.u32 [tile], %r4; %BAR%\n"
                       "atom.shared.add.u32 %r5, [tile], 1;\n"
                       "st.global.u32 [%rd3], %r5;";
  for (uint64_t seed : {0, 1, 2}) {
    Result result =
        run(with(ticket, "bar.sync 0;"), 64, Schedule{false, false, seed});
    ASSERT_EQ(result.error, "");
    EXPECT_EQ(std::set<uint32_t>(result.data.begin(), result.data.end()).size(),
              64u);
    EXPECT_EQ(*std::max_element(result.data.begin(), result.data.end()), 63u);
  }
  fails(with(ticket, ""), "race");
  // All add to the first word of global memory, which held zero.
  Result sum = run("cvt.rn.f32.u32 %f1, %r1; red.global.add.f32 [%rd1], %f1;");
  ASSERT_EQ(sum.error, "");
  EXPECT_EQ(sum.data[0], 0x44fc0000u); // 2016
  sum = run("atom.global.gpu.acq_rel.max.s32 %r4, [%rd1], %r1;");
  EXPECT_EQ(sum.data[0], 63u);
  sum = run("setp.eq.u32 %p1, %r1, 5;\n"
            "@%p1 atom.cas.b32 %r4, [%rd3+4], 6, 99;");
  EXPECT_EQ(sum.data[6], 99u);
  // (1, 2) as two halves, 64 times.
  sum = run("mov.b32 %r4, 0x40003c00; red.global.add.noftz.f16x2 [%rd1], %r4;");
  EXPECT_EQ(sum.data[0], 0x58005400u); // 128 and 64
}
