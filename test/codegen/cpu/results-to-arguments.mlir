// RUN: %moe-opt %s --split-input-file --cpu-results-to-arguments | FileCheck %s

// CHECK-LABEL: func.func @f(
// CHECK-SAME: %[[X:.*]]: tensor<?x8xf32> {bufferization.writable = false},
// CHECK-SAME: %[[Y:.*]]: memref<?x8xf32> {moe.dims = ["T", "8"], moe.name = "y", moe.result}) {
// CHECK: bufferization.materialize_in_destination %[[X]] in restrict writable %[[Y]]
// CHECK: return{{$}}
func.func @f(%x: tensor<?x8xf32>) -> (tensor<?x8xf32> {moe.name = "y", moe.dims = ["T", "8"]}) {
  return %x : tensor<?x8xf32>
}

// -----

// Each branch writes what it would yield.
// CHECK-LABEL: func.func @branches(
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<8xf32> {{{[^}]*}}}, %[[Y:[a-z0-9]+]]: tensor<8xf32> {{{[^}]*}}}, %[[R:[a-z0-9]+]]: memref<8xf32>
// CHECK: scf.if
// CHECK: materialize_in_destination %[[X]] in restrict writable %[[R]]
// CHECK: } else {
// CHECK: materialize_in_destination %[[Y]] in restrict writable %[[R]]
// CHECK: }
// CHECK-NOT: materialize
func.func @branches(%c: i1, %x: tensor<8xf32>, %y: tensor<8xf32>) -> tensor<8xf32> {
  %r = scf.if %c -> tensor<8xf32> {
    scf.yield %x : tensor<8xf32>
  } else {
    scf.yield %y : tensor<8xf32>
  }
  return %r : tensor<8xf32>
}

// -----

// A value that others read, too, is written after the branches.
// CHECK-LABEL: func.func @used_twice(
// CHECK: %[[R:.*]] = scf.if
// CHECK-NOT: materialize
// CHECK: }
// CHECK: materialize_in_destination %[[R]]
// CHECK: materialize_in_destination %[[R]]
func.func @used_twice(%c: i1, %x: tensor<8xf32>, %y: tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>) {
  %r = scf.if %c -> tensor<8xf32> {
    scf.yield %x : tensor<8xf32>
  } else {
    scf.yield %y : tensor<8xf32>
  }
  return %r, %r : tensor<8xf32>, tensor<8xf32>
}
