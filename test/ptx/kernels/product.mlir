// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One tile, c = a b with b transposed, copied to shared memory 16 bytes a lane.
// mlir-opt-22 product.mlir --convert-nvgpu-to-nvvm --gpu-lower-to-nvvm-pipeline=
// "cubin-chip=sm_80 cubin-features=+ptx80 cubin-format=isa
// kernel-bare-ptr-calling-convention=1"

module attributes {gpu.container_module} {
  gpu.module @tiles {
    gpu.func @product(%a: memref<16x16xf16>, %b: memref<8x16xf16>,
                      %c: memref<16x8xf32>)
        workgroup(%x: memref<16x16xf16, #gpu.address_space<workgroup>> {llvm.align = 16 : i64},
                  %y: memref<8x16xf16, #gpu.address_space<workgroup>> {llvm.align = 16 : i64})
        kernel {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c4 = arith.constant 4 : index
      %c7 = arith.constant 7 : index
      %c8 = arith.constant 8 : index
      %c16 = arith.constant 16 : index
      %zero = arith.constant dense<0.0> : vector<2x2xf32>
      %lane = gpu.thread_id x
      %row = arith.divui %lane, %c2 : index
      %half = arith.remui %lane, %c2 : index
      %column = arith.muli %half, %c8 : index
      %t0 = nvgpu.device_async_copy %a[%row, %column], %x[%row, %column], 8
        : memref<16x16xf16> to memref<16x16xf16, #gpu.address_space<workgroup>>
      %isLow = arith.cmpi ult, %lane, %c16 : index
      scf.if %isLow {
        %t1 = nvgpu.device_async_copy %b[%row, %column], %y[%row, %column], 8
          : memref<8x16xf16> to memref<8x16xf16, #gpu.address_space<workgroup>>
      }
      %group = nvgpu.device_async_create_group
      nvgpu.device_async_wait %group {numGroups = 0 : i32}
      gpu.barrier
      %r = arith.remui %lane, %c16 : index
      %h = arith.divui %lane, %c16 : index
      %k = arith.muli %h, %c8 : index
      %fa = nvgpu.ldmatrix %x[%r, %k] {numTiles = 4 : i32, transpose = false}
        : memref<16x16xf16, #gpu.address_space<workgroup>> -> vector<4x2xf16>
      %rb = arith.remui %lane, %c8 : index
      %hb0 = arith.divui %lane, %c8 : index
      %hb = arith.remui %hb0, %c2 : index
      %kb = arith.muli %hb, %c8 : index
      %fb = nvgpu.ldmatrix %y[%rb, %kb] {numTiles = 2 : i32, transpose = false}
        : memref<8x16xf16, #gpu.address_space<workgroup>> -> vector<2x2xf16>
      %d = nvgpu.mma.sync(%fa, %fb, %zero) {mmaShape = [16, 8, 16]}
        : (vector<4x2xf16>, vector<2x2xf16>, vector<2x2xf32>) -> vector<2x2xf32>
      %i = arith.divui %lane, %c4 : index
      %j0 = arith.remui %lane, %c4 : index
      %j = arith.muli %j0, %c2 : index
      %i8 = arith.addi %i, %c8 : index
      %d0 = vector.extract %d[0] : vector<2xf32> from vector<2x2xf32>
      %d1 = vector.extract %d[1] : vector<2xf32> from vector<2x2xf32>
      vector.store %d0, %c[%i, %j] : memref<16x8xf32>, vector<2xf32>
      vector.store %d1, %c[%i8, %j] : memref<16x8xf32>, vector<2xf32>
      gpu.return
    }
  }
}
