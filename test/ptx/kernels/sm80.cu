// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels with what fast ones for sm_80 are made of. The tests run and break
// their PTX, sm80.ptx: nvcc -ptx -arch=sm_80 -std=c++17 sm80.cu

typedef unsigned int U32;
typedef unsigned short U16;

static __device__ U32 sharedAddress(const void *p) {
  return U32(__cvta_generic_to_shared(p));
}

/// Copies 16 bytes of which `valid` are read; the rest is zero.
static __device__ void copyAsync(U32 to, const void *from, int valid) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to),
               "l"(from), "r"(valid)
               : "memory");
}

/// Rows of 32 halves; the four pieces of 16 bytes of a row are swizzled.
static __device__ int place(int row, int piece) {
  return row * 64 + ((piece ^ (row >> 1 & 3)) << 4);
}

constexpr int kTile = 32, kStages = 3;

/// c[i][j] = sum of a[rows[i]][k] b[j][k], with m rows, n columns and a depth
/// that is a multiple of 8. Four warps a tile of 32 x 32, 32 deep.
extern "C" __global__ void __launch_bounds__(128)
    gemm(const U16 *a, const int *rows, const U16 *b, float *c, int m, int n,
         int depth) {
  __shared__ __align__(128) char tiles[kStages][2][kTile * 64];
  const int thread = threadIdx.x, lane = thread & 31, warp = thread >> 5;
  const int firstRow = blockIdx.y * kTile, firstColumn = blockIdx.x * kTile;
  const int row = thread >> 2, piece = thread & 3;
  const bool hasRow = firstRow + row < m, hasColumn = firstColumn + row < n;
  const U16 *fromA = a + (hasRow ? (long long)rows[firstRow + row] * depth : 0);
  const U16 *fromB =
      b + (hasColumn ? (long long)(firstColumn + row) * depth : 0);
  const int steps = (depth + kTile - 1) / kTile;
  auto load = [&](int step) {
    if (step < steps) {
      const int k = step * kTile + piece * 8;
      const int slot = step % kStages;
      const bool inside = k < depth;
      copyAsync(sharedAddress(tiles[slot][0]) + place(row, piece), fromA + k,
                hasRow && inside ? 16 : 0);
      copyAsync(sharedAddress(tiles[slot][1]) + place(row, piece), fromB + k,
                hasColumn && inside ? 16 : 0);
    }
    asm volatile("cp.async.commit_group;" ::: "memory");
  };
  float sum[2][4] = {};
  load(0);
  load(1);
  const int warpRow = (warp >> 1) * 16, warpColumn = (warp & 1) * 16;
#pragma unroll 1
  for (int step = 0; step < steps; ++step) {
    asm volatile("cp.async.wait_group 1;" ::: "memory");
    __syncthreads();
    load(step + 2);
    const U32 tileA = sharedAddress(tiles[step % kStages][0]);
    const U32 tileB = sharedAddress(tiles[step % kStages][1]);
#pragma unroll
    for (int k = 0; k < 2; ++k) {
      U32 x[4], y[4];
      asm volatile(
          "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, "
          "[%4];"
          : "=r"(x[0]), "=r"(x[1]), "=r"(x[2]), "=r"(x[3])
          : "r"(tileA + place(warpRow + (lane & 15), 2 * k + (lane >> 4))));
      asm volatile(
          "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, "
          "[%4];"
          : "=r"(y[0]), "=r"(y[1]), "=r"(y[2]), "=r"(y[3])
          : "r"(tileB + place(warpColumn + (lane & 15), 2 * k + (lane >> 4))));
#pragma unroll
      for (int j = 0; j < 2; ++j)
        asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
                     "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                     : "+f"(sum[j][0]), "+f"(sum[j][1]), "+f"(sum[j][2]),
                       "+f"(sum[j][3])
                     : "r"(x[0]), "r"(x[1]), "r"(x[2]), "r"(x[3]), "r"(y[j]),
                       "r"(y[j + 2]));
    }
  }
#pragma unroll
  for (int j = 0; j < 2; ++j)
#pragma unroll
    for (int r = 0; r < 4; ++r) {
      const int i = firstRow + warpRow + (lane >> 2) + (r >> 1) * 8;
      const int o = firstColumn + warpColumn + j * 8 + (lane & 3) * 2 + (r & 1);
      if (i < m && o < n)
        c[(long long)i * n + o] = sum[j][r];
    }
}

/// Softmax of rows of `n` numbers, a warp a row.
extern "C" __global__ void __launch_bounds__(64)
    softmax(const float *x, float *y, int rows, int n) {
  const int row = blockIdx.x * 2 + (threadIdx.x >> 5), lane = threadIdx.x & 31;
  if (row >= rows)
    return;
  float top = __int_as_float(0xff800000);
#pragma unroll 1
  for (int i = lane; i < n; i += 32)
    top = fmaxf(top, x[row * n + i]);
#pragma unroll
  for (int d = 16; d > 0; d >>= 1)
    top = fmaxf(top, __shfl_xor_sync(~0u, top, d));
  float sum = 0;
#pragma unroll 1
  for (int i = lane; i < n; i += 32)
    sum += __expf(x[row * n + i] - top);
#pragma unroll
  for (int d = 16; d > 0; d >>= 1)
    sum += __shfl_xor_sync(~0u, sum, d);
#pragma unroll 1
  for (int i = lane; i < n; i += 32)
    y[row * n + i] = __fdividef(__expf(x[row * n + i] - top), sum);
}

/// offsets[e] = how many of the ids are less than e, for 64 experts; ids out of
/// range count for none.
extern "C" __global__ void __launch_bounds__(128)
    offsets(const int *ids, int count, int *offsets) {
  __shared__ int histogram[64];
  __shared__ int halves[2];
  const int thread = threadIdx.x;
  if (thread < 64)
    histogram[thread] = 0;
  __syncthreads();
#pragma unroll 1
  for (int i = thread; i < count; i += 128) {
    const int id = ids[i];
    if (id >= 0 && id < 64)
      atomicAdd(&histogram[id], 1);
  }
  __syncthreads();
  int value = 0;
  if (thread < 64) {
    value = histogram[thread];
#pragma unroll
    for (int d = 1; d < 32; d <<= 1) {
      const int below = __shfl_up_sync(~0u, value, d);
      if ((thread & 31) >= d)
        value += below;
    }
    if ((thread & 31) == 31)
      halves[thread >> 5] = value;
  }
  __syncthreads();
  if (thread < 64)
    offsets[thread + 1] = value + (thread < 32 ? 0 : halves[0]);
  if (thread == 0)
    offsets[0] = 0;
}
