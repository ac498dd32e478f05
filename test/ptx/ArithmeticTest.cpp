// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Instructions of one lane against the arithmetic of this machine.

#include "test/ptx/Testing.h"

#include <bit>
#include <cfenv>
#include <cmath>

using namespace moec::ptx::test;

namespace {

float real(uint64_t v) { return std::bit_cast<float>(uint32_t(v)); }
double wide(uint64_t v) { return std::bit_cast<double>(v); }
/// NaN as PTX gives it.
uint64_t bits(float v) {
  return std::isnan(v) ? 0x7fffffff : std::bit_cast<uint32_t>(v);
}

template <int Mode, typename F> uint64_t directed(F f) {
  fesetround(Mode);
  volatile float r = f();
  fesetround(FE_TONEAREST);
  return bits(r);
}

_Float16 half(uint64_t v) { return std::bit_cast<_Float16>(uint16_t(v)); }
uint64_t bits(_Float16 v) {
  return v != v ? 0x7fff : std::bit_cast<uint16_t>(v);
}
float bfloat(uint64_t v) { return std::bit_cast<float>(uint32_t(v) << 16); }

/// The bfloat16 that is nearest, found by trying the neighbours.
uint64_t nearestBfloat(double v) {
  if (std::isnan(v))
    return 0x7fff;
  if (std::fabs(v) >= 0x1.ffp127) // half way to the next power of two
    return v < 0 ? 0xff80 : 0x7f80;
  uint32_t truncated = std::bit_cast<uint32_t>(float(v)) >> 16;
  uint32_t best = truncated;
  for (int d = -1; d <= 1; ++d) {
    uint32_t candidate = truncated + d;
    double now = std::fabs(double(bfloat(candidate)) - v);
    double before = std::fabs(double(bfloat(best)) - v);
    if (now < before || (now == before && !(candidate & 1)))
      best = candidate;
  }
  return best;
}

/// a * b + c, in which the far smaller one only breaks ties.
double bfloatFma(uint64_t a, uint64_t b, uint64_t c) {
  double product = double(bfloat(a)) * bfloat(b), addend = bfloat(c);
  auto limit = [](double &small, double large) {
    if (small != 0 && std::fabs(small) < std::fabs(large) * 0x1p-30)
      small = std::copysign(large * 0x1p-30, small);
  };
  limit(addend, product);
  limit(product, addend);
  return product + addend;
}

} // namespace

#define REFERENCE(...)                                                         \
  [](uint64_t a, uint64_t b, uint64_t c) -> uint64_t {                         \
    (void)a, (void)b, (void)c;                                                 \
    __VA_ARGS__;                                                               \
  }

TEST(PtxArithmetic, Integers) {
  compare("add.s32 %rr, %ra, %rb;", REFERENCE(return uint32_t(a + b)));
  compare("mul.hi.u64 %rr, %ra, %rb;",
          REFERENCE(return (unsigned __int128)a * b >> 64), 64);
  compare("mul.hi.s32 %rr, %ra, %rb;",
          REFERENCE(return int64_t(int32_t(a)) * int32_t(b) >> 32));
  compare("mul.wide.s32 %rr, %ra, %rb;",
          REFERENCE(return int64_t(int32_t(a)) * int32_t(b)), 64);
  compare("mad.lo.s64 %rr, %ra, %rb, %rc;", REFERENCE(return a * b + c), 64);
  compare("shl.b32 %rr, %ra, %rb;",
          REFERENCE(return uint32_t(b) > 31 ? 0 : uint32_t(a) << b));
  compare("shr.s32 %rr, %ra, %rb;",
          REFERENCE(return int32_t(a) >> std::min<uint32_t>(b, 31)));
  compare("max.s32 %rr, %ra, %rb;",
          REFERENCE(return std::max(int32_t(a), int32_t(b))));
  compare("min.u64 %rr, %ra, %rb;", REFERENCE(return std::min(a, b)), 64);
}

TEST(PtxArithmetic, Bits) {
  compare("popc.b32 %rr, %ra;",
          REFERENCE(return __builtin_popcount(uint32_t(a))));
  compare("clz.b64 %rr, %ra;", REFERENCE(return a ? __builtin_clzll(a) : 64));
  compare("bfind.u32 %rr, %ra;",
          REFERENCE(return uint32_t(a) ? 31 - __builtin_clz(a) : ~0u));
  compare("brev.b32 %rr, %ra;",
          REFERENCE(return __builtin_bitreverse32(uint32_t(a))));
  compare("and.b32 %rb, %rb, 15; and.b32 %rc, %rc, 15;\n"
          "bfe.u32 %rr, %ra, %rb, %rc;",
          REFERENCE(return uint32_t(a) >> (b & 15) & ((1u << (c & 15)) - 1)));
  compare("bfe.s32 %rr, %ra, 8, 8;", REFERENCE(return int8_t(a >> 8)));
  compare("bfi.b64 %rr, %ra, %rb, 32, 32;",
          REFERENCE(return uint32_t(b) | a << 32), 64);
  compare("lop3.b32 %rr, %ra, %rb, %rc, 0xe8;", // majority
          REFERENCE(return (a & b) | (a & c) | (b & c)));
  compare("prmt.b32 %rr, %ra, %rb, 0x5410;",
          REFERENCE(return (a & 0xffff) | b << 16));
  compare("prmt.b32 %rr, %ra, 0, 0x9180;", // signs of bytes 0 and 1
          REFERENCE(uint32_t s0 = a & 0x80 ? 0xff : 0;
                    uint32_t s1 = a & 0x8000 ? 0xff : 0;
                    return (a & 0xff) | s0 << 8 | (a >> 8 & 0xff) << 16 |
                           s1 << 24));
  compare("shf.l.wrap.b32 %rr, %ra, %rb, %rc;",
          REFERENCE(uint64_t v = b << 32 | uint32_t(a);
                    return v << (c & 31) >> 32));
  compare("shf.r.clamp.b32 %rr, %ra, %rb, 8;",
          REFERENCE(return b << 24 | uint32_t(a) >> 8));
  compare("dp4a.s32.u32 %rr, %ra, %rb, %rc;",
          REFERENCE(for (int i = 0; i < 32; i += 8) c +=
                    int8_t(a >> i) * uint8_t(b >> i);
                    return c));
  compare("mov.b64 {%r1, %r2}, %ra; mov.b64 %rr, {%r2, %r1};",
          REFERENCE(return a << 32 | a >> 32), 64);
}

TEST(PtxArithmetic, Compares) {
  compare("setp.lt.u32 %p1, %ra, %rb; selp.b32 %rr, 1, 0, %p1;",
          REFERENCE(return uint32_t(a) < uint32_t(b)));
  compare("setp.ge.s64 %p2, %rb, %rc;\n"
          "setp.lt.and.s32 %p0|%p1, %ra, %rb, !%p2;\n"
          "selp.b32 %r1, 1, 0, %p0; selp.b32 %r2, 2, 0, %p1;\n"
          "or.b32 %rr, %r1, %r2;",
          REFERENCE(bool other = int64_t(b) < int64_t(c);
                    bool less = int32_t(a) < int32_t(b);
                    return (less && other) + 2 * (!less && other)));
  compare("setp.gtu.f32 %p1, %ra, %rb; selp.b32 %rr, 1, 0, %p1;",
          REFERENCE(return !(real(a) <= real(b))));
  compare("setp.eq.f64 %p1, %ra, %rb; selp.b32 %rr, 1, 0, %p1;",
          REFERENCE(return wide(a) == wide(b)));
  compare("setp.nan.f32 %p1, %ra, %rb; selp.b32 %rr, 1, 0, %p1;",
          REFERENCE(return std::isunordered(real(a), real(b))));
  compare("set.le.u32.f32 %rr, %ra, %rb;",
          REFERENCE(return real(a) <= real(b) ? 0xffffffff : 0));
}

TEST(PtxArithmetic, Floats) {
  compare("add.f32 %rr, %ra, %rb;", REFERENCE(return bits(real(a) + real(b))));
  compare("div.rn.f32 %rr, %ra, %rb;",
          REFERENCE(return bits(real(a) / real(b))));
  compare("fma.rn.f32 %rr, %ra, %rb, %rc;",
          REFERENCE(return bits(std::fma(real(a), real(b), real(c)))));
  compare("fma.rm.f32 %rr, %ra, %rb, %rc;",
          REFERENCE(return directed<FE_DOWNWARD>([&] {
            volatile float x = real(a), y = real(b), z = real(c);
            return std::fma(x, y, z);
          })));
  compare("add.rp.f32 %rr, %ra, %rb;",
          REFERENCE(return directed<FE_UPWARD>([&] {
            volatile float x = real(a), y = real(b);
            return x + y;
          })));
  compare("mul.rz.f32 %rr, %ra, %rb;",
          REFERENCE(return directed<FE_TOWARDZERO>([&] {
            volatile float x = real(a), y = real(b);
            return x * y;
          })));
  compare("mul.ftz.f32 %rr, %ra, %rb;",
          REFERENCE(auto flush =
                        [](float v) {
                          return std::fpclassify(v) == FP_SUBNORMAL
                                     ? std::copysign(0.0f, v)
                                     : v;
                        };
                    return bits(flush(flush(real(a)) * flush(real(b))))));
  compare("sqrt.rn.f32 %rr, %ra;", REFERENCE(return bits(std::sqrt(real(a)))));
  compare("fma.rn.f64 %rr, %ra, %rb, %rc; setp.nan.f64 %p1, %rr, %rr;\n"
          "@%p1 mov.b64 %rr, 0;",
          REFERENCE(double v = std::fma(wide(a), wide(b), wide(c));
                    return std::isnan(v) ? 0 : std::bit_cast<uint64_t>(v)),
          64);
  compare("max.f32 %rr, %ra, %rb;",
          REFERENCE(float x = real(a), y = real(b);
                    if (x == 0 && y == 0) return bits(
                        x + y == 0 && std::signbit(x) ? y : x);
                    return bits(std::fmax(x, y))));
  compare("copysign.f32 %rr, %ra, %rb;",
          REFERENCE(return (a & 0x80000000) | (b & 0x7fffffff)));
}

TEST(PtxArithmetic, Halves) {
  compare(
      "add.f16x2 %rr, %ra, %rb;",
      REFERENCE(return bits(_Float16(half(a) + half(b))) |
                       bits(_Float16(half(a >> 16) + half(b >> 16))) << 16));
  compare("mul.rn.f16 %rr, %ra, %rb;",
          REFERENCE(return bits(_Float16(half(a) * half(b)))), 16);
  compare("fma.rn.bf16 %rr, %ra, %rb, %rc;",
          REFERENCE(return nearestBfloat(bfloatFma(a, b, c))), 16);
  compare("fma.rn.relu.bf16x2 %rr, %ra, %rb, %rc; and.b32 %rr, %rr, 0xffff;",
          REFERENCE(double v = bfloatFma(a, b, c);
                    return v < 0 ? 0 : nearestBfloat(v)));
  compare("neg.bf16x2 %rr, %ra;", REFERENCE(return a ^ 0x80008000));
  compare("max.NaN.f16 %rr, %ra, %rb;",
          REFERENCE(_Float16 x = half(a), y = half(b);
                    if (x != x || y != y) return 0x7fff;
                    if (x == y) return bits(a & 0x8000 ? y : x);
                    return bits(x > y ? x : y)),
          16);
}

TEST(PtxArithmetic, Converts) {
  compare("cvt.s64.s8 %rr, %ra;", REFERENCE(return int64_t(int8_t(a))), 64);
  compare("cvt.sat.u8.s32 %rr, %ra;",
          REFERENCE(return std::min(std::max(int32_t(a), 0), 255)));
  compare("cvt.rn.f32.u64 %rr, %ra;", REFERENCE(return bits(float(a))));
  compare("cvt.rn.f32.s64 %rr, %ra;",
          REFERENCE(return bits(float(int64_t(a)))));
  compare("cvt.rn.f16.f32 %rr, %ra;", REFERENCE(return bits(_Float16(real(a)))),
          16);
  compare("cvt.f32.f16 %rr, %ra;", REFERENCE(return bits(float(half(a)))));
  compare(
      "cvt.rn.bf16x2.f32 %rr, %ra, %rb;",
      REFERENCE(return nearestBfloat(real(a)) << 16 | nearestBfloat(real(b))));
  compare("cvt.rz.bf16.f32 %rr, %ra;",
          REFERENCE(return std::isnan(real(a)) ? 0x7fff : uint32_t(a) >> 16),
          16);
  compare("cvt.rna.tf32.f32 %rr, %ra;",
          REFERENCE(if (std::isnan(real(a))) return 0x7fffe000;
                    return (uint32_t(a) + 0x1000) & 0xffffe000));
  compare("cvt.rzi.s32.f32 %rr, %ra;",
          REFERENCE(float v = real(a); if (std::isnan(v)) return 0;
                    return v >= 0x1p31f    ? 0x7fffffff
                           : v <= -0x1p31f ? 0x80000000
                                           : uint32_t(int32_t(v))));
  compare("cvt.sat.f32.f32 %rr, %ra;",
          REFERENCE(float v = real(a);
                    return v > 0 ? bits(std::fmin(v, 1.0f)) : 0));
}

TEST(PtxArithmetic, ConvertsEightBits) {
  // Every value of e4m3 and e5m2 comes back, and ties go to even.
  compare("and.b32 %rr, %ra, 0x7f7f; cvt.rn.f16x2.e4m3x2 %rb, %rr;\n"
          "cvt.u16.u32 %rc, %rb; shr.u32 %rb, %rb, 16;\n"
          "cvt.f32.f16 %rc, %rc; cvt.f32.f16 %rb, %rb;\n"
          "cvt.rn.satfinite.e4m3x2.f32 %rr, %rb, %rc;",
          REFERENCE(return a & 0x7f7f), 16);
  compare("cvt.rn.satfinite.e5m2x2.f32 %rr, 0f40900000, 0f7F000000;",
          REFERENCE(return 0x447b), 16); // 4.5 to 4, 2^127 to the largest
  compare("cvt.rn.satfinite.e4m3x2.f32 %rr, 0f43E80000, 0f3A800000;",
          REFERENCE(return 0x7e00), 16); // 464 to 448, 2^-10 to zero
}
