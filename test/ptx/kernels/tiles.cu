// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Products as moec emits them, with small tiles. The tests run and break their
// PTX, tiles.ptx: nvcc -ptx -arch=sm_80 -std=c++17 tiles.cu

#include "../../../codegen/cuda/Prelude.cuh"
#include "../../../codegen/cuda/device/MatmulTiles.cuh"

/// Depths are of 1, 6 and 8 steps, the first two with a part of one.
#define GATE_UP(kDepth)                                                        \
  extern "C" __global__ void __launch_bounds__(256) gate_up_##kDepth(          \
      const Bf16 *x, const Bf16 *gate, const Bf16 *up, float *y,               \
      const float *scales, const int *offsets, const int *tokens,              \
      const int *slots) {                                                      \
    const Bf16 *const weights[] = {gate, up};                                  \
    multiplyTiles<TileShape<Bf16, 2, 2, 1, 2>, true, kDepth, 72>(              \
        x, weights, 4, 0, offsets, tokens, slots,                              \
        [&](Index e, Index r, Index t, Index s, Index n, float a, float b) {   \
          y[r * 72 + n] = a * scales[t * 2 + s] + b * scales[e];               \
        });                                                                    \
  }
GATE_UP(24)
GATE_UP(176)
GATE_UP(256)

/// 3 steps, the last one short.
extern "C" __global__ void __launch_bounds__(256)
down_36(const float *x, const float *down, float *y, const float *scales,
        const int *offsets, const int *tokens, const int *slots) {
  const float *const weights[] = {down};
  multiplyTiles<TileShape<float, 1, 1, 1, 2>, false, 36, 136>(
      x, weights, 4, 0, offsets, tokens, slots,
      [&](Index e, Index r, Index t, Index s, Index n, float a) {
        y[r * 136 + n] = a * scales[t * 2 + s] + scales[e];
      });
}

/// 5 steps.
extern "C" __global__ void __launch_bounds__(256)
dense_80(const float *x, const float *w, float *y, int rows) {
  const float *const weights[] = {w};
  multiplyTiles<TileShape<float, 1, 4, 1, 4>, false, 80, 64>(
      x, weights, 1, rows, nullptr, nullptr, nullptr,
      [&](Index, Index r, Index, Index, Index n, float a) {
        y[r * 64 + n] = a;
      });
}
