// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %moe-opt %s --split-input-file --convert-moe-to-grouped --canonicalize --cse | FileCheck %s

// Gather at the ids (never out of range), sum, divide; -1 keeps `fill`.
// CHECK-LABEL: func @sum(
// CHECK-SAME: %[[P:.*]]: tensor<?x8xf32>, %[[IDS:.*]]: tensor<?x2xi32>
// CHECK-DAG: %[[FILL:.*]] = arith.constant -1.000000e+00 : f32
// CHECK-DAG: %[[EPS:.*]] = arith.constant 9.99999968E-21 : f32
// CHECK-DAG: %[[SCALE:.*]] = arith.constant 2.500000e+00 : f32
// CHECK-DAG: %[[C8:.*]] = arith.constant 8 : i32
// CHECK: %[[G:.*]] = linalg.generic {{.*}} ins(%[[IDS]]
// CHECK:   %[[VALID:.*]] = arith.cmpi ult, %[[ID:.*]], %[[C8]]
// CHECK:   %[[SAFE:.*]] = arith.select %[[VALID]], %[[ID]], %c0_i32
// CHECK:   %[[E:.*]] = arith.index_cast %[[SAFE]]
// CHECK:   %[[T:.*]] = linalg.index 0
// CHECK:   %[[V:.*]] = tensor.extract %[[P]][%[[T]], %[[E]]]
// CHECK:   arith.select %[[VALID]], %[[V]], %cst
// CHECK: %[[SUM:.*]] = linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]} ins(%[[G]]
// CHECK:   arith.addf
// CHECK: linalg.generic {{.*}} ins(%[[G]], %[[SUM]], %[[IDS]]
// CHECK:   %[[D:.*]] = arith.addf %{{.*}}, %[[EPS]]
// CHECK:   %[[Q:.*]] = arith.divf %{{.*}}, %[[D]]
// CHECK:   %[[S:.*]] = arith.mulf %[[Q]], %[[SCALE]]
// CHECK:   arith.select %{{.*}}, %[[S]], %[[FILL]]
func.func @sum(%p: tensor<?x8xf32>, %ids: tensor<?x2xi32>) -> tensor<?x2xf32> {
  %w = moe.weigh sum %p, %ids {eps = 1.0e-20 : f64, scale = 2.5 : f64, fill = -1.0 : f64} : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  return %w : tensor<?x2xf32>
}

// -----

// CHECK-LABEL: func @sum_bounded(
// CHECK: %[[EPS:.*]] = arith.constant 1.000000e-03 : f32
// CHECK: arith.maxnumf %{{.*}}, %[[EPS]]
// CHECK-NEXT: arith.divf
func.func @sum_bounded(%p: tensor<?x8xf32>, %ids: tensor<?x2xi32>) -> tensor<?x2xf32> {
  %w = moe.weigh sum %p, %ids eps_mode = max {eps = 1.0e-3 : f64} : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  return %w : tensor<?x2xf32>
}

// -----

// No reduction, and no multiplication by 1.
// CHECK-LABEL: func @none(
// CHECK-NOT: reduction
// CHECK-NOT: arith.mulf
// CHECK: return
func.func @none(%p: tensor<?x8xf32>, %ids: tensor<?x2xi32>) -> tensor<?x2xf32> {
  %w = moe.weigh none %p, %ids : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  return %w : tensor<?x2xf32>
}

// -----

// The scores are not read at all.
// CHECK-LABEL: func @constant(
// CHECK-SAME: %[[P:.*]]: tensor<?x8xf32>, %[[IDS:.*]]: tensor<?x2xi32>
// CHECK-NOT: %[[P]]
// CHECK: arith.select %{{.*}}, %cst{{.*}}, %cst
func.func @constant(%p: tensor<?x8xf32>, %ids: tensor<?x2xi32>) -> tensor<?x2xf32> {
  %w = moe.weigh constant %p, %ids {scale = 0.5 : f64} : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  return %w : tensor<?x2xf32>
}

// -----

// What is missing is -inf, so it takes nothing from the softmax.
// CHECK-LABEL: func @softmax(
// CHECK-DAG: %[[NEG:.*]] = arith.constant 0xFF800000 : f32
// CHECK: arith.select %{{.*}}, %{{.*}}, %[[NEG]]
// CHECK: arith.maxnumf
// CHECK: arith.subf
// CHECK-NEXT: math.exp
// CHECK: arith.addf
// CHECK: arith.divf
func.func @softmax(%p: tensor<?x8xf32>, %ids: tensor<?x2xi32>) -> tensor<?x2xf32> {
  %w = moe.weigh softmax %p, %ids : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  return %w : tensor<?x2xf32>
}

// -----

// CHECK-LABEL: func @l2(
// CHECK: arith.mulf
// CHECK-NEXT: arith.addf
// CHECK: math.sqrt
// CHECK-NEXT: arith.divf
func.func @l2(%p: tensor<?x8xf32>, %ids: tensor<?x2xi32>) -> tensor<?x2xf32> {
  %w = moe.weigh lp %p, %ids : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  return %w : tensor<?x2xf32>
}

// -----

// CHECK-LABEL: func @l3(
// CHECK-DAG: %[[P:.*]] = arith.constant 3.000000e+00 : f32
// CHECK-DAG: %[[ROOT:.*]] = arith.constant 0.333333343 : f32
// CHECK: %[[ABS:.*]] = math.absf
// CHECK: math.powf %[[ABS]], %[[P]]
// CHECK: math.powf %{{.*}}, %[[ROOT]]
func.func @l3(%p: tensor<?x8xf32>, %ids: tensor<?x2xi32>) -> tensor<?x2xf32> {
  %w = moe.weigh lp %p, %ids {p = 3.0 : f64} : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  return %w : tensor<?x2xf32>
}

// -----

// Narrow scores are computed in f32 and rounded once.
// CHECK-LABEL: func @bf16(
// CHECK: arith.extf %{{.*}} : bf16 to f32
// CHECK: tensor<?xf32>
// CHECK: arith.truncf %{{.*}} : f32 to bf16
func.func @bf16(%p: tensor<?x8xbf16>, %ids: tensor<?x2xi32>) -> tensor<?x2xbf16> {
  %w = moe.weigh sum %p, %ids : tensor<?x8xbf16>, tensor<?x2xi32> -> tensor<?x2xbf16>
  return %w : tensor<?x2xbf16>
}

// -----

// Experts of earlier slots are out (inner loop); near ones share a softmax.
// CHECK-LABEL: func @sparse_mixer(
// CHECK-SAME: %[[P:.*]]: tensor<?x8xf32>, %[[IDS:.*]]: tensor<?x2xi32>
// CHECK-DAG: %[[REACH:.*]] = arith.constant 2.000000e-02 : f32
// CHECK: linalg.generic {{.*}} ins(%[[IDS]]
// CHECK:   %[[SLOT:.*]] = linalg.index 1
// CHECK:   scf.for
// CHECK:     scf.for %[[J:.*]] = %c0{{.*}} to %[[SLOT]]
// CHECK:       tensor.extract %[[IDS]]
// CHECK:     arith.maxnumf
// CHECK:   scf.for
// CHECK:     arith.cmpf ule, %{{.*}}, %[[REACH]]
// CHECK:     math.exp
// CHECK:   arith.divf
func.func @sparse_mixer(%p: tensor<?x8xf32>, %ids: tensor<?x2xi32>) -> tensor<?x2xf32> {
  %w = moe.weigh sparse_mixer %p, %ids {jitter = 0.01 : f64} : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  return %w : tensor<?x2xf32>
}
