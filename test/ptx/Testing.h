// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels of a few instructions for the tests of the interpreter.

#ifndef MOEC_TEST_PTX_TESTING_H
#define MOEC_TEST_PTX_TESTING_H

#include "test/ptx/Interpreter.h"

#include <gtest/gtest.h>

namespace moec::ptx::test {

/// A kernel `f` with one pointer, in %rd1, the thread's number in %r1, the
/// address of its word in %rd3, `tile` (1024 bytes of shared memory) in %r2 and
/// the thread's word of it in %r3.
std::string kernel(const std::string &body, const std::string &before = "");

struct Result {
  std::string error;
  std::vector<uint32_t> data;
  Counters counters;
};

/// Runs one block over `threads` words that hold 0, 1, 2, ..., of a text with
/// a kernel `f`.
Result runText(const std::string &text, uint32_t threads = 64,
               Options options = {});
Result run(const std::string &body, uint32_t threads = 64,
           Options options = {});
/// Expects an error that contains `expected`.
void fails(const std::string &body, const char *expected, Options options = {});

/// Runs `instruction` with random and special values in %ra, %rb and %rc (64
/// bits) and compares %rr with `reference`, over the lowest `bits`.
void compare(const std::string &instruction,
             uint64_t (*reference)(uint64_t a, uint64_t b, uint64_t c),
             unsigned bits = 32);

/// `text` with %BAR% replaced by `what`.
std::string with(std::string text, const std::string &what);

} // namespace moec::ptx::test

#endif // MOEC_TEST_PTX_TESTING_H
