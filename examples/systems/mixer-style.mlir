// MixER: reconstructs dynamical systems. Each environment has a context vector; the
// nearest centroid chooses the expert, once for the whole trajectory. An expert is the
// right-hand side of an ordinary differential equation, integrated by 20 steps of
// Runge-Kutta.
//
// The score is minus the squared distance; one plan serves all 80 evaluations, which
// run in a loop around the experts.
//
// Source: MixER, Better Mixture of Experts Routing for Hierarchical Meta-Learning. The
// gate's form is not verified.

#ij = affine_map<(i, j) -> (i, j)>
#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs_t = affine_map<(m, n, k) -> (n, k)>
#acc = affine_map<(m, n, k) -> (m, n)>
#ij_j = affine_map<(i, j) -> (j)>

ml_program.global private @centroids(#moe.random<seed = 1, std = 1.0 : f64>) : tensor<4x3xf32>
ml_program.global private @a(#moe.random<seed = 2, std = 1.0 : f64>) : tensor<4x2x2xf32>
ml_program.global private @b(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<4x3x2xf32>

func.func @main(%x: tensor<?x2xf32> {moe.name = "x", moe.dims = ["B", "2"]},
    %context: tensor<?x3xf32> {moe.name = "context", moe.dims = ["B", "3"]})
    -> (tensor<?x2xf32> {moe.name = "y", moe.dims = ["B", "2"]},
        tensor<?x1xi32> {moe.name = "ids", moe.dims = ["B", "1"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f2.0 = arith.constant 2.0 : f32
  %c1 = arith.constant 1 : index
  %c20 = arith.constant 20 : index
  %f0.025 = arith.constant 0.025 : f32
  %f0.05 = arith.constant 0.05 : f32
  %f0.008333333333333333 = arith.constant 0.008333333333333333 : f32
  %centroids = ml_program.global_load_const @centroids : tensor<4x3xf32>
  %a = ml_program.global_load_const @a : tensor<4x2x2xf32>
  %b = ml_program.global_load_const @b : tensor<4x3x2xf32>
  %B = tensor.dim %x, %c0 : tensor<?x2xf32>
  %empty = tensor.empty() : tensor<4x3xf32>
  %map = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%centroids : tensor<4x3xf32>) outs(%empty : tensor<4x3xf32>) {
  ^bb0(%c: f32, %out: f32):
    %mul = arith.mulf %c, %c : f32
    linalg.yield %mul : f32
  } -> tensor<4x3xf32>
  %empty_1 = tensor.empty() : tensor<4xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<4xf32>) -> tensor<4xf32>
  %sum = linalg.reduce { arith.addf } ins(%map : tensor<4x3xf32>) outs(%zero : tensor<4xf32>) dimensions = [1]
  %empty_2 = tensor.empty(%B) : tensor<?x4xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%context, %centroids : tensor<?x3xf32>, tensor<4x3xf32>) outs(%zero_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %distance = linalg.generic {indexing_maps = [#ij_j, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%sum, %matmul : tensor<4xf32>, tensor<?x4xf32>) outs(%empty_2 : tensor<?x4xf32>) {
  ^bb0(%a_1: f32, %b_1: f32, %out: f32):
    %mul = arith.mulf %f2.0, %b_1 : f32
    %sub = arith.subf %a_1, %mul : f32
    linalg.yield %sub : f32
  } -> tensor<?x4xf32>
  %neg = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%distance : tensor<?x4xf32>) outs(%empty_2 : tensor<?x4xf32>) {
  ^bb0(%a_1: f32, %out: f32):
    %neg_1 = arith.negf %a_1 : f32
    linalg.yield %neg_1 : f32
  } -> tensor<?x4xf32>
  %ids = moe.select #moe.top_k<1> scores(%neg : tensor<?x4xf32>) -> tensor<?x1xi32>
  %plan = moe.plan %ids : tensor<?x1xi32> -> !moe.plan<experts = 4, slots = 1>
  %contexts = moe.dispatch %context by %plan : tensor<?x3xf32>, !moe.plan<experts = 4, slots = 1> -> tensor<?x3xf32>
  %y = scf.for %i = %c0 to %c20 step %c1 iter_args(%x_1 = %x) -> (tensor<?x2xf32>) {
    %rows = moe.dispatch %x_1 by %plan : tensor<?x2xf32>, !moe.plan<experts = 4, slots = 1> -> tensor<?x2xf32>
    %outs = moe.experts %plan rows(%rows, %contexts : tensor<?x2xf32>, tensor<?x3xf32>) params(%a, %b : tensor<4x2x2xf32>, tensor<4x3x2xf32>) : !moe.plan<experts = 4, slots = 1> -> tensor<?x2xf32> {
    ^bb0(%x_2: tensor<?x2xf32>, %c: tensor<?x3xf32>, %a_1: tensor<2x2xf32>, %b_1: tensor<3x2xf32>, %expert: index):
      %count = tensor.dim %x_2, %c0 : tensor<?x2xf32>
      %empty_3 = tensor.empty(%count) : tensor<?x2xf32>
      %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x2xf32>) -> tensor<?x2xf32>
      %matmul_1 = linalg.matmul ins(%x_2, %a_1 : tensor<?x2xf32>, tensor<2x2xf32>) outs(%zero_2 : tensor<?x2xf32>) -> tensor<?x2xf32>
      %matmul_2 = linalg.matmul ins(%c, %b_1 : tensor<?x3xf32>, tensor<3x2xf32>) outs(%zero_2 : tensor<?x2xf32>) -> tensor<?x2xf32>
      %add = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_1, %matmul_2 : tensor<?x2xf32>, tensor<?x2xf32>) outs(%empty_3 : tensor<?x2xf32>) {
      ^bb0(%a_2: f32, %b_2: f32, %out: f32):
        %add_1 = arith.addf %a_2, %b_2 : f32
        linalg.yield %add_1 : f32
      } -> tensor<?x2xf32>
      moe.yield %add : tensor<?x2xf32>
    }
    %empty_3 = tensor.empty(%B) : tensor<?x2xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x2xf32>) -> tensor<?x2xf32>
    %combined = moe.combine add %outs by %plan init(%zero_2 : tensor<?x2xf32>) : tensor<?x2xf32>, !moe.plan<experts = 4, slots = 1> -> tensor<?x2xf32>
    %k2 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%x_1, %combined : tensor<?x2xf32>, tensor<?x2xf32>) outs(%empty_3 : tensor<?x2xf32>) {
    ^bb0(%x_2: f32, %k: f32, %out: f32):
      %mul = arith.mulf %f0.025, %k : f32
      %add = arith.addf %x_2, %mul : f32
      linalg.yield %add : f32
    } -> tensor<?x2xf32>
    %rows_1 = moe.dispatch %k2 by %plan : tensor<?x2xf32>, !moe.plan<experts = 4, slots = 1> -> tensor<?x2xf32>
    %outs_1 = moe.experts %plan rows(%rows_1, %contexts : tensor<?x2xf32>, tensor<?x3xf32>) params(%a, %b : tensor<4x2x2xf32>, tensor<4x3x2xf32>) : !moe.plan<experts = 4, slots = 1> -> tensor<?x2xf32> {
    ^bb0(%x_2: tensor<?x2xf32>, %c: tensor<?x3xf32>, %a_1: tensor<2x2xf32>, %b_1: tensor<3x2xf32>, %expert: index):
      %count = tensor.dim %x_2, %c0 : tensor<?x2xf32>
      %empty_4 = tensor.empty(%count) : tensor<?x2xf32>
      %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x2xf32>) -> tensor<?x2xf32>
      %matmul_1 = linalg.matmul ins(%x_2, %a_1 : tensor<?x2xf32>, tensor<2x2xf32>) outs(%zero_3 : tensor<?x2xf32>) -> tensor<?x2xf32>
      %matmul_2 = linalg.matmul ins(%c, %b_1 : tensor<?x3xf32>, tensor<3x2xf32>) outs(%zero_3 : tensor<?x2xf32>) -> tensor<?x2xf32>
      %add = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_1, %matmul_2 : tensor<?x2xf32>, tensor<?x2xf32>) outs(%empty_4 : tensor<?x2xf32>) {
      ^bb0(%a_2: f32, %b_2: f32, %out: f32):
        %add_1 = arith.addf %a_2, %b_2 : f32
        linalg.yield %add_1 : f32
      } -> tensor<?x2xf32>
      moe.yield %add : tensor<?x2xf32>
    }
    %combined_1 = moe.combine add %outs_1 by %plan init(%zero_2 : tensor<?x2xf32>) : tensor<?x2xf32>, !moe.plan<experts = 4, slots = 1> -> tensor<?x2xf32>
    %k3 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%x_1, %combined_1 : tensor<?x2xf32>, tensor<?x2xf32>) outs(%empty_3 : tensor<?x2xf32>) {
    ^bb0(%x_2: f32, %k: f32, %out: f32):
      %mul = arith.mulf %f0.025, %k : f32
      %add = arith.addf %x_2, %mul : f32
      linalg.yield %add : f32
    } -> tensor<?x2xf32>
    %rows_2 = moe.dispatch %k3 by %plan : tensor<?x2xf32>, !moe.plan<experts = 4, slots = 1> -> tensor<?x2xf32>
    %outs_2 = moe.experts %plan rows(%rows_2, %contexts : tensor<?x2xf32>, tensor<?x3xf32>) params(%a, %b : tensor<4x2x2xf32>, tensor<4x3x2xf32>) : !moe.plan<experts = 4, slots = 1> -> tensor<?x2xf32> {
    ^bb0(%x_2: tensor<?x2xf32>, %c: tensor<?x3xf32>, %a_1: tensor<2x2xf32>, %b_1: tensor<3x2xf32>, %expert: index):
      %count = tensor.dim %x_2, %c0 : tensor<?x2xf32>
      %empty_4 = tensor.empty(%count) : tensor<?x2xf32>
      %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x2xf32>) -> tensor<?x2xf32>
      %matmul_1 = linalg.matmul ins(%x_2, %a_1 : tensor<?x2xf32>, tensor<2x2xf32>) outs(%zero_3 : tensor<?x2xf32>) -> tensor<?x2xf32>
      %matmul_2 = linalg.matmul ins(%c, %b_1 : tensor<?x3xf32>, tensor<3x2xf32>) outs(%zero_3 : tensor<?x2xf32>) -> tensor<?x2xf32>
      %add = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_1, %matmul_2 : tensor<?x2xf32>, tensor<?x2xf32>) outs(%empty_4 : tensor<?x2xf32>) {
      ^bb0(%a_2: f32, %b_2: f32, %out: f32):
        %add_1 = arith.addf %a_2, %b_2 : f32
        linalg.yield %add_1 : f32
      } -> tensor<?x2xf32>
      moe.yield %add : tensor<?x2xf32>
    }
    %combined_2 = moe.combine add %outs_2 by %plan init(%zero_2 : tensor<?x2xf32>) : tensor<?x2xf32>, !moe.plan<experts = 4, slots = 1> -> tensor<?x2xf32>
    %k4 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%x_1, %combined_2 : tensor<?x2xf32>, tensor<?x2xf32>) outs(%empty_3 : tensor<?x2xf32>) {
    ^bb0(%x_2: f32, %k: f32, %out: f32):
      %mul = arith.mulf %f0.05, %k : f32
      %add = arith.addf %x_2, %mul : f32
      linalg.yield %add : f32
    } -> tensor<?x2xf32>
    %rows_3 = moe.dispatch %k4 by %plan : tensor<?x2xf32>, !moe.plan<experts = 4, slots = 1> -> tensor<?x2xf32>
    %outs_3 = moe.experts %plan rows(%rows_3, %contexts : tensor<?x2xf32>, tensor<?x3xf32>) params(%a, %b : tensor<4x2x2xf32>, tensor<4x3x2xf32>) : !moe.plan<experts = 4, slots = 1> -> tensor<?x2xf32> {
    ^bb0(%x_2: tensor<?x2xf32>, %c: tensor<?x3xf32>, %a_1: tensor<2x2xf32>, %b_1: tensor<3x2xf32>, %expert: index):
      %count = tensor.dim %x_2, %c0 : tensor<?x2xf32>
      %empty_4 = tensor.empty(%count) : tensor<?x2xf32>
      %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x2xf32>) -> tensor<?x2xf32>
      %matmul_1 = linalg.matmul ins(%x_2, %a_1 : tensor<?x2xf32>, tensor<2x2xf32>) outs(%zero_3 : tensor<?x2xf32>) -> tensor<?x2xf32>
      %matmul_2 = linalg.matmul ins(%c, %b_1 : tensor<?x3xf32>, tensor<3x2xf32>) outs(%zero_3 : tensor<?x2xf32>) -> tensor<?x2xf32>
      %add = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_1, %matmul_2 : tensor<?x2xf32>, tensor<?x2xf32>) outs(%empty_4 : tensor<?x2xf32>) {
      ^bb0(%a_2: f32, %b_2: f32, %out: f32):
        %add_1 = arith.addf %a_2, %b_2 : f32
        linalg.yield %add_1 : f32
      } -> tensor<?x2xf32>
      moe.yield %add : tensor<?x2xf32>
    }
    %combined_3 = moe.combine add %outs_3 by %plan init(%zero_2 : tensor<?x2xf32>) : tensor<?x2xf32>, !moe.plan<experts = 4, slots = 1> -> tensor<?x2xf32>
    %map_1 = linalg.generic {indexing_maps = [#ij, #ij, #ij, #ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%x_1, %combined, %combined_1, %combined_2, %combined_3 : tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>) outs(%empty_3 : tensor<?x2xf32>) {
    ^bb0(%x_2: f32, %a_1: f32, %b_1: f32, %c: f32, %d: f32, %out: f32):
      %mul = arith.mulf %f2.0, %b_1 : f32
      %add = arith.addf %a_1, %mul : f32
      %mul_1 = arith.mulf %f2.0, %c : f32
      %add_1 = arith.addf %add, %mul_1 : f32
      %add_2 = arith.addf %add_1, %d : f32
      %mul_2 = arith.mulf %f0.008333333333333333, %add_2 : f32
      %add_3 = arith.addf %x_2, %mul_2 : f32
      linalg.yield %add_3 : f32
    } -> tensor<?x2xf32>
    scf.yield %map_1 : tensor<?x2xf32>
  }
  return %y, %ids : tensor<?x2xf32>, tensor<?x1xi32>
}
