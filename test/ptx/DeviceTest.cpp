// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/ptx/Device.h"

#include <gtest/gtest.h>

using namespace moec::ptx;

TEST(PtxDevice, KeepsWhatIsWritten) {
  Device device;
  uint64_t a = device.allocate(8, "a"), b = device.allocate(8, "b");
  uint64_t value = 42, back = 0;
  EXPECT_EQ(device.write(a, &value, 8), "");
  EXPECT_EQ(device.copy(b, a, 8), "");
  EXPECT_EQ(device.read(b, &back, 8), "");
  EXPECT_EQ(back, value);
  EXPECT_EQ(a % 512, 256u);
}

TEST(PtxDevice, RefusesBytesOutOfBounds) {
  Device device;
  uint64_t a = device.allocate(16, "a");
  uint64_t value = 0;
  EXPECT_NE(device.write(a + 12, &value, 8).find("offset 12 of a (16 bytes"),
            std::string::npos);
  EXPECT_NE(device.fill(a + 20, 0, 4).find("4 past the end of a"),
            std::string::npos);
  EXPECT_NE(device.fill(1, 0, 4).find("below every"), std::string::npos);
  EXPECT_NE(device.fill(a + 8, 0, ~size_t(0) >> 20), "");
}

TEST(PtxDevice, RefusesBytesNeverWritten) {
  Device device;
  uint64_t a = device.allocate(16, "a"), value = 0;
  ASSERT_EQ(device.fill(a, 1, 12), "");
  EXPECT_EQ(device.read(a + 4, &value, 8), "");
  EXPECT_NE(device.read(a + 8, &value, 8).find("offset 12 of a"),
            std::string::npos);
}

TEST(PtxDevice, ForgetsWhatIsReleased) {
  Device device;
  uint64_t a = device.allocate(16, "a");
  ASSERT_EQ(device.fill(a, 1, 16), "");
  EXPECT_EQ(device.allocatedBytes(), 16u);
  EXPECT_NE(device.release(a + 1), "");
  EXPECT_EQ(device.release(a), "");
  EXPECT_EQ(device.allocatedBytes(), 0u);
  EXPECT_NE(device.fill(a, 1, 1), "");
}
