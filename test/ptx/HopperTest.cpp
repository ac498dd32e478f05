// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// mbarriers, bulk copies and wgmma: what is allowed, and what is noticed.

#include "test/ptx/Testing.h"

using namespace moec::ptx;
using namespace moec::ptx::test;

/// Thread 0 copies the words to shared memory, all wait and add 7. %BAR% are
/// the initialisation's barrier, what is announced, and the wait.
static std::string bulk(const std::string &barrier, const std::string &announce,
                        const std::string &wait) {
  return ".shared .align 8 .b64 full;\n"
         "setp.eq.u32 %p1, %r1, 0;\n"
         "@%p1 mbarrier.init.shared::cta.b64 [full], 1;\n" +
         barrier + "\n@!%p1 bra WAIT;\n" + announce +
         "\ncp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes "
         "[tile], [%rd1], 256, [full];\nWAIT:\n" +
         wait +
         "\nld.shared.u32 %r4, [%r3]; add.u32 %r4, %r4, 7;\n"
         "st.global.u32 [%rd3], %r4;\n";
}
static const char *announce256 =
    "mbarrier.arrive.expect_tx.shared::cta.b64 _, [full], 256;";
static const char *waitFor0 =
    "AGAIN: mbarrier.try_wait.parity.shared::cta.b64 %p2, [full], 0;\n"
    "@!%p2 bra AGAIN;";

TEST(PtxHopper, BulkCopiesLandAtMbarriers) {
  for (bool lazy : {false, true})
    for (bool reverse : {false, true}) {
      Result result = run(bulk("bar.sync 0;", announce256, waitFor0), 64,
                          Schedule{lazy, reverse});
      ASSERT_EQ(result.error, "");
      for (uint32_t i = 0; i < 64; ++i)
        EXPECT_EQ(result.data[i], i + 7);
    }
}

TEST(PtxHopper, MbarriersAreChecked) {
  for (bool lazy : {false, true}) {
    Schedule s{lazy};
    fails(bulk("bar.sync 0;", announce256, ""), lazy ? "before" : "race", s);
    fails(bulk("bar.sync 0;",
               "mbarrier.arrive.expect_tx.shared::cta.b64 _, [full], 260;",
               waitFor0),
          "4 bytes are missing", s);
    fails(bulk("bar.sync 0;", "", waitFor0), "1 arrivals", s);
    // The other warp may come before the initialisation.
    fails(bulk("", announce256, waitFor0), "race", s);
    // The phase before the first counts as over; after the first one, not.
    std::string wrong = waitFor0;
    wrong.replace(wrong.find(", 0;"), 4, ", 1;");
    fails(bulk("bar.sync 0;", announce256, wrong), lazy ? "before" : "in vain",
          s);
  }
  fails(bulk("bar.sync 0;", announce256, "bra END;") + "END:", "ends before",
        Schedule{true});
  fails("mbarrier.arrive.shared.b64 _, [tile];", "no mbarrier");
  fails("setp.eq.u32 %p1, %r1, 0; @!%p1 bra END;\n"
        "mbarrier.init.shared.b64 [tile], 2;\n"
        "mbarrier.arrive.shared.b64 _, [tile], 3; END:",
        "waits for 2 threads");
}

/// Four warps multiply ones by ones, 64 x 8 and 16 deep, without swizzle.
static Result multiplyOnes(const std::string &fence, const std::string &enter,
                           const std::string &wait, Schedule schedule) {
  // Cores of 128 bytes, two along k; all groups of eight rows are the same.
  std::string text =
      "shl.b32 %r3, %r1, 4; add.u32 %r3, %r3, %r2;\n"
      "mov.b32 %r4, 0x3f803f80; setp.lt.u32 %p1, %r1, 64;\n"
      "@%p1 st.shared.v4.b32 [%r3], {%r4, %r4, %r4, %r4};\n" +
      fence +
      "\nbar.sync 0; cvt.u64.u32 %rd4, %r2; shr.u64 %rd4, %rd4, 4;\n"
      "or.b64 %rd4, %rd4, 0x80000;\n"
      "mov.f32 %f1, 0f3F800000; mov.f32 %f2, %f1; mov.f32 %f3, %f1;\n"
      "mov.f32 %f4, %f1;\n" +
      enter +
      "\nwgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 "
      "{%f1, %f2, %f3, %f4}, %rd4, %rd4, 1, 1, 1, 0, 0;\n"
      "wgmma.commit_group.sync.aligned;\n" +
      wait + "\ncvt.rzi.s32.f32 %r4, %f3; st.global.u32 [%rd3], %r4;\n";
  return run(text, 128, schedule);
}

TEST(PtxHopper, WgmmaNeedsItsFencesAndWaits) {
  const char *fence = "fence.proxy.async;",
             *enter = "wgmma.fence.sync.aligned;",
             *wait = "wgmma.wait_group.sync.aligned 0;";
  for (bool lazy : {false, true}) {
    Schedule s{lazy, false, 0, lazy};
    Result result = multiplyOnes(fence, enter, wait, s);
    ASSERT_EQ(result.error, "");
    for (uint32_t value : result.data)
      EXPECT_EQ(value, 17u);
    auto bad = [&](const char *f, const char *e, const char *w,
                   const char *expected) {
      Result result = multiplyOnes(f, e, w, s);
      EXPECT_NE(result.error.find(expected), std::string::npos) << result.error;
    };
    bad("", enter, wait, "without fence.proxy.async");
    bad(fence, "", wait, "without wgmma.fence");
    bad(fence, enter, "", "before wgmma.wait_group");
    bad(fence, enter, "wgmma.wait_group.sync.aligned 1;",
        "before wgmma.wait_group");
  }
}
