// RUN: moe-opt %s --split-input-file --verify-diagnostics

func.func @width(%q: tensor<?x?x8x16xf32>, %k: tensor<?x?x2x8xf32>, %p: tensor<?x?xi32>) {
  // expected-error@+1 {{expects query and key to agree in dimension 3, got}}
  %0 = transformer.attention query(%q : tensor<?x?x8x16xf32>) key(%k : tensor<?x?x2x8xf32>) value(%k : tensor<?x?x2x8xf32>) positions(%p, %p : tensor<?x?xi32>, tensor<?x?xi32>) outs(%q : tensor<?x?x8x16xf32>) {scale = 1.0 : f32} -> tensor<?x?x8x16xf32>
  return
}

// -----

func.func @heads(%q: tensor<?x?x8x16xf32>, %k: tensor<?x?x3x16xf32>, %p: tensor<?x?xi32>) {
  // expected-error@+1 {{expects query heads that are a multiple of the 3 key heads, got 8}}
  %0 = transformer.attention query(%q : tensor<?x?x8x16xf32>) key(%k : tensor<?x?x3x16xf32>) value(%k : tensor<?x?x3x16xf32>) positions(%p, %p : tensor<?x?xi32>, tensor<?x?xi32>) outs(%q : tensor<?x?x8x16xf32>) {scale = 1.0 : f32} -> tensor<?x?x8x16xf32>
  return
}

// -----

func.func @dynamic_heads(%q: tensor<?x?x?x16xf32>, %p: tensor<?x?xi32>) {
  // expected-error@+1 {{expects static heads and widths, got}}
  %0 = transformer.attention query(%q : tensor<?x?x?x16xf32>) key(%q : tensor<?x?x?x16xf32>) value(%q : tensor<?x?x?x16xf32>) positions(%p, %p : tensor<?x?xi32>, tensor<?x?xi32>) outs(%q : tensor<?x?x?x16xf32>) {scale = 1.0 : f32} -> tensor<?x?x?x16xf32>
  return
}

// -----

func.func @positions(%q: tensor<?x5x8x16xf32>, %p: tensor<?x4xi32>) {
  // expected-error@+1 {{expects query positions [batch, tokens] of the query 'tensor<?x5x8x16xf32>', got 'tensor<?x4xi32>'}}
  %0 = transformer.attention query(%q : tensor<?x5x8x16xf32>) key(%q : tensor<?x5x8x16xf32>) value(%q : tensor<?x5x8x16xf32>) positions(%p, %p : tensor<?x4xi32>, tensor<?x4xi32>) outs(%q : tensor<?x5x8x16xf32>) {scale = 1.0 : f32} -> tensor<?x5x8x16xf32>
  return
}

// -----

func.func @sinks(%q: tensor<?x?x8x16xf32>, %p: tensor<?x?xi32>, %s: tensor<4xf32>) {
  // expected-error@+1 {{expects one sink for each of the 8 query heads, got 'tensor<4xf32>'}}
  %0 = transformer.attention query(%q : tensor<?x?x8x16xf32>) key(%q : tensor<?x?x8x16xf32>) value(%q : tensor<?x?x8x16xf32>) positions(%p, %p : tensor<?x?xi32>, tensor<?x?xi32>) sinks(%s : tensor<4xf32>) outs(%q : tensor<?x?x8x16xf32>) {scale = 1.0 : f32} -> tensor<?x?x8x16xf32>
  return
}

// -----

func.func @window(%q: tensor<?x?x8x16xf32>, %p: tensor<?x?xi32>) {
  // expected-error@+1 {{expects a window of at least 1, got 0}}
  %0 = transformer.attention query(%q : tensor<?x?x8x16xf32>) key(%q : tensor<?x?x8x16xf32>) value(%q : tensor<?x?x8x16xf32>) positions(%p, %p : tensor<?x?xi32>, tensor<?x?xi32>) outs(%q : tensor<?x?x8x16xf32>) {scale = 1.0 : f32, window = 0 : i64} -> tensor<?x?x8x16xf32>
  return
}

// -----

func.func @softcap(%q: tensor<?x?x8x16xf32>, %p: tensor<?x?xi32>) {
  // expected-error@+1 {{expects a positive softcap, got -1.000000e+00}}
  %0 = transformer.attention query(%q : tensor<?x?x8x16xf32>) key(%q : tensor<?x?x8x16xf32>) value(%q : tensor<?x?x8x16xf32>) positions(%p, %p : tensor<?x?xi32>, tensor<?x?xi32>) outs(%q : tensor<?x?x8x16xf32>) {scale = 1.0 : f32, softcap = -1.0 : f32} -> tensor<?x?x8x16xf32>
  return
}

// -----

func.func @no_result(%q: tensor<?x?x8x16xf32>, %p: tensor<?x?xi32>) {
  // expected-error@+1 {{expects a result of the init's type}}
  transformer.attention query(%q : tensor<?x?x8x16xf32>) key(%q : tensor<?x?x8x16xf32>) value(%q : tensor<?x?x8x16xf32>) positions(%p, %p : tensor<?x?xi32>, tensor<?x?xi32>) outs(%q : tensor<?x?x8x16xf32>) {scale = 1.0 : f32}
  return
}

// -----

func.func @append(%k: tensor<?x?x2x8xf32>, %c: tensor<?x?x2x16xf32>, %p: tensor<?x?xi32>) {
  // expected-error@+1 {{expects rows that differ from the cache in dimension 1 only, got}}
  %0 = transformer.kv_append %k at %p into %c : tensor<?x?x2x8xf32>, tensor<?x?xi32>, tensor<?x?x2x16xf32> -> tensor<?x?x2x16xf32>
  return
}

// -----

func.func @view(%c: tensor<?x?x2x16xf32>, %n: tensor<?xi32>) {
  // expected-error@+1 {{expects a view of dynamic dimension 1 for}}
  %0, %1 = transformer.kv_view (%c : tensor<?x?x2x16xf32>) lengths(%n : tensor<?xi32>) -> (tensor<?x4x2x16xf32>), tensor<?x?xi32>
  return
}

// -----

func.func @rotary(%x: tensor<?x?x8x16xf32>, %p: tensor<?x?xi32>, %f: tensor<8xf32>) {
  // expected-error@+1 {{expects a static width of at least offset + 2 * frequencies, got}}
  %0 = transformer.rotary %x at %p by %f {offset = 8 : i64} : tensor<?x?x8x16xf32>, tensor<?x?xi32>, tensor<8xf32>
  return
}

// -----

// expected-error@+1 {{state expects one size for each of its 2 named dimensions, got 1}}
ml_program.global private mutable @s(#moe.state<per = session, dims = ["B", "C"], sizes = [1]>) : tensor<?x?xf32>

// -----

// expected-error@+1 {{state expects sizes of at least 1, got 0}}
ml_program.global private mutable @s(#moe.state<per = session, dims = ["B"], sizes = [0]>) : tensor<?xf32>
