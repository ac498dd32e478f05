// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/ptx/Testing.h"

using namespace moec::ptx;
using namespace moec::ptx::test;

static Counters count(const std::string &body, uint32_t threads = 32) {
  Options options;
  options.count = true;
  Result result = run(body, threads, options);
  EXPECT_EQ(result.error, "");
  return result.counters;
}

TEST(PtxCounters, SectorsOfGlobalMemory) {
  // The data begin at an odd multiple of 256.
  Counters c = count("ld.global.u32 %r4, [%rd3];");
  EXPECT_EQ(c.globalRequests, 1u);
  EXPECT_EQ(c.globalSectors, 4u);
  EXPECT_EQ(c.idealSectors, 4u);
  EXPECT_EQ(c.buffers.at("data").readBytes, 128u);
  EXPECT_EQ(c.uniqueReadBytes(), 128u);
  // Every lane reads the first word.
  c = count("ld.global.u32 %r4, [%rd1]; ld.global.u32 %r4, [%rd1];");
  EXPECT_EQ(c.globalSectors, 2u);
  EXPECT_EQ(c.readBytes(), 256u);
  EXPECT_EQ(c.uniqueReadBytes(), 4u);
  // Half of the lanes, every second word.
  c = count("and.b32 %r4, %r1, 1; setp.eq.u32 %p1, %r4, 0;\n"
            "@%p1 st.global.u32 [%rd3], %r1;");
  EXPECT_EQ(c.globalSectors, 4u);
  EXPECT_EQ(c.idealSectors, 2u);
  EXPECT_EQ(c.uniqueWrittenBytes(), 64u);
}

TEST(PtxCounters, BanksOfSharedMemory) {
  EXPECT_EQ(count("st.shared.u32 [%r3], %r1;").sharedWavefronts, 1u);
  // A stride of two words, then all lanes on one word.
  Counters c = count("shl.b32 %r4, %r1, 3; add.u32 %r4, %r4, %r2;\n"
                     "st.shared.u32 [%r4], %r1; bar.sync 0;\n"
                     "ld.shared.u32 %r5, [tile];");
  EXPECT_EQ(c.sharedWavefronts, 3u);
  EXPECT_EQ(c.idealWavefronts, 2u);
  EXPECT_EQ(c.barriers, 1u);
  EXPECT_EQ(c.sharedWrittenBytes, 128u);
  // 16 bytes a lane: four passes, no conflict.
  c = count("shl.b32 %r4, %r1, 4; add.u32 %r4, %r4, %r2;\n"
            "st.shared.v4.u32 [%r4], {%r1, %r1, %r1, %r1};");
  EXPECT_EQ(c.sharedWavefronts, 4u);
  EXPECT_EQ(c.idealWavefronts, 4u);
  // Rows of a matrix 128 bytes apart: all in the same four banks.
  c = count("and.b32 %r4, %r1, 7; shl.b32 %r4, %r4, 7;\n"
            "add.u32 %r4, %r4, %r2; ldmatrix.sync.aligned.m8n8.x1.shared.b16 "
            "{%r5}, [%r4];");
  EXPECT_EQ(c.sharedWavefronts, 8u);
  EXPECT_EQ(c.idealWavefronts, 1u);
}

TEST(PtxCounters, AddUpAndPrint) {
  Counters c = count("ld.global.u32 %r4, [%rd3];", 64), sum;
  EXPECT_EQ(c.warpInstructions, 2 * c.threadInstructions / 64);
  EXPECT_EQ(c.opcodes.at("ld"), 4u);
  sum.add(c);
  sum.add(c);
  EXPECT_EQ(sum.readBytes(), 512u);
  EXPECT_NE(sum.json().find("\"global_sectors\": 16"), std::string::npos);
  EXPECT_NE(sum.json().find("\"buffers\": {\"data\": {\"read_bytes\": 512,"),
            std::string::npos)
      << sum.json();
}
