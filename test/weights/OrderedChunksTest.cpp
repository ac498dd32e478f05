// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "weights/OrderedChunks.h"
#include <atomic>
#include <gtest/gtest.h>
#include <numeric>

using namespace moec;
using llvm::Error;

namespace {

TEST(OrderedChunks, usesEachChunkInOrder) {
  for (unsigned workers : {0u, 1u, 2u, 5u})
    for (int64_t count : {0, 1, 2, 3, 50}) {
      std::vector<int64_t> seen, wanted(count);
      std::iota(wanted.begin(), wanted.end(), 0);
      Error error = runOrderedChunks(
          count, workers,
          [](int64_t index, std::vector<char> &buffer) {
            buffer.assign(index + 1, static_cast<char>(index));
            return Error::success();
          },
          [&](const std::vector<char> &buffer) {
            EXPECT_EQ(static_cast<int64_t>(buffer.size()), buffer[0] + 1);
            seen.push_back(buffer[0]);
            return Error::success();
          });
      EXPECT_FALSE(static_cast<bool>(error));
      EXPECT_EQ(seen, wanted);
    }
}

TEST(OrderedChunks, stopsAtTheFirstChunkThatFails) {
  for (unsigned workers : {0u, 1u, 3u}) {
    std::vector<int64_t> seen;
    std::atomic<int64_t> made = 0;
    Error error = runOrderedChunks(
        1000, workers,
        [&](int64_t index, std::vector<char> &buffer) -> Error {
          ++made;
          if (index >= 5)
            return llvm::createStringError("chunk " + llvm::Twine(index));
          buffer.assign(1, static_cast<char>(index));
          return Error::success();
        },
        [&](const std::vector<char> &buffer) {
          seen.push_back(buffer[0]);
          return Error::success();
        });
    EXPECT_EQ(llvm::toString(std::move(error)), "chunk 5");
    EXPECT_EQ(seen, (std::vector<int64_t>{0, 1, 2, 3, 4}));
    EXPECT_LE(made, 6 + int64_t(workers) + 2);
  }
}

TEST(OrderedChunks, stopsWhereTheUserStops) {
  int64_t uses = 0;
  Error error = runOrderedChunks(
      1000, 2, [](int64_t, std::vector<char> &) { return Error::success(); },
      [&](const std::vector<char> &) -> Error {
        return ++uses == 3 ? llvm::createStringError("enough")
                           : Error::success();
      });
  EXPECT_EQ(llvm::toString(std::move(error)), "enough");
  EXPECT_EQ(uses, 3);
}

} // namespace
