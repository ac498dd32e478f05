// RUN: moe-opt %s --verify-diagnostics --split-input-file

func.func @sort_c1_count(%ids: tensor<?x2xi32>, %o: tensor<9xi32>) {
  // expected-error @+1 {{expects inits for offsets, tokens and slots, got 1}}
  %r = grouped.sort ids(%ids : tensor<?x2xi32>) outs(%o : tensor<9xi32>) -> tensor<9xi32>
  return
}

// -----

func.func @sort_c1_lengths(%ids: tensor<?x2xi32>, %o: tensor<9xi32>, %t: tensor<6xi32>, %s: tensor<8xi32>) {
  // expected-error @+1 {{expects tokens and slots of one length, got 6 and 8}}
  %r:3 = grouped.sort ids(%ids : tensor<?x2xi32>) outs(%o, %t, %s : tensor<9xi32>, tensor<6xi32>, tensor<8xi32>)
    -> tensor<9xi32>, tensor<6xi32>, tensor<8xi32>
  return
}

// -----

func.func @sort_c1_room(%ids: tensor<4x2xi32>, %o: tensor<9xi32>, %t: tensor<6xi32>) {
  // expected-error @+1 {{expects room for 8 rows, got 6}}
  %r:3 = grouped.sort ids(%ids : tensor<4x2xi32>) outs(%o, %t, %t : tensor<9xi32>, tensor<6xi32>, tensor<6xi32>)
    -> tensor<9xi32>, tensor<6xi32>, tensor<6xi32>
  return
}

// -----

func.func @sort_c2(%ids: tensor<4x?xi32>, %n: index, %o: tensor<9xi32>, %t: tensor<?xi32>) {
  // expected-error @+1 {{expects offsets of 4 groups, got 8}}
  %r:3 = grouped.sort ids(%ids : tensor<4x?xi32>) by_expert(%n) outs(%o, %t, %t : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
    -> tensor<9xi32>, tensor<?xi32>, tensor<?xi32>
  return
}

// -----

func.func @gather_c1_count(%x: tensor<?x16xf32>, %o: tensor<9xi32>, %t: tensor<?xi32>) {
  // expected-error @+1 {{expects one init, got 2}}
  %r:2 = grouped.gather source(%x : tensor<?x16xf32>) groups(%o, %t : tensor<9xi32>, tensor<?xi32>)
    outs(%x, %x : tensor<?x16xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>, tensor<?x16xf32>
  return
}

// -----

func.func @gather_c1_shape(%x: tensor<?x16xf32>, %o: tensor<9xi32>, %t: tensor<?xi32>, %e: tensor<?x15xf32>) {
  // expected-error @+1 {{expects an init that differs from the source in dimension 0 only, got 'tensor<?x15xf32>' for 'tensor<?x16xf32>'}}
  %r = grouped.gather source(%x : tensor<?x16xf32>) groups(%o, %t : tensor<9xi32>, tensor<?xi32>)
    outs(%e : tensor<?x15xf32>) -> tensor<?x15xf32>
  return
}

// -----

func.func @combine_c1(%x: tensor<?x16xf32>, %o: tensor<9xi32>, %t: tensor<?xi32>, %e: tensor<?x16xbf16>) {
  // expected-error @+1 {{expects an init that differs from the rows in dimension 0 only, got 'tensor<?x16xbf16>' for 'tensor<?x16xf32>'}}
  %r = grouped.combine rows(%x : tensor<?x16xf32>) groups(%o, %t : tensor<9xi32>, tensor<?xi32>)
    outs(%e : tensor<?x16xbf16>) -> tensor<?x16xbf16>
  return
}

// -----

func.func @slots_c1_count(%x: tensor<?x16xf32>, %o: tensor<9xi32>, %t: tensor<?xi32>) {
  // expected-error @+1 {{expects one init, got 0}}
  "grouped.slots"(%x, %o, %t, %t) : (tensor<?x16xf32>, tensor<9xi32>, tensor<?xi32>, tensor<?xi32>) -> ()
  return
}

// -----

func.func @slots_c1_shape(%x: tensor<?x16xf32>, %o: tensor<9xi32>, %t: tensor<?xi32>, %e: tensor<?x16xf32>) {
  // expected-error @+1 {{expects an init [T, K, ...] of the trailing dimensions of the rows, got 'tensor<?x16xf32>' for 'tensor<?x16xf32>'}}
  %r = grouped.slots rows(%x : tensor<?x16xf32>) groups(%o, %t, %t : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
    outs(%e : tensor<?x16xf32>) -> tensor<?x16xf32>
  return
}

// -----

func.func @select_c1_inits(%p: tensor<?x8xf32>, %i: tensor<?x2xi32>, %s: tensor<?x2xf32>) {
  // expected-error @+1 {{expects 1 inits for policy #moe.top_k<2>, got 2}}
  %r:2 = grouped.select #moe.top_k<2> scores(%p : tensor<?x8xf32>)
    outs(%i, %s : tensor<?x2xi32>, tensor<?x2xf32>) -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @select_c1_scores(%p: tensor<?x8xf32>, %i: tensor<?x2xi32>) {
  // expected-error @+1 {{expects 1 scores and 0 params for policy #moe.top_k<2>, got 2 and 0}}
  %r = grouped.select #moe.top_k<2> scores(%p, %p : tensor<?x8xf32>, tensor<?x8xf32>)
    outs(%i : tensor<?x2xi32>) -> tensor<?x2xi32>
  return
}

// -----

func.func @select_c1_width(%p: tensor<?x?xf32>, %i: tensor<?x2xi32>) {
  // expected-error @+1 {{expects scores of rank 2 and static width, got 'tensor<?x?xf32>'}}
  %r = grouped.select #moe.top_k<2> scores(%p : tensor<?x?xf32>)
    outs(%i : tensor<?x2xi32>) -> tensor<?x2xi32>
  return
}

// -----

func.func @select_c1_rows(%p: tensor<5x8xf32>, %i: tensor<6x2xi32>) {
  // expected-error @+1 {{expects inits with one row per score row and 2 slots, got 'tensor<6x2xi32>'}}
  %r = grouped.select #moe.top_k<2> scores(%p : tensor<5x8xf32>)
    outs(%i : tensor<6x2xi32>) -> tensor<6x2xi32>
  return
}
