// RUN: %moe-opt %s --cpu-expand-math | FileCheck %s

// CHECK-LABEL: func.func @f
// CHECK-NOT: math.exp
// CHECK-NOT: math.tanh
// CHECK-NOT: math.erf
// CHECK-NOT: math.log
// CHECK-NOT: math.powf
// CHECK-NOT: math.rsqrt
// CHECK: math.roundeven %{{.*}} : vector<8xf32>
// CHECK: return
func.func @f(%x: vector<8xf32>, %s: f32) -> (vector<8xf32>, f32) {
  %0 = math.exp %x : vector<8xf32>
  %1 = math.tanh %0 : vector<8xf32>
  %2 = math.erf %1 : vector<8xf32>
  %3 = math.log %2 : vector<8xf32>
  %4 = math.rsqrt %3 : vector<8xf32>
  %5 = math.powf %s, %s : f32
  return %4, %5 : vector<8xf32>, f32
}

// Conversions that the level has no instruction for become integer arithmetic.
// CHECK-LABEL: func.func @bf16
// CHECK-NOT: arith.extf
// CHECK-NOT: arith.truncf
// CHECK: return
func.func @bf16(%x: bf16, %y: f32) -> (f32, bf16) {
  %0 = arith.extf %x : bf16 to f32
  %1 = arith.truncf %y : f32 to bf16
  return %0, %1 : f32, bf16
}

// bf16 functions are computed in f32.
// CHECK-LABEL: func.func @bf16_exp
// CHECK-NOT: math.exp
// CHECK: arith.mulf %{{.*}} : f32
func.func @bf16_exp(%x: bf16) -> bf16 {
  %0 = math.exp %x : bf16
  return %0 : bf16
}
