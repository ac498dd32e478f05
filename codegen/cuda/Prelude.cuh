// Code below was written by moec. It needs no headers.
using Index = long long;
using I8 = signed char;
using I16 = short;
using U8 = unsigned char;
using U16 = unsigned short;
using U32 = unsigned;
using U64 = unsigned long long;

#define kInfinity __int_as_float(0x7f800000)
#define kNan __int_as_float(0x7fffffff)

struct Bf16 {
  U16 bits;
  Bf16() = default;
  __device__ explicit Bf16(float value) {
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(value));
  }
  __device__ operator float() const { return __int_as_float(U32(bits) << 16); }
};

struct F16 {
  U16 bits;
  F16() = default;
  __device__ explicit F16(float value) {
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
  }
  __device__ operator float() const {
    float value;
    asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
    return value;
  }
};

__device__ inline Index ceilDiv(Index a, Index b) { return (a + b - 1) / b; }
__device__ inline Index floorDiv(Index a, Index b) {
  return a / b - (a % b != 0 && (a < 0) != (b < 0));
}
// Of NaN and a number these are NaN, fmaxf and fminf the number.
__device__ inline float maximum(float a, float b) {
  return a != a || b != b ? kNan : fmaxf(a, b);
}
__device__ inline float minimum(float a, float b) {
  return a != a || b != b ? kNan : fminf(a, b);
}
__device__ inline double maximum(double a, double b) {
  return a != a || b != b ? kNan : fmax(a, b);
}
__device__ inline double minimum(double a, double b) {
  return a != a || b != b ? kNan : fmin(a, b);
}
__device__ inline float inverseSqrt(float a) { return 1.0f / sqrtf(a); }
__device__ inline double inverseSqrt(double a) { return 1.0 / sqrt(a); }
template <typename To, typename From> __device__ To bitCast(From from) {
  static_assert(sizeof(To) == sizeof(From), "");
  union {
    From from;
    To to;
  } both;
  both.from = from;
  return both.to;
}
