// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %moe-opt %s --split-input-file --convert-moe-to-grouped --verify-diagnostics --mlir-print-op-on-diagnostic=false

func.func @limit(%ids: tensor<?x2xi32>, %c: i32) -> tensor<?x2xi32> {
  // expected-error @+1 {{'moe.limit' op has no CPU code yet; moe-run --reference runs it}}
  %kept = moe.limit token %ids capacity(%c) experts = 8 : tensor<?x2xi32> -> tensor<?x2xi32>
  return %kept : tensor<?x2xi32>
}

// -----

func.func @select_tokens(%s: tensor<?x4xf32>, %c: i32) -> (tensor<4x?xi32>, tensor<?x4xi1>) {
  // expected-error @+1 {{'moe.select_tokens' op has no CPU code yet; moe-run --reference runs it}}
  %ids, %chosen = moe.select_tokens position %s capacity(%c : i32) : tensor<?x4xf32> -> tensor<4x?xi32>, tensor<?x4xi1>
  return %ids, %chosen : tensor<4x?xi32>, tensor<?x4xi1>
}

// -----

!plan = !moe.plan<experts = 2, slots = 1>
func.func @tapped_rows(%x: tensor<?x16xf32>, %ids: tensor<?x1xi32>) {
  %plan = moe.plan %ids : tensor<?x1xi32> -> !plan
  // expected-error @+1 {{'moe.dispatch' op rows reach an operation outside of the experts that is not row-wise}}
  %r = moe.dispatch %x by %plan : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  // expected-note @+1 {{'moe.tap'; moe-run --reference runs it}}
  moe.tap "rows" %r : tensor<?x16xf32>
  return
}

// -----

func.func @dispatch_rank_1(%x: tensor<?xf32>, %ids: tensor<?x2xi32>, %w: tensor<?x2xf32>, %init: tensor<?xf32>) -> tensor<?xf32> {
  %plan = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 8, slots = 2>
  // expected-error @+1 {{'moe.dispatch' op with weights expects float rows of rank 2, got 'tensor<?xf32>'}}
  %r = moe.dispatch %x by %plan weights(%w : tensor<?x2xf32>) : tensor<?xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?xf32>
  %y = moe.combine add %r by %plan init(%init : tensor<?xf32>) : tensor<?xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?xf32>
  return %y : tensor<?xf32>
}

// -----

func.func @combine_rank_1(%x: tensor<?xf32>, %ids: tensor<?x2xi32>, %w: tensor<?x2xf32>, %init: tensor<?xf32>) -> tensor<?xf32> {
  %plan = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 8, slots = 2>
  %r = moe.dispatch %x by %plan : tensor<?xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?xf32>
  // expected-error @+1 {{'moe.combine' op with weights expects float rows of rank 2, got 'tensor<?xf32>'}}
  %y = moe.combine add %r by %plan weights(%w : tensor<?x2xf32>) init(%init : tensor<?xf32>) : tensor<?xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?xf32>
  return %y : tensor<?xf32>
}

// -----

// expected-error @+1 {{'func.func' op is exported, and a plan crosses it}}
func.func @exported(%plan: !moe.plan<experts = 8, slots = 2>) -> index {
  %n = moe.rows %plan : !moe.plan<experts = 8, slots = 2>
  return %n : index
}

// -----

func.func @crossed(%ids: tensor<?x2xi32>, %c: i1) -> index {
  %p = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 8, slots = 2>
  // expected-error @+1 {{'arith.select' op is crossed by a plan, which has no tables here}}
  %q = arith.select %c, %p, %p : !moe.plan<experts = 8, slots = 2>
  %n = moe.rows %q : !moe.plan<experts = 8, slots = 2>
  return %n : index
}

// -----

!plan = !moe.plan<experts = 2, slots = 1>
func.func @rows_leave(%x: tensor<?x16xf32>, %ids: tensor<?x1xi32>) -> tensor<?x16xf32> {
  %plan = moe.plan %ids : tensor<?x1xi32> -> !plan
  // expected-error @+1 {{'moe.dispatch' op rows reach an operation outside of the experts that is not row-wise}}
  %r = moe.dispatch %x by %plan : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  // expected-note @+1 {{'func.return'; moe-run --reference runs it}}
  return %r : tensor<?x16xf32>
}

// -----

!plan = !moe.plan<experts = 2, slots = 1>
func.func @rows_are_summed(%x: tensor<?x16xf32>, %ids: tensor<?x1xi32>, %z: tensor<16xf32>) -> tensor<16xf32> {
  %plan = moe.plan %ids : tensor<?x1xi32> -> !plan
  // expected-error @+1 {{'moe.dispatch' op rows reach an operation outside of the experts that is not row-wise}}
  %r = moe.dispatch %x by %plan : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  // expected-note @+1 {{'linalg.generic'; moe-run --reference runs it}}
  %s = linalg.generic {indexing_maps = [affine_map<(k, t) -> (t, k)>, affine_map<(k, t) -> (k)>], iterator_types = ["parallel", "reduction"]}
      ins(%r : tensor<?x16xf32>) outs(%z : tensor<16xf32>) {
  ^bb0(%a: f32, %o: f32):
    %n = arith.addf %a, %o : f32
    linalg.yield %n : f32
  } -> tensor<16xf32>
  return %s : tensor<16xf32>
}

// -----

!plan = !moe.plan<experts = 2, slots = 1>
func.func @null_expert(%x: tensor<?x16xf32>, %ids: tensor<?x1xi32>, %z: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %plan = moe.plan %ids : tensor<?x1xi32> -> !plan
  // expected-error @+1 {{'moe.experts' op with a null expert (members[1]) has no CPU code yet; moe-run --reference runs it}}
  %y = moe.experts %plan rows(%x : tensor<?x16xf32>) members = [0, -1] : !plan -> tensor<?x16xf32> {
  ^bb0(%r: tensor<?x16xf32>, %expert: index):
    moe.yield %r : tensor<?x16xf32>
  }
  %o = moe.combine add %y by %plan init(%z : tensor<?x16xf32>) : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  return %o : tensor<?x16xf32>
}

// -----

!plan = !moe.plan<experts = 2, slots = 1>
func.func @two_regions(%x: tensor<?x16xf32>, %ids: tensor<?x1xi32>, %z: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %plan = moe.plan %ids : tensor<?x1xi32> -> !plan
  // expected-error @+1 {{'moe.experts' op with 2 regions has no CPU code yet; moe-run --reference runs it}}
  %y = moe.experts %plan rows(%x : tensor<?x16xf32>) members = [0, 1] slot = [0, 0] : !plan -> tensor<?x16xf32> {
  ^bb0(%r: tensor<?x16xf32>, %expert: index):
    moe.yield %r : tensor<?x16xf32>
  }, {
  ^bb0(%r: tensor<?x16xf32>, %expert: index):
    moe.yield %r : tensor<?x16xf32>
  }
  %o = moe.combine add %y by %plan init(%z : tensor<?x16xf32>) : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  return %o : tensor<?x16xf32>
}

// -----

!plan = !moe.plan<experts = 2, slots = 1>
func.func @shared_slot(%x: tensor<?x16xf32>, %ids: tensor<?x1xi32>, %z: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %plan = moe.plan %ids : tensor<?x1xi32> -> !plan
  // expected-error @+1 {{'moe.experts' op with slot[1] = 0 has no CPU code yet; moe-run --reference runs it}}
  %y = moe.experts %plan rows(%x : tensor<?x16xf32>) slot = [0, 0] : !plan -> tensor<?x16xf32> {
  ^bb0(%r: tensor<?x16xf32>, %expert: index):
    moe.yield %r : tensor<?x16xf32>
  }
  %o = moe.combine add %y by %plan init(%z : tensor<?x16xf32>) : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  return %o : tensor<?x16xf32>
}

// -----

!plan = !moe.plan<experts = 2, slots = 1>
func.func @expert_id(%x: tensor<?x16xf32>, %ids: tensor<?x1xi32>, %z: tensor<?x16xf32>, %v: tensor<2xf32>) -> tensor<?x16xf32> {
  %plan = moe.plan %ids : tensor<?x1xi32> -> !plan
  // expected-error @+1 {{'moe.experts' op region has no CPU code yet; moe-run --reference runs it}}
  %y = moe.experts %plan rows(%x : tensor<?x16xf32>) : !plan -> tensor<?x16xf32> {
  ^bb0(%r: tensor<?x16xf32>, %expert: index):
    // expected-note @+1 {{'tensor.extract' uses the expert's id}}
    %s = tensor.extract %v[%expert] : tensor<2xf32>
    %f = linalg.fill ins(%s : f32) outs(%r : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %f : tensor<?x16xf32>
  }
  %o = moe.combine add %y by %plan init(%z : tensor<?x16xf32>) : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  return %o : tensor<?x16xf32>
}

// -----

!plan = !moe.plan<experts = 2, slots = 1>
func.func @softmax_over_rows(%x: tensor<?x16xf32>, %ids: tensor<?x1xi32>, %z: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %plan = moe.plan %ids : tensor<?x1xi32> -> !plan
  // expected-error @+1 {{'moe.experts' op region has no CPU code yet; moe-run --reference runs it}}
  %y = moe.experts %plan rows(%x : tensor<?x16xf32>) : !plan -> tensor<?x16xf32> {
  ^bb0(%r: tensor<?x16xf32>, %expert: index):
    // expected-note @+1 {{'linalg.softmax' is neither row-wise nor a contraction of rows}}
    %s = linalg.softmax dimension(0) ins(%r : tensor<?x16xf32>) outs(%r : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %s : tensor<?x16xf32>
  }
  %o = moe.combine add %y by %plan init(%z : tensor<?x16xf32>) : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  return %o : tensor<?x16xf32>
}

// -----

!plan = !moe.plan<experts = 2, slots = 1>
func.func @some_rows(%x: tensor<?x16xf32>, %ids: tensor<?x1xi32>, %z: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %c0 = arith.constant 0 : index
  %plan = moe.plan %ids : tensor<?x1xi32> -> !plan
  // expected-error @+1 {{'moe.experts' op region has no CPU code yet; moe-run --reference runs it}}
  %y = moe.experts %plan rows(%x : tensor<?x16xf32>) : !plan -> tensor<?x16xf32> {
  ^bb0(%r: tensor<?x16xf32>, %expert: index):
    %n = tensor.dim %r, %c0 : tensor<?x16xf32>
    // expected-note @+1 {{'tensor.extract_slice' takes something other than columns of rows}}
    %s = tensor.extract_slice %r[1, 0] [%n, 16] [1, 1] : tensor<?x16xf32> to tensor<?x16xf32>
    moe.yield %s : tensor<?x16xf32>
  }
  %o = moe.combine add %y by %plan init(%z : tensor<?x16xf32>) : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  return %o : tensor<?x16xf32>
}

// -----

!plan = !moe.plan<experts = 2, slots = 1>
func.func @sum_over_rows(%x: tensor<?x16xf32>, %ids: tensor<?x1xi32>, %z: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %zero = arith.constant 0.0 : f32
  %plan = moe.plan %ids : tensor<?x1xi32> -> !plan
  // expected-error @+1 {{'moe.experts' op region has no CPU code yet; moe-run --reference runs it}}
  %y = moe.experts %plan rows(%x : tensor<?x16xf32>) : !plan -> tensor<?x16xf32> {
  ^bb0(%r: tensor<?x16xf32>, %expert: index):
    %e = tensor.empty() : tensor<16xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<16xf32>) -> tensor<16xf32>
    // expected-note @+1 {{'linalg.generic' is neither row-wise nor a contraction of rows}}
    %s = linalg.generic {indexing_maps = [affine_map<(k, t) -> (t, k)>, affine_map<(k, t) -> (k)>], iterator_types = ["parallel", "reduction"]}
        ins(%r : tensor<?x16xf32>) outs(%f : tensor<16xf32>) {
    ^bb0(%a: f32, %o: f32):
      %n = arith.addf %a, %o : f32
      linalg.yield %n : f32
    } -> tensor<16xf32>
    %b = linalg.broadcast ins(%s : tensor<16xf32>) outs(%r : tensor<?x16xf32>) dimensions = [0]
    moe.yield %b : tensor<?x16xf32>
  }
  %o = moe.combine add %y by %plan init(%z : tensor<?x16xf32>) : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  return %o : tensor<?x16xf32>
}
