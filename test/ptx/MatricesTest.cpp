// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ldmatrix, mma.sync and stmatrix against a plain product.

#include "test/ptx/Testing.h"

#include <bit>
#include <cstring>
#include <random>

using namespace moec::ptx;

namespace {

/// A whole number between -4 and 4 in the type's bits.
uint32_t encode(int v, const std::string &type) {
  uint32_t single = std::bit_cast<uint32_t>(float(v));
  if (type == "bf16")
    return single >> 16;
  if (type == "f16")
    return std::bit_cast<uint16_t>(_Float16(v));
  if (type == "tf32")
    return single | 0x1fff; // bits that do not count
  if (type == "s8")
    return uint8_t(v);
  static const uint8_t e4m3[] = {0, 0x38, 0x40, 0x44, 0x48};
  return e4m3[std::abs(v)] | (v < 0 ? 0x80 : 0);
}

/// Multiplies 16 x 32 bytes of `type` by 8 x 32 bytes, transposed.
std::string multiply(const std::string &type, const std::string &sum) {
  unsigned bytes = type == "tf32" ? 4 : type.ends_with("16") ? 2 : 1;
  std::string shape = "m16n8k" + std::to_string(32 / bytes);
  bool isHalf = sum == "f16";
  std::string sums = isHalf ? "{%d0, %d1}" : "{%d0, %d1, %d2, %d3}";
  std::string store;
  for (int i = 0; i < (isHalf ? 2 : 4); ++i)
    store += "st.global.b32 [%rd3+" +
             std::to_string(isHalf ? i * 128 : i / 2 * 256 + i % 2 * 4) +
             "], %d" + std::to_string(i) + ";\n";
  return ".version 8.4\n.target sm_89\n.address_size 64\n"
         ".visible .entry f(.param .u64 a, .param .u64 d)\n{\n"
         ".reg .b32 %r<16>, %a<4>, %b<2>, %d<4>; .reg .b64 %rd<4>;\n"
         ".shared .align 16 .b8 tile[768];\n"
         "ld.param.u64 %rd1, [a]; mov.u32 %r1, %laneid; mov.u32 %r2, tile;\n"
         // 24 bytes a lane from global to shared memory.
         "mad.lo.u32 %r3, %r1, 24, %r2; mul.wide.u32 %rd2, %r1, 24;\n"
         "add.s64 %rd1, %rd1, %rd2;\n"
         "ld.global.v2.b32 {%r4, %r5}, [%rd1];\n"
         "st.shared.v2.b32 [%r3], {%r4, %r5};\n"
         "ld.global.v2.b32 {%r4, %r5}, [%rd1+8];\n"
         "st.shared.v2.b32 [%r3+8], {%r4, %r5};\n"
         "ld.global.v2.b32 {%r4, %r5}, [%rd1+16];\n"
         "st.shared.v2.b32 [%r3+16], {%r4, %r5}; bar.sync 0;\n"
         // Lane l: row l % 16, half l / 16 of A; row l % 8, half l / 8 of B.
         "and.b32 %r6, %r1, 15; shr.u32 %r7, %r1, 4; shl.b32 %r7, %r7, 4;\n"
         "mad.lo.u32 %r6, %r6, 32, %r7; add.u32 %r6, %r6, %r2;\n"
         "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%a0,%a1,%a2,%a3}, [%r6];\n"
         "and.b32 %r6, %r1, 7; shl.b32 %r7, %r1, 1; and.b32 %r7, %r7, 16;\n"
         "mad.lo.u32 %r6, %r6, 32, %r7; add.u32 %r6, %r6, %r2;\n"
         "ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%b0,%b1}, [%r6+512];\n"
         "mov.b32 %d0, 0; mov.b32 %d1, 0; mov.b32 %d2, 0; mov.b32 %d3, 0;\n"
         "mma.sync.aligned." +
         shape + ".row.col." + sum + "." + type + "." + type + "." + sum + " " +
         sums + ", {%a0,%a1,%a2,%a3}, {%b0,%b1}, " + sums +
         ";\n"
         // Lane l: row l / 4, columns 2 (l % 4) and the next.
         "ld.param.u64 %rd3, [d]; mul.wide.u32 %rd2, %r1, " +
         (isHalf ? "4" : "8") + "; add.s64 %rd3, %rd3, %rd2;\n" + store +
         "ret;\n}\n";
}

void check(const std::string &type, const std::string &sum) {
  std::string error;
  auto module = Module::parse(multiply(type, sum), error);
  ASSERT_TRUE(module) << error;
  unsigned bytes = type == "tf32" ? 4 : type.ends_with("16") ? 2 : 1;
  unsigned depth = 32 / bytes;
  std::mt19937 random(1);
  std::vector<int> values(24 * depth);
  std::vector<uint8_t> memory(768);
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = int(random() % 9) - 4;
    uint32_t bits = encode(values[i], type);
    memcpy(&memory[i * bytes], &bits, bytes);
  }
  Device device;
  uint64_t a = device.allocate(768), d = device.allocate(512);
  ASSERT_EQ(device.write(a, memory.data(), 768), "");
  const void *arguments[] = {&a, &d};
  Options options;
  options.count = true;
  Report report = launch(device, *module, "f", {}, {32}, 0, arguments, options);
  ASSERT_EQ(report.error, "");
  EXPECT_EQ(report.counters.tensorOperations, 2 * 16 * 8 * depth);
  std::vector<uint8_t> back(sum == "f16" ? 256 : 512);
  ASSERT_EQ(device.read(d, back.data(), back.size()), "");
  for (unsigned i = 0; i < 16; ++i)
    for (unsigned j = 0; j < 8; ++j) {
      int expected = 0;
      for (unsigned k = 0; k < depth; ++k)
        expected += values[i * depth + k] * values[(16 + j) * depth + k];
      float f;
      int32_t n;
      _Float16 h;
      memcpy(&h, &back[(i * 8 + j) * 2], 2);
      if (back.size() == 512) {
        memcpy(&f, &back[(i * 8 + j) * 4], 4);
        memcpy(&n, &back[(i * 8 + j) * 4], 4);
      }
      EXPECT_EQ(sum == "f32"   ? int(f)
                : sum == "s32" ? n
                               : int(h),
                expected)
          << type << " row " << i << " column " << j;
    }
}

} // namespace

TEST(PtxMatrices, MultiplyAsAPlainProduct) {
  check("bf16", "f32");
  check("f16", "f32");
  check("f16", "f16");
  check("tf32", "f32");
  check("s8", "s32");
  check("e4m3", "f32");
}

TEST(PtxMatrices, RefusesWhatTheHardwareLacks) {
  for (const char *type : {"bf16.bf16", "f16.bf16", "u8.e4m3"}) {
    std::string error, text = multiply("f16", "f16");
    text.replace(text.find("f16.f16.f16"), 11, "f16." + std::string(type));
    EXPECT_FALSE(Module::parse(text, error)) << type;
  }
}

TEST(PtxMatrices, StoresWhatItLoads) {
  std::string body = "shl.b32 %r5, %r1, 4; add.s32 %r5, %r2, %r5;\n"
                     "setp.lt.u32 %p1, %r1, 32; @!%p1 bra END;\n"
                     "stmatrix.sync.aligned.m8n8.x4%BAR%.shared.b16 [%r5],\n"
                     "{%r1, %r1, %r1, %r1}; bar.warp.sync -1;\n"
                     "ldmatrix.sync.aligned.m8n8.x4%BAR%.shared.b16\n"
                     "{%r6, %r7, %r8, %r9}, [%r5];\n"
                     "st.global.b32 [%rd3], %r8; END:";
  for (const char *trans : {"", ".trans"}) {
    test::Result result = test::run(test::with(test::with(body, trans), trans));
    ASSERT_EQ(result.error, "");
    for (uint32_t i = 0; i < 64; ++i)
      EXPECT_EQ(result.data[i], i);
  }
  test::Result result = test::run(test::with(test::with(body, ".trans"), ""));
  EXPECT_EQ(result.data[8], 5u << 16 | 1); // its column 2, rows 0 and 1
}
