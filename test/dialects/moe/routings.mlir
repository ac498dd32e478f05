// RUN: moec-test-opt %s --moe-verify-input --verify-roundtrip | FileCheck %s

// Published routings that are hard to say, as far as two policies reach.

func.func private @block(tensor<?x16xf32>, tensor<?xi32>, index) -> tensor<?x16xf32>
func.func private @router(tensor<?x16xf32>, index) -> tensor<?x1xf32>
func.func private @zaya_router(tensor<?x16xf32>, tensor<?x4xf32>, index) -> (tensor<?x5xf32>, tensor<?x4xf32>)
ml_program.global private @wq(#moe.source<"m.safetensors", "wq">) : tensor<4x16x8xf32>
ml_program.global private @wo(#moe.source<"m.safetensors", "wo">) : tensor<4x8x16xf32>
ml_program.global private @bias(#moe.source<"m.safetensors", "bias">) : tensor<256xf32>
ml_program.global private @values(#moe.source<"m.safetensors", "values">) : tensor<64x16xf32>

// ModuleFormer: two banks of experts on one plan, with ordinary computation on
// the rows between them; positions go along.
// CHECK-LABEL: func @moduleformer
func.func @moduleformer(%p: tensor<?x4xf32>, %x: tensor<?x16xf32>, %pos: tensor<?xf32>, %init: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %ids = moe.select #moe.top_k<2> scores(%p : tensor<?x4xf32>) -> tensor<?x2xi32>
  %w = moe.weigh none %p, %ids : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  // CHECK: %[[PLAN:.*]] = moe.plan
  %plan = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 4, slots = 2>
  %xr = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  %pr = moe.dispatch %pos by %plan : tensor<?xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?xf32>
  %wq = ml_program.global_load_const @wq : tensor<4x16x8xf32>
  // CHECK: moe.experts %[[PLAN]]
  %q = moe.experts %plan rows(%xr : tensor<?x16xf32>) params(%wq : tensor<4x16x8xf32>)
      : !moe.plan<experts = 4, slots = 2> -> tensor<?x8xf32> {
  ^bb0(%r: tensor<?x16xf32>, %m: tensor<16x8xf32>, %expert: index):
    %n = tensor.dim %r, %c0 : tensor<?x16xf32>
    %e = tensor.empty(%n) : tensor<?x8xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
    %y = linalg.matmul ins(%r, %m : tensor<?x16xf32>, tensor<16x8xf32>) outs(%f : tensor<?x8xf32>) -> tensor<?x8xf32>
    moe.yield %y : tensor<?x8xf32>
  }
  %att = linalg.generic {indexing_maps = [affine_map<(i, c) -> (i)>, affine_map<(i, c) -> (i, c)>], iterator_types = ["parallel", "parallel"]}
    ins(%pr : tensor<?xf32>) outs(%q : tensor<?x8xf32>) {
  ^bb0(%a: f32, %b: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<?x8xf32>
  %wo = ml_program.global_load_const @wo : tensor<4x8x16xf32>
  // CHECK: moe.experts %[[PLAN]]
  %yr = moe.experts %plan rows(%att : tensor<?x8xf32>) params(%wo : tensor<4x8x16xf32>)
      : !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32> {
  ^bb0(%r: tensor<?x8xf32>, %m: tensor<8x16xf32>, %expert: index):
    %n = tensor.dim %r, %c0 : tensor<?x8xf32>
    %e = tensor.empty(%n) : tensor<?x16xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x16xf32>) -> tensor<?x16xf32>
    %y = linalg.matmul ins(%r, %m : tensor<?x8xf32>, tensor<8x16xf32>) outs(%f : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %y : tensor<?x16xf32>
  }
  %y = moe.combine add %yr by %plan weights(%w : tensor<?x2xf32>) init(%init : tensor<?x16xf32>)
    : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

// Mixture-of-recursions: the mask of living tokens is carried, the subset exists
// in the body only.
// CHECK-LABEL: func @recursions
func.func @recursions(%x0: tensor<?x16xf32>, %pos: tensor<?xi32>, %seg: tensor<?xi32>, %cap: tensor<3xi32>, %alive0: tensor<?x1xi1>) -> tensor<?x16xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %r:2 = scf.for %i = %c0 to %c3 step %c1 iter_args(%x = %x0, %alive = %alive0) -> (tensor<?x16xf32>, tensor<?x1xi1>) {
    %g = func.call @router(%x, %i) : (tensor<?x16xf32>, index) -> tensor<?x1xf32>
    %c = tensor.extract %cap[%i] : tensor<3xi32>
    // CHECK: moe.select_tokens position
    %tok, %sel = moe.select_tokens position %g capacity(%c : i32) mask(%alive : tensor<?x1xi1>) segments(%seg : tensor<?xi32>)
      : tensor<?x1xf32> -> tensor<1x?xi32>, tensor<?x1xi1>
    %t = tensor.dim %x, %c0 : tensor<?x16xf32>
    // CHECK: moe.plan by_expert
    %plan = moe.plan by_expert %tok tokens(%t) : tensor<1x?xi32> -> !moe.plan<experts = 1, slots = 1>
    %xr = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 1, slots = 1> -> tensor<?x16xf32>
    %pr = moe.dispatch %pos by %plan : tensor<?xi32>, !moe.plan<experts = 1, slots = 1> -> tensor<?xi32>
    %h = func.call @block(%xr, %pr, %i) : (tensor<?x16xf32>, tensor<?xi32>, index) -> tensor<?x16xf32>
    %y = moe.combine add %h by %plan weights(%g : tensor<?x1xf32>) init(%x : tensor<?x16xf32>)
      : tensor<?x16xf32>, !moe.plan<experts = 1, slots = 1> -> tensor<?x16xf32>
    scf.yield %y, %sel : tensor<?x16xf32>, tensor<?x1xi1>
  }
  return %r#0 : tensor<?x16xf32>
}

// MoMa: typed expert choice; the capacity of each expert is data. Weights are
// dense: the slot of a plan by expert is the expert.
// CHECK-LABEL: func @moma
func.func @moma(%x: tensor<?x16xf32>, %g: tensor<?x4xf32>, %allowed: tensor<?x4xi1>, %ke: tensor<4xi32>, %init: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %x, %c0 : tensor<?x16xf32>
  // CHECK: moe.select_tokens score %{{.*}} capacity(%{{.*}} : tensor<4xi32>) mask
  %tok, %sel = moe.select_tokens score %g capacity(%ke : tensor<4xi32>) mask(%allowed : tensor<?x4xi1>)
    : tensor<?x4xf32> -> tensor<4x?xi32>, tensor<?x4xi1>
  %plan = moe.plan by_expert %tok tokens(%t) : tensor<4x?xi32> -> !moe.plan<experts = 4, slots = 4>
  %xr = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 4> -> tensor<?x16xf32>
  // CHECK: weights(%{{.*}} : tensor<?x4xf32>)
  %y = moe.combine add %xr by %plan weights(%g : tensor<?x4xf32>) init(%init : tensor<?x16xf32>)
    : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 4> -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

// UniMoE-Audio: a joint softmax over the selected and the shared experts, and
// null experts among the selected ones.
// CHECK-LABEL: func @unimoe
func.func @unimoe(%logits: tensor<?x6xf32>, %shared: tensor<?x1xf32>, %x: tensor<?x16xf32>, %init: tensor<?x16xf32>, %stack: tensor<4x16xf32>) -> (tensor<?x16xf32>, tensor<?x1xf32>) {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %x, %c0 : tensor<?x16xf32>
  %ids = moe.select #moe.top_k<2> scores(%logits : tensor<?x6xf32>) -> tensor<?x2xi32>
  // CHECK: moe.weigh none %{{.*}} {fill = 0xFFF0000000000000 : f64}
  %ls = moe.weigh none %logits, %ids {fill = 0xFFF0000000000000 : f64} : tensor<?x6xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %cat = tensor.concat dim(1) %ls, %shared : (tensor<?x2xf32>, tensor<?x1xf32>) -> tensor<?x3xf32>
  %e = tensor.empty(%t) : tensor<?x3xf32>
  %g = linalg.softmax dimension(1) ins(%cat : tensor<?x3xf32>) outs(%e : tensor<?x3xf32>) -> tensor<?x3xf32>
  %w = tensor.extract_slice %g[0, 0] [%t, 2] [1, 1] : tensor<?x3xf32> to tensor<?x2xf32>
  %gs = tensor.extract_slice %g[0, 2] [%t, 1] [1, 1] : tensor<?x3xf32> to tensor<?x1xf32>
  %plan = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 6, slots = 2>
  %xr = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 6, slots = 2> -> tensor<?x16xf32>
  // CHECK: members = [0, 0, 0, 0, -1, -1] slot = [0, 1, 2, 3, 0, 0]
  %yr = moe.experts %plan rows(%xr : tensor<?x16xf32>) params(%stack : tensor<4x16xf32>)
      members = [0, 0, 0, 0, -1, -1] slot = [0, 1, 2, 3, 0, 0]
      : !moe.plan<experts = 6, slots = 2> -> tensor<?x16xf32> {
  ^bb0(%r: tensor<?x16xf32>, %v: tensor<16xf32>, %expert: index):
    %b = linalg.broadcast ins(%v : tensor<16xf32>) outs(%r : tensor<?x16xf32>) dimensions = [0]
    moe.yield %b : tensor<?x16xf32>
  }
  %y = moe.combine add %yr by %plan weights(%w : tensor<?x2xf32>) init(%init : tensor<?x16xf32>)
    : tensor<?x16xf32>, !moe.plan<experts = 6, slots = 2> -> tensor<?x16xf32>
  return %y, %gs : tensor<?x16xf32>, tensor<?x1xf32>
}

// DeepSeek-V3: biased scores select, unbiased ones weigh.
// CHECK-LABEL: func @deepseek_v3
func.func @deepseek_v3(%scores: tensor<?x256xf32>) -> (tensor<?x8xi32>, tensor<?x8xf32>) {
  %bias = ml_program.global_load_const @bias : tensor<256xf32>
  %biased = linalg.generic {indexing_maps = [affine_map<(t, e) -> (e)>, affine_map<(t, e) -> (t, e)>], iterator_types = ["parallel", "parallel"]}
    ins(%bias : tensor<256xf32>) outs(%scores : tensor<?x256xf32>) {
  ^bb0(%b: f32, %s: f32):
    %q = arith.addf %s, %b : f32
    linalg.yield %q : f32
  } -> tensor<?x256xf32>
  // CHECK: moe.select #moe.grouped_top_k<8, groups = 8, kept = 4, score = sum2> scores(%[[BIASED:.*]] : tensor<?x256xf32>)
  %ids = moe.select #moe.grouped_top_k<8, groups = 8, kept = 4, score = sum2> scores(%biased : tensor<?x256xf32>) -> tensor<?x8xi32>
  // CHECK-NOT: moe.weigh sum %[[BIASED]]
  // CHECK: moe.weigh sum
  %w = moe.weigh sum %scores, %ids {eps = 1.0e-20 : f64, scale = 2.5 : f64} : tensor<?x256xf32>, tensor<?x8xi32> -> tensor<?x8xf32>
  return %ids, %w : tensor<?x8xi32>, tensor<?x8xf32>
}

// ZAYA: the router's state is carried from layer to layer.
// CHECK-LABEL: func @zaya
func.func @zaya(%x0: tensor<?x16xf32>, %s0: tensor<?x4xf32>) -> tensor<?x16xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %r:2 = scf.for %l = %c0 to %c3 step %c1 iter_args(%x = %x0, %st = %s0) -> (tensor<?x16xf32>, tensor<?x4xf32>) {
    %p:2 = func.call @zaya_router(%x, %st, %l) : (tensor<?x16xf32>, tensor<?x4xf32>, index) -> (tensor<?x5xf32>, tensor<?x4xf32>)
    %ids = moe.select #moe.top_k<1> scores(%p#0 : tensor<?x5xf32>) -> tensor<?x1xi32>
    %w = moe.weigh none %p#0, %ids : tensor<?x5xf32>, tensor<?x1xi32> -> tensor<?x1xf32>
    %plan = moe.plan %ids : tensor<?x1xi32> -> !moe.plan<experts = 5, slots = 1>
    %xr = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 5, slots = 1> -> tensor<?x16xf32>
    %y = moe.combine add %xr by %plan weights(%w : tensor<?x1xf32>) init(%x : tensor<?x16xf32>)
      : tensor<?x16xf32>, !moe.plan<experts = 5, slots = 1> -> tensor<?x16xf32>
    scf.yield %y, %p#1 : tensor<?x16xf32>, tensor<?x4xf32>
  }
  return %r#0 : tensor<?x16xf32>
}

// Product keys: ids that another computation made need no select; an expert is
// one vector.
// CHECK-LABEL: func @given_ids
func.func @given_ids(%ids: tensor<?x4xi32>, %w: tensor<?x4xf32>, %x: tensor<?x16xf32>, %init: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %plan = moe.plan %ids : tensor<?x4xi32> -> !moe.plan<experts = 64, slots = 4>
  %xr = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 64, slots = 4> -> tensor<?x16xf32>
  %v = ml_program.global_load_const @values : tensor<64x16xf32>
  // CHECK: moe.experts
  %yr = moe.experts %plan rows(%xr : tensor<?x16xf32>) params(%v : tensor<64x16xf32>)
      : !moe.plan<experts = 64, slots = 4> -> tensor<?x16xf32> {
  ^bb0(%r: tensor<?x16xf32>, %value: tensor<16xf32>, %expert: index):
    %b = linalg.broadcast ins(%value : tensor<16xf32>) outs(%r : tensor<?x16xf32>) dimensions = [0]
    moe.yield %b : tensor<?x16xf32>
  }
  %y = moe.combine add %yr by %plan weights(%w : tensor<?x4xf32>) init(%init : tensor<?x16xf32>)
    : tensor<?x16xf32>, !moe.plan<experts = 64, slots = 4> -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}
