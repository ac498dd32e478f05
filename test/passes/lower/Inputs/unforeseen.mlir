// Layers that no importer builds: bodies, scores and weights of all kinds.

!plan = !moe.plan<experts = 5, slots = 3>

ml_program.global private @router(#moe.random<seed = 1, std = 3.000000e-01 : f64>) : tensor<5x24xf32>
ml_program.global private @w(#moe.random<seed = 2, std = 3.000000e-01 : f64>) : tensor<5x24x20xbf16>
ml_program.global private @g(#moe.random<seed = 3, std = 3.000000e-01 : f64>) : tensor<5x20xf32>
ml_program.global private @s(#moe.random<seed = 4, std = 3.000000e-01 : f64>) : tensor<5xf32>
ml_program.global private @v(#moe.random<seed = 5, std = 3.000000e-01 : f64>) : tensor<20xf32>
ml_program.global private @d(#moe.random<seed = 6, std = 3.000000e-01 : f64>) : tensor<5x24x20xf32>
ml_program.global private @base(#moe.random<seed = 7, std = 3.000000e-01 : f64>) : tensor<24x24xf32>
ml_program.global private @low(#moe.random<seed = 8, std = 3.000000e-01 : f64>) : tensor<5x4x24xf32>
ml_program.global private @high(#moe.random<seed = 9, std = 3.000000e-01 : f64>) : tensor<5x24x4xbf16>
ml_program.global private @fused(#moe.random<seed = 10, std = 3.000000e-01 : f64>) : tensor<5x48x24xf32>

func.func private @scores(%x: tensor<?x24xf32>) -> tensor<?x5xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %t = tensor.dim %x, %c0 : tensor<?x24xf32>
  %w = ml_program.global_load_const @router : tensor<5x24xf32>
  %e = tensor.empty(%t) : tensor<?x5xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x5xf32>) -> tensor<?x5xf32>
  %l = linalg.matmul indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (j, k)>, affine_map<(i, j, k) -> (i, j)>]
    ins(%x, %w : tensor<?x24xf32>, tensor<5x24xf32>) outs(%z : tensor<?x5xf32>) -> tensor<?x5xf32>
  return %l : tensor<?x5xf32>
}

// x * sigmoid(1.3 * x) + 0.1 * g, a scalar an expert, a vector for all; weights
// multiply the input; the logits are squashed by a score of their own.
func.func @unforeseen(%x: tensor<?x24xf32> {moe.name = "x", moe.dims = ["T", "24"]}) -> (tensor<?x24xf32> {moe.name = "y", moe.dims = ["T", "24"]}) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %t = tensor.dim %x, %c0 : tensor<?x24xf32>
  %l = func.call @scores(%x) : (tensor<?x24xf32>) -> tensor<?x5xf32>
  %se = tensor.empty(%t) : tensor<?x5xf32>
  %p = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%l : tensor<?x5xf32>) outs(%se : tensor<?x5xf32>) {
  ^bb0(%a: f32, %o: f32):
    %h = math.tanh %a : f32
    %b = arith.addf %h, %one : f32
    linalg.yield %b : f32
  } -> tensor<?x5xf32>
  %ids = moe.select #moe.top_k<3> scores(%p : tensor<?x5xf32>) -> tensor<?x3xi32>
  %wt = moe.weigh lp %p, %ids {scale = 1.5 : f64} : tensor<?x5xf32>, tensor<?x3xi32> -> tensor<?x3xf32>
  %plan = moe.plan %ids : tensor<?x3xi32> -> !plan
  %rows = moe.dispatch %x by %plan weights(%wt : tensor<?x3xf32>) : tensor<?x24xf32>, !plan -> tensor<?x24xf32>
  %w = ml_program.global_load_const @w : tensor<5x24x20xbf16>
  %g = ml_program.global_load_const @g : tensor<5x20xf32>
  %s = ml_program.global_load_const @s : tensor<5xf32>
  %v = ml_program.global_load_const @v : tensor<20xf32>
  %d = ml_program.global_load_const @d : tensor<5x24x20xf32>
  %y = moe.experts %plan rows(%rows : tensor<?x24xf32>) params(%w, %g, %s, %d : tensor<5x24x20xbf16>, tensor<5x20xf32>, tensor<5xf32>, tensor<5x24x20xf32>) : !plan -> tensor<?x24xf32> {
  ^bb0(%r: tensor<?x24xf32>, %ws: tensor<24x20xbf16>, %gs: tensor<20xf32>, %ss: tensor<f32>, %ds: tensor<24x20xf32>, %expert: index):
    %slope = arith.constant 1.3 : f32
    %tenth = arith.constant 0.1 : f32
    %n = tensor.dim %r, %c0 : tensor<?x24xf32>
    %e = tensor.empty(%n) : tensor<?x20xf32>
    %b = linalg.broadcast ins(%v : tensor<20xf32>) outs(%e : tensor<?x20xf32>) dimensions = [0]
    %a = linalg.matmul ins(%r, %ws : tensor<?x24xf32>, tensor<24x20xbf16>) outs(%b : tensor<?x20xf32>) -> tensor<?x20xf32>
    %h = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> ()>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%a, %gs, %ss : tensor<?x20xf32>, tensor<20xf32>, tensor<f32>) outs(%e : tensor<?x20xf32>) {
    ^bb0(%q: f32, %gn: f32, %sn: f32, %o: f32):
      %u = arith.mulf %q, %slope : f32
      %neg = arith.negf %u : f32
      %ex = math.exp %neg : f32
      %den = arith.addf %ex, %one : f32
      %sg = arith.divf %q, %den : f32
      %k = arith.mulf %gn, %tenth : f32
      %m = arith.addf %sg, %k : f32
      %f = arith.mulf %m, %sn : f32
      linalg.yield %f : f32
    } -> tensor<?x20xf32>
    %e2 = tensor.empty(%n) : tensor<?x24xf32>
    %z2 = linalg.fill ins(%zero : f32) outs(%e2 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %y0 = linalg.matmul indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (j, k)>, affine_map<(i, j, k) -> (i, j)>]
      ins(%h, %ds : tensor<?x20xf32>, tensor<24x20xf32>) outs(%z2 : tensor<?x24xf32>) -> tensor<?x24xf32>
    moe.yield %y0 : tensor<?x24xf32>
  }
  %out = moe.combine add %y by %plan init(%x : tensor<?x24xf32>) : tensor<?x24xf32>, !plan -> tensor<?x24xf32>
  return %out : tensor<?x24xf32>
}

// A low-rank part an expert on a base for all; tokens keep their value where no
// expert takes them (only scores above those of a mask).
func.func @lora(%x: tensor<?x24xf32> {moe.name = "x", moe.dims = ["T", "24"]}) -> (tensor<?x24xf32> {moe.name = "y", moe.dims = ["T", "24"]}) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %half = arith.constant 0.5 : f32
  %t = tensor.dim %x, %c0 : tensor<?x24xf32>
  %l = func.call @scores(%x) : (tensor<?x24xf32>) -> tensor<?x5xf32>
  %me = tensor.empty(%t) : tensor<?x5xi1>
  %mask = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%l : tensor<?x5xf32>) outs(%me : tensor<?x5xi1>) {
  ^bb0(%a: f32, %o: i1):
    %b = arith.cmpf ogt, %a, %half : f32
    linalg.yield %b : i1
  } -> tensor<?x5xi1>
  %ids = moe.select #moe.top_k<3> scores(%l : tensor<?x5xf32>) mask(%mask : tensor<?x5xi1>) -> tensor<?x3xi32>
  %wt = moe.weigh softmax %l, %ids : tensor<?x5xf32>, tensor<?x3xi32> -> tensor<?x3xf32>
  %plan = moe.plan %ids : tensor<?x3xi32> -> !plan
  %rows = moe.dispatch %x by %plan : tensor<?x24xf32>, !plan -> tensor<?x24xf32>
  %base = ml_program.global_load_const @base : tensor<24x24xf32>
  %low = ml_program.global_load_const @low : tensor<5x4x24xf32>
  %high = ml_program.global_load_const @high : tensor<5x24x4xbf16>
  %y = moe.experts %plan rows(%rows : tensor<?x24xf32>) params(%low, %high : tensor<5x4x24xf32>, tensor<5x24x4xbf16>) : !plan -> tensor<?x24xf32> {
  ^bb0(%r: tensor<?x24xf32>, %ls: tensor<4x24xf32>, %hs: tensor<24x4xbf16>, %expert: index):
    %n = tensor.dim %r, %c0 : tensor<?x24xf32>
    %e = tensor.empty(%n) : tensor<?x24xf32>
    %z = linalg.fill ins(%half : f32) outs(%e : tensor<?x24xf32>) -> tensor<?x24xf32>
    %b = linalg.matmul indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (j, k)>, affine_map<(i, j, k) -> (i, j)>]
      ins(%r, %base : tensor<?x24xf32>, tensor<24x24xf32>) outs(%z : tensor<?x24xf32>) -> tensor<?x24xf32>
    %e4 = tensor.empty(%n) : tensor<?x4xf32>
    %z4 = linalg.fill ins(%zero : f32) outs(%e4 : tensor<?x4xf32>) -> tensor<?x4xf32>
    %a = linalg.matmul indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (j, k)>, affine_map<(i, j, k) -> (i, j)>]
      ins(%r, %ls : tensor<?x24xf32>, tensor<4x24xf32>) outs(%z4 : tensor<?x4xf32>) -> tensor<?x4xf32>
    %h = linalg.matmul indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (j, k)>, affine_map<(i, j, k) -> (i, j)>]
      ins(%a, %hs : tensor<?x4xf32>, tensor<24x4xbf16>) outs(%b : tensor<?x24xf32>) -> tensor<?x24xf32>
    moe.yield %h : tensor<?x24xf32>
  }
  %out = moe.combine replace %y by %plan weights(%wt : tensor<?x3xf32>) init(%x : tensor<?x24xf32>) : tensor<?x24xf32>, !plan -> tensor<?x24xf32>
  return %out : tensor<?x24xf32>
}

// The halves of a fused projection and a norm of each row; per-slot rows.
func.func @norm(%x: tensor<?x24xf32> {moe.name = "x", moe.dims = ["T", "24"]}) -> (tensor<?x3x24xf32> {moe.name = "y", moe.dims = ["T", "3", "24"]}) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %eps = arith.constant 1.0e-5 : f32
  %t = tensor.dim %x, %c0 : tensor<?x24xf32>
  %l = func.call @scores(%x) : (tensor<?x24xf32>) -> tensor<?x5xf32>
  %se = tensor.empty(%t) : tensor<?x5xf32>
  %p = linalg.softmax dimension(1) ins(%l : tensor<?x5xf32>) outs(%se : tensor<?x5xf32>) -> tensor<?x5xf32>
  %ids = moe.select #moe.top_k<3> scores(%p : tensor<?x5xf32>) -> tensor<?x3xi32>
  %plan = moe.plan %ids : tensor<?x3xi32> -> !plan
  %rows = moe.dispatch %x by %plan : tensor<?x24xf32>, !plan -> tensor<?x24xf32>
  %w = ml_program.global_load_const @fused : tensor<5x48x24xf32>
  %y = moe.experts %plan rows(%rows : tensor<?x24xf32>) params(%w : tensor<5x48x24xf32>) : !plan -> tensor<?x24xf32> {
  ^bb0(%r: tensor<?x24xf32>, %ws: tensor<48x24xf32>, %expert: index):
    %n = tensor.dim %r, %c0 : tensor<?x24xf32>
    %e = tensor.empty(%n) : tensor<?x48xf32>
    %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x48xf32>) -> tensor<?x48xf32>
    %h = linalg.matmul indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (j, k)>, affine_map<(i, j, k) -> (i, j)>]
      ins(%r, %ws : tensor<?x24xf32>, tensor<48x24xf32>) outs(%z : tensor<?x48xf32>) -> tensor<?x48xf32>
    %g = tensor.extract_slice %h[0, 0] [%n, 24] [1, 1] : tensor<?x48xf32> to tensor<?x24xf32>
    %u = tensor.extract_slice %h[0, 24] [%n, 24] [1, 1] : tensor<?x48xf32> to tensor<?x24xf32>
    %e24 = tensor.empty(%n) : tensor<?x24xf32>
    %m = linalg.mul ins(%g, %u : tensor<?x24xf32>, tensor<?x24xf32>) outs(%e24 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %e1 = tensor.empty(%n) : tensor<?xf32>
    %z1 = linalg.fill ins(%eps : f32) outs(%e1 : tensor<?xf32>) -> tensor<?xf32>
    %s = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>], iterator_types = ["parallel", "reduction"]}
      ins(%m : tensor<?x24xf32>) outs(%z1 : tensor<?xf32>) {
    ^bb0(%a: f32, %acc: f32):
      %q = arith.mulf %a, %a : f32
      %k = arith.addf %acc, %q : f32
      linalg.yield %k : f32
    } -> tensor<?xf32>
    %o = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%m, %s : tensor<?x24xf32>, tensor<?xf32>) outs(%e24 : tensor<?x24xf32>) {
    ^bb0(%a: f32, %b: f32, %out: f32):
      %d = math.rsqrt %b : f32
      %f = arith.mulf %a, %d : f32
      linalg.yield %f : f32
    } -> tensor<?x24xf32>
    moe.yield %o : tensor<?x24xf32>
  }
  %ie = tensor.empty(%t) : tensor<?x3x24xf32>
  %iz = linalg.fill ins(%zero : f32) outs(%ie : tensor<?x3x24xf32>) -> tensor<?x3x24xf32>
  %out = moe.slots %y by %plan init(%iz : tensor<?x3x24xf32>) : tensor<?x24xf32>, !plan -> tensor<?x3x24xf32>
  return %out : tensor<?x3x24xf32>
}
