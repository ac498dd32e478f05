// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The text of what generated functions return.

#include "moec/frame.h"
#include <gtest/gtest.h>
#include <set>
#include <string>

TEST(FrameStatus, EachCodeHasATextOfItsOwn) {
  std::set<std::string> texts;
  for (int32_t code = MOEC_FRAME_BAD_ABI; code <= MOEC_FRAME_OK; ++code) {
    std::string text = moec_frame_status_text(code);
    EXPECT_NE(text, "not a moec_frame_status") << code;
    texts.insert(text);
  }
  EXPECT_EQ(texts.size(), 1u - MOEC_FRAME_BAD_ABI);
}

TEST(FrameStatus, TextIsThatOfTheCodeAtAnyPosition) {
  for (int32_t position : {0, 1, 30})
    EXPECT_STREQ(moec_frame_status_text(
                     MOEC_FRAME_STATUS(MOEC_FRAME_BAD_RANK, position)),
                 "wrong rank");
}

TEST(FrameStatus, OtherNumbersAreNone) {
  for (int64_t status : {int64_t(1), int64_t(-7), INT64_MIN})
    EXPECT_STREQ(moec_frame_status_text(status), "not a moec_frame_status");
}
