// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A kernel with what fast ones for sm_90a are made of. The tests run and break
// its PTX, sm90a.ptx: nvcc -ptx -arch=sm_90a -std=c++17 sm90a.cu

typedef unsigned int U32;
typedef unsigned long long U64;
typedef unsigned short U16;

struct alignas(64) TensorMap {
  char bytes[128];
};

static __device__ U32 sharedAddress(const void *p) {
  return U32(__cvta_generic_to_shared(p));
}

static __device__ void wait(U32 barrier, int parity) {
  asm volatile("{ .reg .pred done;\n"
               "AGAIN: mbarrier.try_wait.parity.shared::cta.b64 done, [%0], "
               "%1;\n"
               "@done bra END;\nbra AGAIN;\nEND: }" ::"r"(barrier),
               "r"(parity)
               : "memory");
}

/// Rows of 128 bytes with swizzle, eight of them 1024 bytes.
static __device__ U64 describe(U32 address) {
  return U64(address >> 4 & 0x3fff) | U64(1) << 16 | U64(64) << 32 |
         U64(1) << 62;
}

constexpr int kDepth = 64, kStages = 3, kRows = 64, kColumns = 32;

/// c[i][j] = sum of a[rows[i]][k] b[j][k], with m rows, n columns and a depth
/// that is a multiple of 8. Four warps a tile of 64 x 32: rows of a come by
/// cp.async, b by tensor copies, 64 deep.
extern "C" __global__ void __launch_bounds__(128)
    gemm(const U16 *a, const int *rows, const __grid_constant__ TensorMap b,
         float *c, int m, int n, int depth) {
  __shared__ __align__(1024) char tileA[kStages][kRows * 128];
  __shared__ __align__(1024) char tileB[kStages][kColumns * 128];
  __shared__ __align__(8) U64 full[kStages];
  const int thread = threadIdx.x, lane = thread & 31, warp = thread >> 5;
  const int firstRow = blockIdx.y * kRows, firstColumn = blockIdx.x * kColumns;
  const int steps = (depth + kDepth - 1) / kDepth;
  if (thread == 0)
    for (int i = 0; i < kStages; ++i)
      asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(
                       sharedAddress(&full[i]))
                   : "memory");
  __syncthreads();
  // Two threads a row, four pieces of 16 bytes each.
  const int row = thread >> 1;
  const bool hasRow = firstRow + row < m;
  const U16 *from = a + (hasRow ? (long long)rows[firstRow + row] * depth : 0);
  auto load = [&](int step) {
    const int slot = step % kStages;
    if (step < steps) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const int piece = (thread & 1) * 4 + i, k = step * kDepth + piece * 8;
        const bool inside = hasRow && k < depth;
        asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(
                         sharedAddress(tileA[slot]) + row * 128 +
                         ((piece ^ (row & 7)) << 4)),
                     "l"(from + k), "r"(inside ? 16 : 0)
                     : "memory");
      }
      if (thread == 0) {
        const U32 barrier = sharedAddress(&full[slot]);
        asm volatile(
            "mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(
                barrier),
            "n"(kColumns * 128)
            : "memory");
        asm volatile(
            "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_"
            "tx::bytes [%0], [%1, {%2, %3}], [%4];" ::"r"(
                sharedAddress(tileB[slot])),
            "l"(&b), "r"(step * kDepth), "r"(firstColumn), "r"(barrier)
            : "memory");
      }
    }
    asm volatile("cp.async.commit_group;" ::: "memory");
  };
  float d[16] = {};
  load(0);
  load(1);
#pragma unroll 1
  for (int step = 0; step < steps; ++step) {
    const int slot = step % kStages;
    asm volatile("cp.async.wait_group 1;" ::: "memory");
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
    wait(sharedAddress(&full[slot]), step / kStages & 1);
    __syncthreads();
    load(step + 2);
    const U64 x = describe(sharedAddress(tileA[slot]));
    const U64 y = describe(sharedAddress(tileB[slot]));
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#pragma unroll
    for (int k = 0; k < 4; ++k)
      asm volatile(
          "wgmma.mma_async.sync.aligned.m64n32k16.f32.bf16.bf16 "
          "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15}, %16, %17, "
          "1, 1, 1, 0, 0;"
          : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]),
            "+f"(d[5]), "+f"(d[6]), "+f"(d[7]), "+f"(d[8]), "+f"(d[9]),
            "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]),
            "+f"(d[15])
          : "l"(x + 2 * k), "l"(y + 2 * k));
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
    asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
  }
#pragma unroll
  for (int r = 0; r < 16; ++r) {
    const int i = firstRow + warp * 16 + (lane >> 2) + (r >> 1 & 1) * 8;
    const int j = firstColumn + r / 4 * 8 + (lane & 3) * 2 + (r & 1);
    if (i < m && j < n)
      c[(long long)i * n + j] = d[r];
  }
}
