// RUN: moe-opt %s -split-input-file -verify-diagnostics

func.func @depth(%x: memref<?x4xbf16>, %w: memref<2x8x4xbf16>, %n: index) {
  // expected-error @+1 {{expects rows of a multiple of 16 bytes, found 'memref<?x4xbf16>'}}
  cuda.multiply_tiles lhs(%x : memref<?x4xbf16>) rhs(%w : memref<2x8x4xbf16>) groups(%n) rows(%n) tile [2, 4, 8] {
  ^bb0(%e: index, %r: index, %t: index, %s: index, %c: index, %sum: f32):
  }
  return
}

// -----

func.func @types(%x: memref<?x8xf32>, %w: memref<2x8x8xbf16>, %n: index) {
  // expected-error @+1 {{expects dense buffers of 'f32' of at least two dimensions, found 'memref<2x8x8xbf16>'}}
  cuda.multiply_tiles lhs(%x : memref<?x8xf32>) rhs(%w : memref<2x8x8xbf16>) groups(%n) rows(%n) tile [2, 4, 8] {
  ^bb0(%e: index, %r: index, %t: index, %s: index, %c: index, %sum: f32):
  }
  return
}

// -----

func.func @tile(%x: memref<?x8xf32>, %w: memref<2x8x8xf32>, %n: index) {
  // expected-error @+1 {{expects a tile of warps, rows and columns, found 3, 4, 8}}
  cuda.multiply_tiles lhs(%x : memref<?x8xf32>) rhs(%w : memref<2x8x8xf32>) groups(%n) rows(%n) tile [3, 4, 8] {
  ^bb0(%e: index, %r: index, %t: index, %s: index, %c: index, %sum: f32):
  }
  return
}

// -----

func.func @region(%x: memref<?x8xf32>, %w: memref<2x8x8xf32>, %n: index) {
  // expected-error @+1 {{expects a region of five positions and a sum for each weight}}
  cuda.multiply_tiles lhs(%x : memref<?x8xf32>) rhs(%w, %w : memref<2x8x8xf32>, memref<2x8x8xf32>) groups(%n) rows(%n) tile [2, 4, 8] {
  ^bb0(%e: index, %r: index, %t: index, %s: index, %c: index, %sum: f32):
  }
  return
}
