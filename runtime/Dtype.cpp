// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "moec/runtime.h"

namespace {
struct Dtype {
  const char *name;
  uint8_t code;
  uint8_t bits;
};
} // namespace

/// By moec_dtype.
static constexpr Dtype dtypes[] = {
    {nullptr, 0, 0},         {"f32", kDLFloat, 32}, {"f16", kDLFloat, 16},
    {"bf16", kDLBfloat, 16}, {"i32", kDLInt, 32},   {"i64", kDLInt, 64},
    {"i8", kDLInt, 8},       {"u8", kDLUInt, 8},    {"bool", kDLBool, 8},
    {"f64", kDLFloat, 64}};

static const Dtype &lookUp(int32_t dtype) {
  constexpr int32_t count = sizeof(dtypes) / sizeof(dtypes[0]);
  return dtypes[dtype > 0 && dtype < count ? dtype : 0];
}

uint32_t moec_dtype_size(int32_t dtype) { return lookUp(dtype).bits / 8; }

const char *moec_dtype_name(int32_t dtype) { return lookUp(dtype).name; }

DLDataType moec_dtype_to_dlpack(int32_t dtype) {
  const Dtype &found = lookUp(dtype);
  return {found.code, found.bits, 1};
}
