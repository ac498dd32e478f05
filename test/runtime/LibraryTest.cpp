// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Properties of the built library and of the schema that tools can see.

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>

static std::string run(const std::string &command) {
  std::string output;
  FILE *pipe = popen(command.c_str(), "r");
  char buffer[4096];
  while (size_t count = fread(buffer, 1, sizeof(buffer), pipe))
    output.append(buffer, count);
  EXPECT_EQ(pclose(pipe), 0) << command;
  return output;
}

TEST(Library, ExportsOnlyTheCInterface) {
  std::istringstream lines(
      run(MOEC_NM " -D --defined-only --format=posix " MOEC_LIBRARY));
  std::string line;
  int count = 0;
  while (std::getline(lines, line)) {
    EXPECT_TRUE(line.starts_with("moec_") || line.starts_with("MOEC_1"))
        << line;
    ++count;
  }
  EXPECT_GT(count, 25);
}

TEST(Library, NeedsTheCLibraryOnly) {
  std::istringstream lines(run(MOEC_READELF " -d " MOEC_LIBRARY));
  std::string line;
  int needed = 0;
  while (std::getline(lines, line))
    if (line.find("NEEDED") != std::string::npos) {
      ++needed;
      EXPECT_TRUE(line.find("[libc.so") != std::string::npos ||
                  line.find("[libm.so") != std::string::npos ||
                  line.find("[ld-linux") != std::string::npos)
          << line;
    }
  EXPECT_GT(needed, 0);
  EXPECT_LT(std::filesystem::file_size(MOEC_LIBRARY), 500u << 10);
}

TEST(Schema, OnlyAppendsToReleasedVersions) {
  int released = 0;
  for (const auto &entry :
       std::filesystem::directory_iterator(MOEC_SCHEMA_DIR "/released")) {
    run(MOEC_FLATC " --conform " + entry.path().string() +
        " " MOEC_SCHEMA_DIR "/moe.fbs");
    ++released;
  }
  EXPECT_GT(released, 0);
}
