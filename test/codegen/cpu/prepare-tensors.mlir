// RUN: %moe-opt %s --split-input-file --cpu-prepare-tensors | FileCheck %s

// CHECK-LABEL: func.func @softmax
// CHECK-NOT: linalg.softmax
// CHECK: arith.maxnumf
// CHECK: math.exp
// CHECK: arith.addf
// CHECK: arith.divf
func.func @softmax(%x: tensor<3x8xf32>) -> tensor<3x8xf32> {
  %e = tensor.empty() : tensor<3x8xf32>
  %y = linalg.softmax dimension(1) ins(%x : tensor<3x8xf32>) outs(%e : tensor<3x8xf32>) -> tensor<3x8xf32>
  return %y : tensor<3x8xf32>
}

// -----

// CHECK-LABEL: func.func @concat
// CHECK-NOT: tensor.concat
// CHECK-COUNT-2: tensor.insert_slice
func.func @concat(%x: tensor<3x8xf32>, %y: tensor<3x8xf32>) -> tensor<6x8xf32> {
  %z = tensor.concat dim(0) %x, %y : (tensor<3x8xf32>, tensor<3x8xf32>) -> tensor<6x8xf32>
  return %z : tensor<6x8xf32>
}

// -----

// Each use of an empty tensor has its own.
// CHECK-LABEL: func.func @empty
// CHECK: %[[A:.*]] = tensor.empty() : tensor<4xf32>
// CHECK: linalg.exp ins(%{{.*}}) outs(%[[A]]
// CHECK: %[[B:.*]] = tensor.empty() : tensor<4xf32>
// CHECK: linalg.exp ins(%{{.*}}) outs(%[[B]]
func.func @empty(%x: tensor<4xf32>) -> tensor<4xf32> {
  %e = tensor.empty() : tensor<4xf32>
  %y = linalg.exp ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  %z = linalg.exp ins(%y : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  return %z : tensor<4xf32>
}

// -----

// A new tensor that an iteration yields is copied into the carried one; one that
// updates it is not.
// CHECK-LABEL: func.func @carried(
// CHECK: scf.for {{.*}} iter_args(%[[P:.*]] = %{{.*}}, %[[Q:.*]] = %{{.*}})
// CHECK:   %[[T:.*]] = linalg.tanh ins(%[[P]]
// CHECK:   %[[S:.*]] = tensor.insert_slice {{.*}} into %[[Q]]
// CHECK:   %[[C:.*]] = linalg.copy ins(%[[T]] : {{.*}}) outs(%[[P]] : {{.*}})
// CHECK:   scf.yield %[[C]], %[[S]]
func.func @carried(%x: tensor<4x8xf32>, %n: index) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %e = tensor.empty() : tensor<4x8xf32>
  %row = tensor.extract_slice %x[0, 0] [1, 8] [1, 1] : tensor<4x8xf32> to tensor<1x8xf32>
  %0:2 = scf.for %i = %c0 to %n step %c1 iter_args(%p = %x, %q = %x) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
    %t = linalg.tanh ins(%p : tensor<4x8xf32>) outs(%e : tensor<4x8xf32>) -> tensor<4x8xf32>
    %s = tensor.insert_slice %row into %q[0, 0] [1, 8] [1, 1] : tensor<1x8xf32> into tensor<4x8xf32>
    scf.yield %t, %s : tensor<4x8xf32>, tensor<4x8xf32>
  }
  return %0#0, %0#1 : tensor<4x8xf32>, tensor<4x8xf32>
}

// -----

// CHECK-LABEL: func.func @while(
// CHECK: scf.while (%[[P:.*]] = %{{.*}})
// CHECK:   scf.condition(%{{.*}}) %[[P]]
// CHECK: ^bb0(%[[Q:.*]]: tensor<4xf32>):
// CHECK:   %[[T:.*]] = linalg.tanh
// CHECK:   %[[C:.*]] = linalg.copy ins(%[[T]] : {{.*}}) outs(%[[Q]] : {{.*}})
// CHECK:   scf.yield %[[C]]
func.func @while(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c0 = arith.constant 0 : index
  %one = arith.constant 1.0 : f32
  %e = tensor.empty() : tensor<4xf32>
  %0 = scf.while (%p = %x) : (tensor<4xf32>) -> tensor<4xf32> {
    %v = tensor.extract %p[%c0] : tensor<4xf32>
    %more = arith.cmpf ogt, %v, %one : f32
    scf.condition(%more) %p : tensor<4xf32>
  } do {
  ^bb0(%p: tensor<4xf32>):
    %t = linalg.tanh ins(%p : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    scf.yield %t : tensor<4xf32>
  }
  return %0 : tensor<4xf32>
}

// -----

// Sizes of what branches give and loops carry are those of earlier tensors.
// CHECK-LABEL: func.func @sizes(
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x4xf32>
// CHECK: %[[T:.*]] = tensor.dim %[[X]]
// CHECK: return %{{.*}}, %[[T]], %[[T]]
func.func @sizes(%x: tensor<?x4xf32>, %flag: i1) -> (tensor<?x4xf32>, index, index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %t = tensor.dim %x, %c0 : tensor<?x4xf32>
  %e = tensor.empty(%t) : tensor<?x4xf32>
  %0 = scf.if %flag -> tensor<?x4xf32> {
    %1 = linalg.tanh ins(%x : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
    scf.yield %1 : tensor<?x4xf32>
  } else {
    %2 = linalg.exp ins(%x : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
    scf.yield %2 : tensor<?x4xf32>
  }
  %3 = scf.for %i = %c0 to %t step %c1 iter_args(%p = %0) -> tensor<?x4xf32> {
    %4 = linalg.tanh ins(%p : tensor<?x4xf32>) outs(%p : tensor<?x4xf32>) -> tensor<?x4xf32>
    scf.yield %4 : tensor<?x4xf32>
  }
  %n = tensor.dim %0, %c0 : tensor<?x4xf32>
  %m = tensor.dim %3, %c0 : tensor<?x4xf32>
  return %3, %n, %m : tensor<?x4xf32>, index, index
}

// -----

// One that updates it is copied where the old one is read afterwards.
// CHECK-LABEL: func.func @read_after(
// CHECK: scf.for {{.*}} iter_args(%[[P:.*]] = %{{.*}})
// CHECK:   %[[S:.*]] = tensor.insert_slice {{.*}} into %[[P]]
// CHECK:   %[[T:.*]] = linalg.add ins(%[[P]], %[[P]] : {{.*}}) outs(%[[S]]
// CHECK:   %[[C:.*]] = linalg.copy ins(%[[T]] : {{.*}}) outs(%[[P]] : {{.*}})
// CHECK:   scf.yield %[[C]]
func.func @read_after(%x: tensor<4x8xf32>, %row: tensor<1x8xf32>, %n: index) -> tensor<4x8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %0 = scf.for %i = %c0 to %n step %c1 iter_args(%p = %x) -> (tensor<4x8xf32>) {
    %s = tensor.insert_slice %row into %p[0, 0] [1, 8] [1, 1] : tensor<1x8xf32> into tensor<4x8xf32>
    %t = linalg.add ins(%p, %p : tensor<4x8xf32>, tensor<4x8xf32>) outs(%s : tensor<4x8xf32>) -> tensor<4x8xf32>
    scf.yield %t : tensor<4x8xf32>
  }
  return %0 : tensor<4x8xf32>
}

// -----

// So it is where the update itself reads the old one elsewhere.
// CHECK-LABEL: func.func @read_by_update(
// CHECK: scf.for {{.*}} iter_args(%[[P:.*]] = %{{.*}})
// CHECK:   %[[Y:.*]] = linalg.matmul ins(%[[P]], %{{.*}}) outs(%[[P]]
// CHECK:   %[[C:.*]] = linalg.copy ins(%[[Y]] : {{.*}}) outs(%[[P]] : {{.*}})
// CHECK:   scf.yield %[[C]]
func.func @read_by_update(%x: tensor<8x8xf32>, %w: tensor<8x8xf32>, %n: index) -> tensor<8x8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %0 = scf.for %i = %c0 to %n step %c1 iter_args(%p = %x) -> (tensor<8x8xf32>) {
    %y = linalg.matmul ins(%p, %w : tensor<8x8xf32>, tensor<8x8xf32>) outs(%p : tensor<8x8xf32>) -> tensor<8x8xf32>
    scf.yield %y : tensor<8x8xf32>
  }
  return %0 : tensor<8x8xf32>
}
