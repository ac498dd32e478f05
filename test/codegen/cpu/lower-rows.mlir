// RUN: %moe-opt %s --split-input-file --cpu-lower-grouped --canonicalize --cse | FileCheck %s

// Blocks of rows that the tables name; vectors, then single elements.
// CHECK-LABEL: func.func @gather(
// CHECK-SAME: %[[X:[^:]*]]: memref<?x12xf32>
// CHECK: scf.parallel
// CHECK: vector.load %[[X]]
// CHECK: memref.load %[[X]]
func.func @gather(%x: memref<?x12xf32>, %o: memref<5xi32>, %t: memref<?xi32>, %s: memref<?xi32>, %y: memref<?x12xf32>) {
  grouped.gather source(%x : memref<?x12xf32>) groups(%o, %t : memref<5xi32>, memref<?xi32>) outs(%y : memref<?x12xf32>)
  return
}

// -----

// Tasks own columns, rows come in order.
// CHECK-LABEL: func.func @combine(
// CHECK-SAME: %[[Y:[^:,]*]]: memref<?x128xf32>)
// CHECK: scf.parallel ({{.*}}) = (%{{.*}}) to (%c2)
// CHECK: %[[OLD:.*]] = vector.load %[[Y]]
// CHECK: arith.addf %[[OLD]]
func.func @combine(%x: memref<?x128xf32>, %o: memref<5xi32>, %t: memref<?xi32>, %s: memref<?xi32>, %y: memref<?x128xf32>) {
  grouped.combine rows(%x : memref<?x128xf32>) groups(%o, %t : memref<5xi32>, memref<?xi32>) outs(%y : memref<?x128xf32>)
  return
}

// -----

// A table says which row is its token's first.
// CHECK-LABEL: func.func @replace(
// CHECK-COUNT-2: memref.alloc({{.*}}) {alignment = 64 : i64} : memref<?xi8>
// CHECK: scf.parallel
// CHECK: arith.trunci {{.*}} : i8 to i1
// CHECK: } else {
// CHECK: arith.addi {{.*}} : vector<8xi32>
func.func @replace(%x: memref<?x128xi32>, %o: memref<5xi32>, %t: memref<?xi32>, %s: memref<?xi32>, %y: memref<?x128xi32>) {
  grouped.combine replace rows(%x : memref<?x128xi32>) groups(%o, %t : memref<5xi32>, memref<?xi32>) outs(%y : memref<?x128xi32>)
  return
}

// -----

// CHECK-LABEL: func.func @slots(
// CHECK-SAME: %[[S:[^:, ]*]]: memref<?xi32>, %[[Y:[^:, ]*]]: memref<?x2x16xf32>)
// CHECK: scf.parallel
// CHECK: memref.load %[[S]]
// CHECK: vector.store %{{.*}}, %[[Y]]
func.func @slots(%x: memref<?x16xf32>, %o: memref<5xi32>, %t: memref<?xi32>, %s: memref<?xi32>, %y: memref<?x2x16xf32>) {
  grouped.slots rows(%x : memref<?x16xf32>) groups(%o, %t, %s : memref<5xi32>, memref<?xi32>, memref<?xi32>) outs(%y : memref<?x2x16xf32>)
  return
}

// -----

// What is the same for a row is loaded once and broadcast; a bf16 vector of
// the group is widened.
// CHECK-LABEL: func.func @map(
// CHECK: scf.parallel
// CHECK: memref.load %{{.*}} : memref<?x2xf32>
// CHECK: scf.for
// CHECK-DAG: vector.broadcast {{.*}} : f32 to vector<8xf32>
// CHECK-DAG: vector.load %{{.*}} : memref<4x16xbf16>, vector<8xbf16>
// CHECK: arith.extf {{.*}} : vector<8xbf16> to vector<8xf32>
// CHECK: arith.select {{.*}} : vector<8xi1>, vector<8xf32>
func.func @map(%x: memref<?x16xf32>, %w: memref<?x2xf32>, %g: memref<4x16xbf16>, %o: memref<5xi32>, %t: memref<?xi32>, %s: memref<?xi32>, %y: memref<?x16xf32>) {
  grouped.map groups(%o, %t, %s : memref<5xi32>, memref<?xi32>, memref<?xi32>) ins(%x, %w, %g : memref<?x16xf32>, memref<?x2xf32>, memref<4x16xbf16>)
    maps [affine_map<(e, r, t, s, n) -> (r, n)>, affine_map<(e, r, t, s, n) -> (t, s)>, affine_map<(e, r, t, s, n) -> (e, n)>]
    outs(%y : memref<?x16xf32>) {
  ^bb0(%a: f32, %b: f32, %c: bf16):
    %z = arith.constant 0.0 : f32
    %wide = arith.extf %c : bf16 to f32
    %m = arith.mulf %a, %b : f32
    %p = arith.cmpf ogt, %a, %z : f32
    %q = arith.select %p, %m, %wide : f32
    grouped.yield %q : f32
  }
  return
}
