// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/driver/ProgressLine.h"
#include <gtest/gtest.h>

using moec::ProgressLine;

namespace {
constexpr uint64_t kTotal = 30'000'000'000;

/// What is said about a compilation that writes a GB a second.
std::string run(bool isTerminal, uint64_t total) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  ProgressLine line(stream, isTerminal);
  for (uint64_t written = 0; written <= total; written += 100'000'000)
    line.report(written, total, 1000 + written / 1e9);
  return text;
}

TEST(ProgressLine, SaysNothingAboutShortCompilations) {
  EXPECT_EQ(run(true, 2'500'000'000), "");
  EXPECT_EQ(run(false, 2'500'000'000), "");
}

TEST(ProgressLine, WritesALineNowAndThen) {
  EXPECT_EQ(run(false, kTotal), "moec: 3.0 of 30.0 GB of weights written\n"
                                "moec: 13.0 of 30.0 GB of weights written\n"
                                "moec: 23.0 of 30.0 GB of weights written\n"
                                "moec: 30.0 of 30.0 GB of weights written\n");
}

TEST(ProgressLine, RewritesTheLineOfATerminal) {
  std::string text = run(true, kTotal);
  EXPECT_EQ(text.find('\n'), text.size() - 1);
  EXPECT_TRUE(llvm::StringRef(text).starts_with(
      "\rmoec: 3.0 of 30.0 GB of weights written\rmoec: 3.3 of"));
}

TEST(ProgressLine, EndsTheLineBeforeOtherText) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  ProgressLine line(stream, /*isTerminal=*/true);
  line.endLine();
  line.report(0, kTotal, 0);
  line.report(kTotal / 2, kTotal, 15);
  line.endLine();
  line.endLine();
  EXPECT_EQ(text, "\rmoec: 15.0 of 30.0 GB of weights written\n");
}
} // namespace
