// RUN: moe-opt %s --verify-diagnostics --split-input-file

// Each function has one type or one argument wrong; the name is the label.

func.func @matmul_c1_init(%x: tensor<?x16xf32>, %w: tensor<32x16xf32>, %z: tensor<?xf32>) {
  // expected-error @+1 {{expects one init of rank 2}}
  %h = grouped.matmul lhs(%x : tensor<?x16xf32>) rhs(%w : tensor<32x16xf32>)
    outs(%z : tensor<?xf32>) attributes {maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?xf32>
  return
}

// -----

func.func @matmul_c1_lhs(%x: tensor<16xf32>, %w: tensor<32x16xf32>, %z: tensor<?x32xf32>) {
  // expected-error @+1 {{expects an lhs of rank 2, got 'tensor<16xf32>'}}
  %h = grouped.matmul lhs(%x : tensor<16xf32>) rhs(%w : tensor<32x16xf32>)
    outs(%z : tensor<?x32xf32>) attributes {maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x32xf32>
  return
}

// -----

func.func @matmul_c1_rows(%x: tensor<3x16xf32>, %w: tensor<32x16xf32>, %z: tensor<4x32xf32>) {
  // expected-error @+1 {{expects 3 rows as in the lhs, got 'tensor<4x32xf32>'}}
  %h = grouped.matmul lhs(%x : tensor<3x16xf32>) rhs(%w : tensor<32x16xf32>)
    outs(%z : tensor<4x32xf32>) attributes {maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<4x32xf32>
  return
}

// -----

func.func @matmul_c2_none(%x: tensor<?x16xf32>, %z: tensor<?x32xf32>) {
  // expected-error @+1 {{expects at least one weight}}
  %h = "grouped.matmul"(%x, %z) <{maps = [], operandSegmentSizes = array<i32: 1, 0, 0, 0, 0, 0, 1>}> ({
    %c = arith.constant 0.0 : f32
    grouped.yield %c : f32
  }) : (tensor<?x16xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @matmul_c2_types(%x: tensor<?x16xf32>, %w: tensor<32x16xf32>, %u: tensor<32x16xbf16>, %z: tensor<?x32xf32>) {
  // expected-error @+1 {{expects weights of one type, got 'tensor<32x16xf32>' and 'tensor<32x16xbf16>'}}
  %h = grouped.matmul lhs(%x : tensor<?x16xf32>) rhs(%w, %u : tensor<32x16xf32>, tensor<32x16xbf16>)
    outs(%z : tensor<?x32xf32>) attributes {maps = []} {
  ^bb0(%a: f32, %b: f32):
    grouped.yield %a : f32
  } -> tensor<?x32xf32>
  return
}

// -----

func.func @matmul_c2_rank(%x: tensor<?x16xf32>, %w: tensor<512xf32>, %z: tensor<?x32xf32>) {
  // expected-error @+1 {{expects weights of rank 3 or 2, got 'tensor<512xf32>'}}
  %h = grouped.matmul lhs(%x : tensor<?x16xf32>) rhs(%w : tensor<512xf32>)
    outs(%z : tensor<?x32xf32>) attributes {maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x32xf32>
  return
}

// -----

func.func @matmul_c2_groups(%x: tensor<?x16xf32>, %w: tensor<7x32x16xf32>, %o: tensor<9xi32>, %t: tensor<?xi32>, %z: tensor<?x32xf32>) {
  // expected-error @+1 {{expects weights of 8 groups, got 'tensor<7x32x16xf32>'}}
  %h = grouped.matmul lhs(%x : tensor<?x16xf32>) rhs(%w : tensor<7x32x16xf32>)
    groups(%o, %t, %t : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
    outs(%z : tensor<?x32xf32>) attributes {maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x32xf32>
  return
}

// -----

func.func @matmul_c2_depth(%x: tensor<?x16xf32>, %w: tensor<32x17xf32>, %z: tensor<?x32xf32>) {
  // expected-error @+1 {{expects weights of depth 16, got 'tensor<32x17xf32>'}}
  %h = grouped.matmul lhs(%x : tensor<?x16xf32>) rhs(%w : tensor<32x17xf32>)
    outs(%z : tensor<?x32xf32>) attributes {maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x32xf32>
  return
}

// -----

func.func @matmul_c2_columns(%x: tensor<?x16xf32>, %w: tensor<16x33xf32>, %z: tensor<?x32xf32>) {
  // expected-error @+1 {{expects weights with 32 columns, got 'tensor<16x33xf32>'}}
  %h = grouped.matmul lhs(%x : tensor<?x16xf32>) rhs(%w : tensor<16x33xf32>)
    outs(%z : tensor<?x32xf32>) attributes {maps = [], layout = #grouped<rhs_layout kn>} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x32xf32>
  return
}

// -----

func.func @matmul_c3_count(%x: tensor<?x16xf32>, %w: tensor<1x4x16x16x1xf32>, %z: tensor<?x32xf32>) {
  // expected-error @+1 {{expects one weight with panels, got 2}}
  %h = grouped.matmul lhs(%x : tensor<?x16xf32>) rhs(%w, %w : tensor<1x4x16x16x1xf32>, tensor<1x4x16x16x1xf32>)
    outs(%z : tensor<?x32xf32>) attributes {maps = [], panels = #grouped.panels<parts = 2, columns = 32, depth = 16>} {
  ^bb0(%a: f32, %b: f32):
    grouped.yield %a : f32
  } -> tensor<?x32xf32>
  return
}

// -----

func.func @matmul_c3_sizes(%x: tensor<?x16xf32>, %w: tensor<1x4x16x16x1xf32>, %z: tensor<?x32xf32>) {
  // expected-error @+1 {{expects panels of depth 16 and 32 columns, got #grouped.panels<parts = 2, columns = 31, depth = 16>}}
  %h = grouped.matmul lhs(%x : tensor<?x16xf32>) rhs(%w : tensor<1x4x16x16x1xf32>)
    outs(%z : tensor<?x32xf32>) attributes {maps = [], panels = #grouped.panels<parts = 2, columns = 31, depth = 16>} {
  ^bb0(%a: f32, %b: f32):
    grouped.yield %a : f32
  } -> tensor<?x32xf32>
  return
}

// -----

func.func @matmul_c3_element(%x: tensor<?x16xf32>, %w: tensor<1x4x16x16x1xf64>, %z: tensor<?x32xf32>) {
  // expected-error @+1 {{expects packed elements of f32, bf16 or f16, got 'f64'}}
  %h = grouped.matmul lhs(%x : tensor<?x16xf32>) rhs(%w : tensor<1x4x16x16x1xf64>)
    outs(%z : tensor<?x32xf32>) attributes {maps = [], panels = #grouped.panels<parts = 2, columns = 32, depth = 16>} {
  ^bb0(%a: f32, %b: f32):
    grouped.yield %a : f32
  } -> tensor<?x32xf32>
  return
}

// -----

func.func @matmul_c3_shape(%x: tensor<?x15xf32>, %w: tensor<1x4x16x16x2xbf16>, %z: tensor<?x32xf32>) {
  // expected-error @+1 {{expects a packed weight of shape 1x4x8x16x2, got 'tensor<1x4x16x16x2xbf16>'}}
  %h = grouped.matmul lhs(%x : tensor<?x15xf32>) rhs(%w : tensor<1x4x16x16x2xbf16>)
    outs(%z : tensor<?x32xf32>) attributes {maps = [], panels = #grouped.panels<parts = 2, columns = 32, depth = 15>} {
  ^bb0(%a: f32, %b: f32):
    grouped.yield %a : f32
  } -> tensor<?x32xf32>
  return
}

// -----

func.func @matmul_c4(%x: tensor<?x16xf32>, %w: tensor<32x16xf32>, %b: tensor<32xf32>, %z: tensor<?x32xf32>) {
  // expected-error @+1 {{expects one map per extra (1), got 0}}
  %h = grouped.matmul lhs(%x : tensor<?x16xf32>) rhs(%w : tensor<32x16xf32>)
    extras(%b : tensor<32xf32>) outs(%z : tensor<?x32xf32>) attributes {maps = []} {
  ^bb0(%a: f32, %c: f32):
    grouped.yield %a : f32
  } -> tensor<?x32xf32>
  return
}

// -----

func.func @matmul_c5_arguments(%x: tensor<?x16xf32>, %w: tensor<32x16xbf16>, %z: tensor<?x32xf32>) {
  // expected-error @+1 {{expects the epilogue to take ('f32'), got ('bf16')}}
  %h = grouped.matmul lhs(%x : tensor<?x16xf32>) rhs(%w : tensor<32x16xbf16>)
    outs(%z : tensor<?x32xf32>) attributes {maps = []} {
  ^bb0(%a: bf16):
    %b = arith.extf %a : bf16 to f32
    grouped.yield %b : f32
  } -> tensor<?x32xf32>
  return
}

// -----

func.func @matmul_c5_yield(%x: tensor<?x16xf32>, %w: tensor<32x16xf32>, %z: tensor<?x32xf32>) {
  // expected-error @+1 {{expects the epilogue to yield one 'f32', got ('f32', 'f32')}}
  %h = grouped.matmul lhs(%x : tensor<?x16xf32>) rhs(%w : tensor<32x16xf32>)
    outs(%z : tensor<?x32xf32>) attributes {maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a, %a : f32, f32
  } -> tensor<?x32xf32>
  return
}

// -----

func.func @matmul_c6_tables(%x: tensor<?x16xf32>, %w: tensor<8x32x16xf32>, %o: tensor<9xi32>, %z: tensor<?x32xf32>) {
  // expected-error @+1 {{expects offsets, tokens and slots together or not at all}}
  %h = "grouped.matmul"(%x, %w, %o, %z) <{maps = [], operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 1>}> ({
  ^bb0(%a: f32):
    grouped.yield %a : f32
  }) : (tensor<?x16xf32>, tensor<8x32x16xf32>, tensor<9xi32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @matmul_c6_gather(%x: tensor<?x16xf32>, %w: tensor<32x16xf32>, %z: tensor<?x32xf32>) {
  // expected-error @+1 {{expects tables with gather or reduce}}
  %h = grouped.matmul lhs(%x : tensor<?x16xf32>) rhs(%w : tensor<32x16xf32>)
    outs(%z : tensor<?x32xf32>) attributes {maps = [], gather} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x32xf32>
  return
}

// -----

func.func @matmul_c7_lhs(%x: tensor<?x16xbf16>, %w: tensor<32x16xf32>, %z: tensor<?x32xf32>) {
  // expected-error @+1 {{expects an f32 lhs and init, got 'tensor<?x16xbf16>' and 'tensor<?x32xf32>'}}
  %h = grouped.matmul lhs(%x : tensor<?x16xbf16>) rhs(%w : tensor<32x16xf32>)
    outs(%z : tensor<?x32xf32>) attributes {maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x32xf32>
  return
}

// -----

func.func @matmul_c7_weight(%x: tensor<?x16xf32>, %w: tensor<32x16xi8>, %z: tensor<?x32xf32>) {
  // expected-error @+1 {{expects weights of float elements, got 'tensor<32x16xi8>'}}
  %h = grouped.matmul lhs(%x : tensor<?x16xf32>) rhs(%w : tensor<32x16xi8>)
    outs(%z : tensor<?x32xf32>) attributes {maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x32xf32>
  return
}

// -----

func.func @matmul_c8(%x: tensor<?x16xf32>, %w: tensor<8x32x16xf32>, %o: tensor<9xi32>, %t: tensor<?xi32>,
                     %z: tensor<?x32xf32>) {
  // expected-error @+1 {{expects wave_rows of at least 1, with reduce and without gather, got 64}}
  %h = grouped.matmul lhs(%x : tensor<?x16xf32>) rhs(%w : tensor<8x32x16xf32>)
    groups(%o, %t, %t : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
    outs(%z : tensor<?x32xf32>) attributes {maps = [], wave_rows = 64 : i64} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x32xf32>
  return
}

// -----

func.func @matmul_c8_none(%x: tensor<?x16xf32>, %w: tensor<8x32x16xf32>, %o: tensor<9xi32>, %t: tensor<?xi32>,
                          %z: tensor<?x32xf32>) {
  // expected-error @+1 {{expects wave_rows of at least 1, with reduce and without gather, got 0}}
  %h = grouped.matmul lhs(%x : tensor<?x16xf32>) rhs(%w : tensor<8x32x16xf32>)
    groups(%o, %t, %t : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
    outs(%z : tensor<?x32xf32>) attributes {maps = [], reduce, wave_rows = 0 : i64} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x32xf32>
  return
}
