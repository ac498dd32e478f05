// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/ptx/Testing.h"

#include <random>

using namespace moec::ptx;

std::string test::kernel(const std::string &body, const std::string &before) {
  return ".version 8.0\n.target sm_80\n.address_size 64\n" + before +
         ".visible .entry f(.param .u64 f_0)\n{\n"
         ".reg .pred %p<4>; .reg .b32 %r<16>; .reg .f32 %f<8>;\n"
         ".reg .b64 %rd<8>; .reg .b16 %h<8>;\n"
         ".shared .align 16 .b8 tile[1024];\n"
         "ld.param.u64 %rd1, [f_0]; cvta.to.global.u64 %rd1, %rd1;\n"
         "mov.u32 %r1, %tid.x; mul.wide.u32 %rd2, %r1, 4;\n"
         "add.s64 %rd3, %rd1, %rd2; mov.u32 %r2, tile;\n"
         "shl.b32 %r3, %r1, 2; add.s32 %r3, %r2, %r3;\n" +
         body + "\nret;\n}\n";
}

test::Result test::runText(const std::string &text, uint32_t threads,
                           Options options) {
  Result result;
  auto module = Module::parse(text, result.error);
  if (!module)
    return result;
  Device device;
  uint64_t address = device.allocate(4 * threads, "data");
  for (uint32_t i = 0; i < threads; ++i) {
    result.data.push_back(i);
    EXPECT_EQ(device.write(address + 4 * i, &i, 4), "");
  }
  const void *arguments[] = {&address};
  Report report =
      launch(device, *module, "f", {}, {threads, 1, 1}, 0, arguments, options);
  result.error = report.error;
  result.counters = report.counters;
  EXPECT_EQ(device.read(address, result.data.data(), 4 * threads), "");
  return result;
}

test::Result test::run(const std::string &body, uint32_t threads,
                       Options options) {
  return runText(kernel(body), threads, options);
}

void test::fails(const std::string &body, const char *expected,
                 Options options) {
  Result result = run(body, 64, options);
  EXPECT_NE(result.error.find(expected), std::string::npos)
      << result.error << "\nexpected: " << expected << "\n"
      << body;
}

void test::compare(const std::string &instruction,
                   uint64_t (*reference)(uint64_t, uint64_t, uint64_t),
                   unsigned bits) {
  std::string text =
      ".version 8.0\n.target sm_80\n.address_size 64\n"
      ".visible .entry f(.param .u64 f_0)\n{\n"
      ".reg .pred %p<4>; .reg .b32 %r<4>; .reg .b64 %rd<4>;\n"
      ".reg .b64 %ra, %rb, %rc, %rr;\n"
      "ld.param.u64 %rd1, [f_0]; mov.u32 %r1, %tid.x;\n"
      "mul.wide.u32 %rd2, %r1, 32; add.s64 %rd3, %rd1, %rd2;\n"
      "ld.global.v2.u64 {%ra, %rb}, [%rd3]; ld.global.u64 %rc, [%rd3+16];\n" +
      instruction + "\nst.global.u64 [%rd3+24], %rr;\nret;\n}\n";
  std::string error;
  auto module = Module::parse(text, error);
  ASSERT_TRUE(module) << error << "\n" << instruction;
  // Small numbers, ones of f16, bf16, f32 and f64, and the ends of ranges.
  static const uint64_t special[] = {0,
                                     1,
                                     2,
                                     31,
                                     33,
                                     0x7fffffff,
                                     0x80000000,
                                     0xffffffff,
                                     0x3c003c00,
                                     0x3f803f80,
                                     0xbf800000,
                                     0x7f800000,
                                     0x7fc00000,
                                     0x00000123,
                                     0x80000001,
                                     ~uint64_t(0),
                                     uint64_t(1) << 63,
                                     0x3ff0000000000000};
  std::mt19937_64 random(42);
  const uint32_t threads = 1024;
  std::vector<uint64_t> data(4 * threads);
  for (uint64_t &value : data)
    switch (random() % 4) {
    case 0:
      value = special[random() % std::size(special)];
      break;
    case 1: // an f32 between 2^-8 and 2^8
      value = (119 + random() % 16) << 23 | (random() & 0x807fffff);
      break;
    default:
      value = random() >> random() % 64;
    }
  Device device;
  uint64_t address = device.allocate(8 * data.size(), "data");
  ASSERT_EQ(device.write(address, data.data(), 8 * data.size()), "");
  const void *arguments[] = {&address};
  ASSERT_EQ(
      launch(device, *module, "f", {}, {threads, 1, 1}, 0, arguments).error,
      "");
  std::vector<uint64_t> back(data.size());
  ASSERT_EQ(device.read(address, back.data(), 8 * back.size()), "");
  uint64_t mask = bits == 64 ? ~uint64_t(0) : (uint64_t(1) << bits) - 1;
  for (uint32_t i = 0; i < threads; ++i) {
    uint64_t *in = &data[4 * i];
    uint64_t expected = reference(in[0], in[1], in[2]) & mask;
    ASSERT_EQ(back[4 * i + 3] & mask, expected)
        << instruction << std::hex << "\nof " << in[0] << " " << in[1] << " "
        << in[2];
  }
}

std::string test::with(std::string text, const std::string &what) {
  return text.replace(text.find("%BAR%"), 5, what);
}
