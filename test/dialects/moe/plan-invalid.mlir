// RUN: moe-opt %s --verify-diagnostics --split-input-file

func.func @plan_c1(%ids: tensor<?x3xi32>) {
  // expected-error@+1 {{expects ids of width 2, got 'tensor<?x3xi32>'}}
  %0 = moe.plan %ids : tensor<?x3xi32> -> !moe.plan<experts = 8, slots = 2>
  return
}

// -----

func.func @plan_c2_height(%ids: tensor<3x?xi32>, %n: index) {
  // expected-error@+1 {{expects one row of ids and one slot per expert, got 'tensor<3x?xi32>' and '!moe.plan<experts = 4, slots = 4>'}}
  %0 = moe.plan by_expert %ids tokens(%n) : tensor<3x?xi32> -> !moe.plan<experts = 4, slots = 4>
  return
}

// -----

func.func @plan_c2_slots(%ids: tensor<4x?xi32>, %n: index) {
  // expected-error@+1 {{expects one row of ids and one slot per expert}}
  %0 = moe.plan by_expert %ids tokens(%n) : tensor<4x?xi32> -> !moe.plan<experts = 4, slots = 2>
  return
}

// -----

func.func @plan_c3_missing(%ids: tensor<4x?xi32>) {
  // expected-error@+1 {{expects a number of tokens for a plan by expert}}
  %0 = moe.plan by_expert %ids : tensor<4x?xi32> -> !moe.plan<experts = 4, slots = 4>
  return
}

// -----

func.func @plan_c3_superfluous(%ids: tensor<?x2xi32>, %n: index) {
  // expected-error@+1 {{expects no number of tokens for a plan by token}}
  %0 = moe.plan %ids tokens(%n) : tensor<?x2xi32> -> !moe.plan<experts = 8, slots = 2>
  return
}

// -----

// expected-error@+1 {{plan expects at least one expert, got 0}}
func.func private @experts_positive(!moe.plan<experts = 0, slots = 2>)

// -----

// expected-error@+1 {{plan expects at least one slot, got 0}}
func.func private @slots_positive(!moe.plan<experts = 8, slots = 0>)
