// RUN: moe-opt %s --verify-diagnostics --split-input-file

func.func @map_c1(%x: tensor<?x16xf32>, %z: tensor<16xf32>) {
  // expected-error @+1 {{expects one init of rank 2}}
  %y = grouped.map ins(%x : tensor<?x16xf32>) maps [affine_map<(e, r, t, s, n) -> (r, n)>]
    outs(%z : tensor<16xf32>) {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<16xf32>
  return
}

// -----

func.func @map_c2_count(%x: tensor<?x16xf32>, %z: tensor<?x16xf32>) {
  // expected-error @+1 {{expects one map per input (1), got 0}}
  %y = grouped.map ins(%x : tensor<?x16xf32>) maps [] outs(%z : tensor<?x16xf32>) {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x16xf32>
  return
}

// -----

func.func @map_c2_space(%x: tensor<?x16xf32>, %z: tensor<?x16xf32>) {
  // expected-error @+1 {{expects map 0 over (e, r, t, s, n), got affine_map<(d0, d1) -> (d0, d1)>}}
  %y = grouped.map ins(%x : tensor<?x16xf32>) maps [affine_map<(r, n) -> (r, n)>] outs(%z : tensor<?x16xf32>) {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x16xf32>
  return
}

// -----

func.func @map_c2_rank(%x: tensor<?x16xf32>, %z: tensor<?x16xf32>) {
  // expected-error @+1 {{expects map 0 to have 2 results, got 1}}
  %y = grouped.map ins(%x : tensor<?x16xf32>) maps [affine_map<(e, r, t, s, n) -> (r)>] outs(%z : tensor<?x16xf32>) {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x16xf32>
  return
}

// -----

func.func @map_c2_result(%x: tensor<?x16xf32>, %z: tensor<?x16xf32>) {
  // expected-error @+1 {{expects results of map 0 to be a dimension or 0, got affine_map<(d0, d1, d2, d3, d4) -> (d1, d4 + 1)>}}
  %y = grouped.map ins(%x : tensor<?x16xf32>) maps [affine_map<(e, r, t, s, n) -> (r, n + 1)>] outs(%z : tensor<?x16xf32>) {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x16xf32>
  return
}

// -----

func.func @map_c2_columns(%x: tensor<?x15xf32>, %z: tensor<?x16xf32>) {
  // expected-error @+1 {{expects dimension 1 of input 0 to have 16 entries, got 15}}
  %y = grouped.map ins(%x : tensor<?x15xf32>) maps [affine_map<(e, r, t, s, n) -> (r, n)>] outs(%z : tensor<?x16xf32>) {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x16xf32>
  return
}

// -----

func.func @map_c2_groups(%b: tensor<7x16xf32>, %o: tensor<9xi32>, %t: tensor<?xi32>, %z: tensor<?x16xf32>) {
  // expected-error @+1 {{expects dimension 0 of input 0 to have 8 entries, got 7}}
  %y = grouped.map groups(%o, %t, %t : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
    ins(%b : tensor<7x16xf32>) maps [affine_map<(e, r, t, s, n) -> (e, n)>] outs(%z : tensor<?x16xf32>) {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x16xf32>
  return
}

// -----

func.func @map_c3_arguments(%x: tensor<?x16xbf16>, %z: tensor<?x16xf32>) {
  // expected-error @+1 {{expects the body to take ('bf16'), got ('f32')}}
  %y = grouped.map ins(%x : tensor<?x16xbf16>) maps [affine_map<(e, r, t, s, n) -> (r, n)>] outs(%z : tensor<?x16xf32>) {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x16xf32>
  return
}

// -----

func.func @map_c3_yield(%x: tensor<?x16xf32>, %z: tensor<?x16xbf16>) {
  // expected-error @+1 {{expects the body to yield one 'bf16', got ('f32')}}
  %y = grouped.map ins(%x : tensor<?x16xf32>) maps [affine_map<(e, r, t, s, n) -> (r, n)>] outs(%z : tensor<?x16xbf16>) {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x16xbf16>
  return
}

// -----

func.func @map_c4(%x: tensor<?x16xf32>, %o: tensor<9xi32>, %z: tensor<?x16xf32>) {
  // expected-error @+1 {{expects offsets, tokens and slots together or not at all}}
  %y = "grouped.map"(%o, %x, %z) <{maps = [affine_map<(e, r, t, s, n) -> (r, n)>], operandSegmentSizes = array<i32: 1, 0, 0, 1, 1>}> ({
  ^bb0(%a: f32):
    grouped.yield %a : f32
  }) : (tensor<9xi32>, tensor<?x16xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
  return
}
