// RUN: moe-opt %s --verify-roundtrip | FileCheck %s
// RUN: moe-opt %s --cse | FileCheck %s --check-prefix=CSE

// CHECK-LABEL: func @by_token
func.func @by_token(%ids: tensor<?x2xi32>) -> index {
  // CHECK: %[[PLAN:.*]] = moe.plan %{{.*}} : tensor<?x2xi32> -> <experts = 8, slots = 2>
  %plan = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 8, slots = 2>
  // CHECK: moe.rows %[[PLAN]] : !moe.plan<experts = 8, slots = 2>
  %n = moe.rows %plan : !moe.plan<experts = 8, slots = 2>
  return %n : index
}

// CHECK-LABEL: func @by_expert
func.func @by_expert(%ids: tensor<4x?xi32>, %n: index) -> index {
  // CHECK: moe.plan by_expert %{{.*}} tokens(%{{.*}}) : tensor<4x?xi32>
  %plan = moe.plan by_expert %ids tokens(%n) : tensor<4x?xi32> -> !moe.plan<experts = 4, slots = 4>
  %rows = moe.rows %plan : !moe.plan<experts = 4, slots = 4>
  return %rows : index
}

// Equal routings share one plan.
// CSE-LABEL: func @equal_routings
// CSE: = moe.plan
// CSE-NOT: = moe.plan
// CSE: return
func.func @equal_routings(%ids: tensor<?x2xi32>) -> (index, index) {
  %a = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 8, slots = 2>
  %b = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 8, slots = 2>
  %m = moe.rows %a : !moe.plan<experts = 8, slots = 2>
  %n = moe.rows %b : !moe.plan<experts = 8, slots = 2>
  return %m, %n : index, index
}

// Routings that differ in range do not.
// CSE-LABEL: func @different_experts
// CSE: = moe.plan
// CSE: = moe.plan
// CSE: return
func.func @different_experts(%ids: tensor<?x2xi32>) -> (index, index) {
  %a = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 8, slots = 2>
  %b = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 6, slots = 2>
  %m = moe.rows %a : !moe.plan<experts = 8, slots = 2>
  %n = moe.rows %b : !moe.plan<experts = 6, slots = 2>
  return %m, %n : index, index
}
