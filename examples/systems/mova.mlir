// MoVA: a language model decides which vision encoders suit a question (a mask, given
// here); a gate then mixes their features, each by its own cross-attention. Encoders
// that were not chosen do not run.
//
// The granularity is a sample: rows of the plan are whole images' tokens, [4, 16], and
// results are combined as vectors of 64. Each expert reads its own encoder's features, of
// its own width.
//
// Source: MoVA, Adapting Mixture of Vision Experts to Multimodal Context;
// github.com/TempleX98/MoVA.

#ij = affine_map<(i, j) -> (i, j)>
#ijk = affine_map<(i, j, k) -> (i, j, k)>
#ijk_ij0 = affine_map<(i, j, k) -> (i, j, 0)>
#lhs_batch = affine_map<(b, m, n, k) -> (b, m, k)>
#rhs_t_batch = affine_map<(b, m, n, k) -> (b, n, k)>
#acc_batch = affine_map<(b, m, n, k) -> (b, m, n)>

ml_program.global private @gate.w1(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<24x12xf32>
ml_program.global private @gate.w2(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<12x3xf32>
ml_program.global private @q0(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<1x16x16xf32>
ml_program.global private @k0(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<1x8x16xf32>
ml_program.global private @u0(#moe.random<seed = 5, std = 0.3 : f64>) : tensor<1x8x16xf32>
ml_program.global private @q1(#moe.random<seed = 6, std = 0.3 : f64>) : tensor<1x16x16xf32>
ml_program.global private @k1(#moe.random<seed = 7, std = 0.3 : f64>) : tensor<1x12x16xf32>
ml_program.global private @u1(#moe.random<seed = 8, std = 0.3 : f64>) : tensor<1x12x16xf32>
ml_program.global private @q2(#moe.random<seed = 9, std = 0.3 : f64>) : tensor<1x16x16xf32>
ml_program.global private @k2(#moe.random<seed = 10, std = 0.3 : f64>) : tensor<1x16x16xf32>
ml_program.global private @u2(#moe.random<seed = 11, std = 0.3 : f64>) : tensor<1x16x16xf32>
ml_program.global private @self.q(#moe.random<seed = 12, std = 0.3 : f64>) : tensor<16x16xf32>
ml_program.global private @self.k(#moe.random<seed = 13, std = 0.3 : f64>) : tensor<16x16xf32>
ml_program.global private @self.v(#moe.random<seed = 14, std = 0.3 : f64>) : tensor<16x16xf32>
ml_program.global private @gate(#moe.random<seed = 15, std = 0.3 : f64>) : tensor<16x24xf32>
ml_program.global private @up(#moe.random<seed = 16, std = 0.3 : f64>) : tensor<16x24xf32>
ml_program.global private @down(#moe.random<seed = 17, std = 0.3 : f64>) : tensor<24x16xf32>

func.func @main(%x: tensor<?x4x16xf32> {moe.name = "x", moe.dims = ["B", "4", "16"]},
    %text: tensor<?x8xf32> {moe.name = "text", moe.dims = ["B", "8"]},
    %coarse: tensor<?x3xi1> {moe.name = "coarse", moe.dims = ["B", "3"]},
    %v0: tensor<?x5x8xf32> {moe.name = "v0", moe.dims = ["B", "5", "8"]},
    %v1: tensor<?x5x12xf32> {moe.name = "v1", moe.dims = ["B", "5", "12"]},
    %v2: tensor<?x5x16xf32> {moe.name = "v2", moe.dims = ["B", "5", "16"]})
    -> (tensor<?x4x16xf32> {moe.name = "y", moe.dims = ["B", "4", "16"]},
        tensor<?x2xi32> {moe.name = "ids", moe.dims = ["B", "2"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f0.25 = arith.constant 0.25 : f32
  %f1000000.0 = arith.constant 1000000.0 : f32
  %f0.125 = arith.constant 0.125 : f32
  %f1.0e-5 = arith.constant 1.0e-5 : f32
  %f0.0625 = arith.constant 0.0625 : f32
  %c4 = arith.constant 4 : index
  %c5 = arith.constant 5 : index
  %f0.08333333333333333 = arith.constant 0.08333333333333333 : f32
  %f1.0 = arith.constant 1.0 : f32
  %gate.w1 = ml_program.global_load_const @gate.w1 : tensor<24x12xf32>
  %gate.w2 = ml_program.global_load_const @gate.w2 : tensor<12x3xf32>
  %q0 = ml_program.global_load_const @q0 : tensor<1x16x16xf32>
  %k0 = ml_program.global_load_const @k0 : tensor<1x8x16xf32>
  %u0 = ml_program.global_load_const @u0 : tensor<1x8x16xf32>
  %q1 = ml_program.global_load_const @q1 : tensor<1x16x16xf32>
  %k1 = ml_program.global_load_const @k1 : tensor<1x12x16xf32>
  %u1 = ml_program.global_load_const @u1 : tensor<1x12x16xf32>
  %q2 = ml_program.global_load_const @q2 : tensor<1x16x16xf32>
  %k2 = ml_program.global_load_const @k2 : tensor<1x16x16xf32>
  %u2 = ml_program.global_load_const @u2 : tensor<1x16x16xf32>
  %self.q = ml_program.global_load_const @self.q : tensor<16x16xf32>
  %self.k = ml_program.global_load_const @self.k : tensor<16x16xf32>
  %self.v = ml_program.global_load_const @self.v : tensor<16x16xf32>
  %gate = ml_program.global_load_const @gate : tensor<16x24xf32>
  %up = ml_program.global_load_const @up : tensor<16x24xf32>
  %down = ml_program.global_load_const @down : tensor<24x16xf32>
  %B = tensor.dim %x, %c0 : tensor<?x4x16xf32>
  %empty = tensor.empty(%B) : tensor<?x16xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x16xf32>) -> tensor<?x16xf32>
  %sum = linalg.reduce { arith.addf } ins(%x : tensor<?x4x16xf32>) outs(%zero : tensor<?x16xf32>) dimensions = [1]
  %mean = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%sum : tensor<?x16xf32>) outs(%empty : tensor<?x16xf32>) {
  ^bb0(%sum_1: f32, %out: f32):
    %mul = arith.mulf %f0.25, %sum_1 : f32
    linalg.yield %mul : f32
  } -> tensor<?x16xf32>
  %concat = tensor.concat dim(1) %text, %mean : (tensor<?x8xf32>, tensor<?x16xf32>) -> tensor<?x24xf32>
  %empty_1 = tensor.empty(%B) : tensor<?x12xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x12xf32>) -> tensor<?x12xf32>
  %matmul = linalg.matmul ins(%concat, %gate.w1 : tensor<?x24xf32>, tensor<24x12xf32>) outs(%zero_1 : tensor<?x12xf32>) -> tensor<?x12xf32>
  %relu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul : tensor<?x12xf32>) outs(%empty_1 : tensor<?x12xf32>) {
  ^bb0(%a: f32, %out: f32):
    %max = arith.maximumf %a, %f0.0 : f32
    linalg.yield %max : f32
  } -> tensor<?x12xf32>
  %empty_2 = tensor.empty(%B) : tensor<?x3xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x3xf32>) -> tensor<?x3xf32>
  %s = linalg.matmul ins(%relu, %gate.w2 : tensor<?x12xf32>, tensor<12x3xf32>) outs(%zero_2 : tensor<?x3xf32>) -> tensor<?x3xf32>
  %masked = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%s, %coarse : tensor<?x3xf32>, tensor<?x3xi1>) outs(%empty_2 : tensor<?x3xf32>) {
  ^bb0(%s_1: f32, %m: i1, %out: f32):
    %sub = arith.subf %s_1, %f1000000.0 : f32
    %select = arith.select %m, %s_1, %sub : f32
    linalg.yield %select : f32
  } -> tensor<?x3xf32>
  %p = linalg.softmax dimension(1) ins(%masked : tensor<?x3xf32>) outs(%empty_2 : tensor<?x3xf32>) -> tensor<?x3xf32>
  %ids = moe.select #moe.top_k<2> scores(%p : tensor<?x3xf32>) mask(%coarse : tensor<?x3xi1>) -> tensor<?x2xi32>
  %w = moe.weigh sum %p, %ids : tensor<?x3xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %plan = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 3, slots = 2>
  %rows = moe.dispatch %x by %plan : tensor<?x4x16xf32>, !moe.plan<experts = 3, slots = 2> -> tensor<?x4x16xf32>
  %rows_1 = moe.dispatch %v0 by %plan : tensor<?x5x8xf32>, !moe.plan<experts = 3, slots = 2> -> tensor<?x5x8xf32>
  %rows_2 = moe.dispatch %v1 by %plan : tensor<?x5x12xf32>, !moe.plan<experts = 3, slots = 2> -> tensor<?x5x12xf32>
  %rows_3 = moe.dispatch %v2 by %plan : tensor<?x5x16xf32>, !moe.plan<experts = 3, slots = 2> -> tensor<?x5x16xf32>
  %outs = moe.experts %plan rows(%rows, %rows_1, %rows_2, %rows_3 : tensor<?x4x16xf32>, tensor<?x5x8xf32>, tensor<?x5x12xf32>, tensor<?x5x16xf32>) params(%q0, %k0, %u0, %q1, %k1, %u1, %q2, %k2, %u2 : tensor<1x16x16xf32>, tensor<1x8x16xf32>, tensor<1x8x16xf32>, tensor<1x16x16xf32>, tensor<1x12x16xf32>, tensor<1x12x16xf32>, tensor<1x16x16xf32>, tensor<1x16x16xf32>, tensor<1x16x16xf32>) members = [0, 1, 2] slot = [0, 0, 0] : !moe.plan<experts = 3, slots = 2> -> tensor<?x64xf32> {
  ^bb0(%x_1: tensor<?x4x16xf32>, %v0_1: tensor<?x5x8xf32>, %v1_1: tensor<?x5x12xf32>, %v2_1: tensor<?x5x16xf32>, %q0_1: tensor<16x16xf32>, %k0_1: tensor<8x16xf32>, %u0_1: tensor<8x16xf32>, %q1_1: tensor<16x16xf32>, %k1_1: tensor<12x16xf32>, %u1_1: tensor<12x16xf32>, %q2_1: tensor<16x16xf32>, %k2_1: tensor<16x16xf32>, %u2_1: tensor<16x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x4x16xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x5xf32>
    %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x5xf32>) -> tensor<?x5xf32>
    %sum_1 = linalg.reduce { arith.addf } ins(%v0_1 : tensor<?x5x8xf32>) outs(%zero_3 : tensor<?x5xf32>) dimensions = [2]
    %map = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%sum_1 : tensor<?x5xf32>) outs(%empty_3 : tensor<?x5xf32>) {
    ^bb0(%sum_2: f32, %out: f32):
      %mul = arith.mulf %sum_2, %f0.125 : f32
      linalg.yield %mul : f32
    } -> tensor<?x5xf32>
    %mean_1 = tensor.expand_shape %map [[0], [1, 2]] output_shape [%count, 5, 1] : tensor<?x5xf32> into tensor<?x5x1xf32>
    %empty_4 = tensor.empty(%count) : tensor<?x5x8xf32>
    %centred = linalg.generic {indexing_maps = [#ijk, #ijk_ij0, #ijk], iterator_types = ["parallel", "parallel", "parallel"]} ins(%v0_1, %mean_1 : tensor<?x5x8xf32>, tensor<?x5x1xf32>) outs(%empty_4 : tensor<?x5x8xf32>) {
    ^bb0(%a: f32, %b: f32, %out: f32):
      %sub = arith.subf %a, %b : f32
      linalg.yield %sub : f32
    } -> tensor<?x5x8xf32>
    %map_1 = linalg.generic {indexing_maps = [#ijk, #ijk], iterator_types = ["parallel", "parallel", "parallel"]} ins(%centred : tensor<?x5x8xf32>) outs(%empty_4 : tensor<?x5x8xf32>) {
    ^bb0(%c: f32, %out: f32):
      %mul = arith.mulf %c, %c : f32
      linalg.yield %mul : f32
    } -> tensor<?x5x8xf32>
    %sum_2 = linalg.reduce { arith.addf } ins(%map_1 : tensor<?x5x8xf32>) outs(%zero_3 : tensor<?x5xf32>) dimensions = [2]
    %squares = tensor.expand_shape %sum_2 [[0], [1, 2]] output_shape [%count, 5, 1] : tensor<?x5xf32> into tensor<?x5x1xf32>
    %map_2 = linalg.generic {indexing_maps = [#ijk, #ijk_ij0, #ijk], iterator_types = ["parallel", "parallel", "parallel"]} ins(%centred, %squares : tensor<?x5x8xf32>, tensor<?x5x1xf32>) outs(%empty_4 : tensor<?x5x8xf32>) {
    ^bb0(%c: f32, %sum_3: f32, %out: f32):
      %mul = arith.mulf %sum_3, %f0.125 : f32
      %add = arith.addf %mul, %f1.0e-5 : f32
      %rsqrt = math.rsqrt %add : f32
      %mul_1 = arith.mulf %c, %rsqrt : f32
      linalg.yield %mul_1 : f32
    } -> tensor<?x5x8xf32>
    %empty_5 = tensor.empty(%count) : tensor<?x4xf32>
    %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty_5 : tensor<?x4xf32>) -> tensor<?x4xf32>
    %sum_3 = linalg.reduce { arith.addf } ins(%x_1 : tensor<?x4x16xf32>) outs(%zero_4 : tensor<?x4xf32>) dimensions = [2]
    %map_3 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%sum_3 : tensor<?x4xf32>) outs(%empty_5 : tensor<?x4xf32>) {
    ^bb0(%sum_4: f32, %out: f32):
      %mul = arith.mulf %sum_4, %f0.0625 : f32
      linalg.yield %mul : f32
    } -> tensor<?x4xf32>
    %mean_2 = tensor.expand_shape %map_3 [[0], [1, 2]] output_shape [%count, 4, 1] : tensor<?x4xf32> into tensor<?x4x1xf32>
    %empty_6 = tensor.empty(%count) : tensor<?x4x16xf32>
    %centred_1 = linalg.generic {indexing_maps = [#ijk, #ijk_ij0, #ijk], iterator_types = ["parallel", "parallel", "parallel"]} ins(%x_1, %mean_2 : tensor<?x4x16xf32>, tensor<?x4x1xf32>) outs(%empty_6 : tensor<?x4x16xf32>) {
    ^bb0(%a: f32, %b: f32, %out: f32):
      %sub = arith.subf %a, %b : f32
      linalg.yield %sub : f32
    } -> tensor<?x4x16xf32>
    %map_4 = linalg.generic {indexing_maps = [#ijk, #ijk], iterator_types = ["parallel", "parallel", "parallel"]} ins(%centred_1 : tensor<?x4x16xf32>) outs(%empty_6 : tensor<?x4x16xf32>) {
    ^bb0(%c: f32, %out: f32):
      %mul = arith.mulf %c, %c : f32
      linalg.yield %mul : f32
    } -> tensor<?x4x16xf32>
    %sum_4 = linalg.reduce { arith.addf } ins(%map_4 : tensor<?x4x16xf32>) outs(%zero_4 : tensor<?x4xf32>) dimensions = [2]
    %squares_1 = tensor.expand_shape %sum_4 [[0], [1, 2]] output_shape [%count, 4, 1] : tensor<?x4xf32> into tensor<?x4x1xf32>
    %map_5 = linalg.generic {indexing_maps = [#ijk, #ijk_ij0, #ijk], iterator_types = ["parallel", "parallel", "parallel"]} ins(%centred_1, %squares_1 : tensor<?x4x16xf32>, tensor<?x4x1xf32>) outs(%empty_6 : tensor<?x4x16xf32>) {
    ^bb0(%c: f32, %sum_5: f32, %out: f32):
      %mul = arith.mulf %sum_5, %f0.0625 : f32
      %add = arith.addf %mul, %f1.0e-5 : f32
      %rsqrt = math.rsqrt %add : f32
      %mul_1 = arith.mulf %c, %rsqrt : f32
      linalg.yield %mul_1 : f32
    } -> tensor<?x4x16xf32>
    %flat = arith.muli %count, %c4 : index
    %collapsed = tensor.collapse_shape %map_5 [[0, 1], [2]] : tensor<?x4x16xf32> into tensor<?x16xf32>
    %empty_7 = tensor.empty(%flat) : tensor<?x16xf32>
    %zero_5 = linalg.fill ins(%f0.0 : f32) outs(%empty_7 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %flat_1 = linalg.matmul ins(%collapsed, %q0_1 : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_5 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %expanded = tensor.expand_shape %flat_1 [[0, 1], [2]] output_shape [%count, 4, 16] : tensor<?x16xf32> into tensor<?x4x16xf32>
    %flat_2 = arith.muli %count, %c5 : index
    %collapsed_1 = tensor.collapse_shape %map_2 [[0, 1], [2]] : tensor<?x5x8xf32> into tensor<?x8xf32>
    %empty_8 = tensor.empty(%flat_2) : tensor<?x16xf32>
    %zero_6 = linalg.fill ins(%f0.0 : f32) outs(%empty_8 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %flat_3 = linalg.matmul ins(%collapsed_1, %k0_1 : tensor<?x8xf32>, tensor<8x16xf32>) outs(%zero_6 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %expanded_1 = tensor.expand_shape %flat_3 [[0, 1], [2]] output_shape [%count, 5, 16] : tensor<?x16xf32> into tensor<?x5x16xf32>
    %flat_4 = arith.muli %count, %c5 : index
    %collapsed_2 = tensor.collapse_shape %map_2 [[0, 1], [2]] : tensor<?x5x8xf32> into tensor<?x8xf32>
    %empty_9 = tensor.empty(%flat_4) : tensor<?x16xf32>
    %zero_7 = linalg.fill ins(%f0.0 : f32) outs(%empty_9 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %flat_5 = linalg.matmul ins(%collapsed_2, %u0_1 : tensor<?x8xf32>, tensor<8x16xf32>) outs(%zero_7 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %expanded_2 = tensor.expand_shape %flat_5 [[0, 1], [2]] output_shape [%count, 5, 16] : tensor<?x16xf32> into tensor<?x5x16xf32>
    %empty_10 = tensor.empty(%count) : tensor<?x4x5xf32>
    %zero_8 = linalg.fill ins(%f0.0 : f32) outs(%empty_10 : tensor<?x4x5xf32>) -> tensor<?x4x5xf32>
    %matmul_1 = linalg.batch_matmul indexing_maps = [#lhs_batch, #rhs_t_batch, #acc_batch] ins(%expanded, %expanded_1 : tensor<?x4x16xf32>, tensor<?x5x16xf32>) outs(%zero_8 : tensor<?x4x5xf32>) -> tensor<?x4x5xf32>
    %s_1 = linalg.generic {indexing_maps = [#ijk, #ijk], iterator_types = ["parallel", "parallel", "parallel"]} ins(%matmul_1 : tensor<?x4x5xf32>) outs(%empty_10 : tensor<?x4x5xf32>) {
    ^bb0(%s_2: f32, %out: f32):
      %mul = arith.mulf %s_2, %f0.25 : f32
      linalg.yield %mul : f32
    } -> tensor<?x4x5xf32>
    %softmax = linalg.softmax dimension(2) ins(%s_1 : tensor<?x4x5xf32>) outs(%empty_10 : tensor<?x4x5xf32>) -> tensor<?x4x5xf32>
    %zero_9 = linalg.fill ins(%f0.0 : f32) outs(%empty_6 : tensor<?x4x16xf32>) -> tensor<?x4x16xf32>
    %matmul_2 = linalg.batch_matmul ins(%softmax, %expanded_2 : tensor<?x4x5xf32>, tensor<?x5x16xf32>) outs(%zero_9 : tensor<?x4x16xf32>) -> tensor<?x4x16xf32>
    %collapsed_3 = tensor.collapse_shape %matmul_2 [[0], [1, 2]] : tensor<?x4x16xf32> into tensor<?x64xf32>
    moe.yield %collapsed_3 : tensor<?x64xf32>
  }, {
  ^bb0(%x_1: tensor<?x4x16xf32>, %v0_1: tensor<?x5x8xf32>, %v1_1: tensor<?x5x12xf32>, %v2_1: tensor<?x5x16xf32>, %q0_1: tensor<16x16xf32>, %k0_1: tensor<8x16xf32>, %u0_1: tensor<8x16xf32>, %q1_1: tensor<16x16xf32>, %k1_1: tensor<12x16xf32>, %u1_1: tensor<12x16xf32>, %q2_1: tensor<16x16xf32>, %k2_1: tensor<16x16xf32>, %u2_1: tensor<16x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x4x16xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x5xf32>
    %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x5xf32>) -> tensor<?x5xf32>
    %sum_1 = linalg.reduce { arith.addf } ins(%v1_1 : tensor<?x5x12xf32>) outs(%zero_3 : tensor<?x5xf32>) dimensions = [2]
    %map = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%sum_1 : tensor<?x5xf32>) outs(%empty_3 : tensor<?x5xf32>) {
    ^bb0(%sum_2: f32, %out: f32):
      %mul = arith.mulf %sum_2, %f0.08333333333333333 : f32
      linalg.yield %mul : f32
    } -> tensor<?x5xf32>
    %mean_1 = tensor.expand_shape %map [[0], [1, 2]] output_shape [%count, 5, 1] : tensor<?x5xf32> into tensor<?x5x1xf32>
    %empty_4 = tensor.empty(%count) : tensor<?x5x12xf32>
    %centred = linalg.generic {indexing_maps = [#ijk, #ijk_ij0, #ijk], iterator_types = ["parallel", "parallel", "parallel"]} ins(%v1_1, %mean_1 : tensor<?x5x12xf32>, tensor<?x5x1xf32>) outs(%empty_4 : tensor<?x5x12xf32>) {
    ^bb0(%a: f32, %b: f32, %out: f32):
      %sub = arith.subf %a, %b : f32
      linalg.yield %sub : f32
    } -> tensor<?x5x12xf32>
    %map_1 = linalg.generic {indexing_maps = [#ijk, #ijk], iterator_types = ["parallel", "parallel", "parallel"]} ins(%centred : tensor<?x5x12xf32>) outs(%empty_4 : tensor<?x5x12xf32>) {
    ^bb0(%c: f32, %out: f32):
      %mul = arith.mulf %c, %c : f32
      linalg.yield %mul : f32
    } -> tensor<?x5x12xf32>
    %sum_2 = linalg.reduce { arith.addf } ins(%map_1 : tensor<?x5x12xf32>) outs(%zero_3 : tensor<?x5xf32>) dimensions = [2]
    %squares = tensor.expand_shape %sum_2 [[0], [1, 2]] output_shape [%count, 5, 1] : tensor<?x5xf32> into tensor<?x5x1xf32>
    %map_2 = linalg.generic {indexing_maps = [#ijk, #ijk_ij0, #ijk], iterator_types = ["parallel", "parallel", "parallel"]} ins(%centred, %squares : tensor<?x5x12xf32>, tensor<?x5x1xf32>) outs(%empty_4 : tensor<?x5x12xf32>) {
    ^bb0(%c: f32, %sum_3: f32, %out: f32):
      %mul = arith.mulf %sum_3, %f0.08333333333333333 : f32
      %add = arith.addf %mul, %f1.0e-5 : f32
      %rsqrt = math.rsqrt %add : f32
      %mul_1 = arith.mulf %c, %rsqrt : f32
      linalg.yield %mul_1 : f32
    } -> tensor<?x5x12xf32>
    %empty_5 = tensor.empty(%count) : tensor<?x4xf32>
    %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty_5 : tensor<?x4xf32>) -> tensor<?x4xf32>
    %sum_3 = linalg.reduce { arith.addf } ins(%x_1 : tensor<?x4x16xf32>) outs(%zero_4 : tensor<?x4xf32>) dimensions = [2]
    %map_3 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%sum_3 : tensor<?x4xf32>) outs(%empty_5 : tensor<?x4xf32>) {
    ^bb0(%sum_4: f32, %out: f32):
      %mul = arith.mulf %sum_4, %f0.0625 : f32
      linalg.yield %mul : f32
    } -> tensor<?x4xf32>
    %mean_2 = tensor.expand_shape %map_3 [[0], [1, 2]] output_shape [%count, 4, 1] : tensor<?x4xf32> into tensor<?x4x1xf32>
    %empty_6 = tensor.empty(%count) : tensor<?x4x16xf32>
    %centred_1 = linalg.generic {indexing_maps = [#ijk, #ijk_ij0, #ijk], iterator_types = ["parallel", "parallel", "parallel"]} ins(%x_1, %mean_2 : tensor<?x4x16xf32>, tensor<?x4x1xf32>) outs(%empty_6 : tensor<?x4x16xf32>) {
    ^bb0(%a: f32, %b: f32, %out: f32):
      %sub = arith.subf %a, %b : f32
      linalg.yield %sub : f32
    } -> tensor<?x4x16xf32>
    %map_4 = linalg.generic {indexing_maps = [#ijk, #ijk], iterator_types = ["parallel", "parallel", "parallel"]} ins(%centred_1 : tensor<?x4x16xf32>) outs(%empty_6 : tensor<?x4x16xf32>) {
    ^bb0(%c: f32, %out: f32):
      %mul = arith.mulf %c, %c : f32
      linalg.yield %mul : f32
    } -> tensor<?x4x16xf32>
    %sum_4 = linalg.reduce { arith.addf } ins(%map_4 : tensor<?x4x16xf32>) outs(%zero_4 : tensor<?x4xf32>) dimensions = [2]
    %squares_1 = tensor.expand_shape %sum_4 [[0], [1, 2]] output_shape [%count, 4, 1] : tensor<?x4xf32> into tensor<?x4x1xf32>
    %map_5 = linalg.generic {indexing_maps = [#ijk, #ijk_ij0, #ijk], iterator_types = ["parallel", "parallel", "parallel"]} ins(%centred_1, %squares_1 : tensor<?x4x16xf32>, tensor<?x4x1xf32>) outs(%empty_6 : tensor<?x4x16xf32>) {
    ^bb0(%c: f32, %sum_5: f32, %out: f32):
      %mul = arith.mulf %sum_5, %f0.0625 : f32
      %add = arith.addf %mul, %f1.0e-5 : f32
      %rsqrt = math.rsqrt %add : f32
      %mul_1 = arith.mulf %c, %rsqrt : f32
      linalg.yield %mul_1 : f32
    } -> tensor<?x4x16xf32>
    %flat = arith.muli %count, %c4 : index
    %collapsed = tensor.collapse_shape %map_5 [[0, 1], [2]] : tensor<?x4x16xf32> into tensor<?x16xf32>
    %empty_7 = tensor.empty(%flat) : tensor<?x16xf32>
    %zero_5 = linalg.fill ins(%f0.0 : f32) outs(%empty_7 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %flat_1 = linalg.matmul ins(%collapsed, %q1_1 : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_5 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %expanded = tensor.expand_shape %flat_1 [[0, 1], [2]] output_shape [%count, 4, 16] : tensor<?x16xf32> into tensor<?x4x16xf32>
    %flat_2 = arith.muli %count, %c5 : index
    %collapsed_1 = tensor.collapse_shape %map_2 [[0, 1], [2]] : tensor<?x5x12xf32> into tensor<?x12xf32>
    %empty_8 = tensor.empty(%flat_2) : tensor<?x16xf32>
    %zero_6 = linalg.fill ins(%f0.0 : f32) outs(%empty_8 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %flat_3 = linalg.matmul ins(%collapsed_1, %k1_1 : tensor<?x12xf32>, tensor<12x16xf32>) outs(%zero_6 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %expanded_1 = tensor.expand_shape %flat_3 [[0, 1], [2]] output_shape [%count, 5, 16] : tensor<?x16xf32> into tensor<?x5x16xf32>
    %flat_4 = arith.muli %count, %c5 : index
    %collapsed_2 = tensor.collapse_shape %map_2 [[0, 1], [2]] : tensor<?x5x12xf32> into tensor<?x12xf32>
    %empty_9 = tensor.empty(%flat_4) : tensor<?x16xf32>
    %zero_7 = linalg.fill ins(%f0.0 : f32) outs(%empty_9 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %flat_5 = linalg.matmul ins(%collapsed_2, %u1_1 : tensor<?x12xf32>, tensor<12x16xf32>) outs(%zero_7 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %expanded_2 = tensor.expand_shape %flat_5 [[0, 1], [2]] output_shape [%count, 5, 16] : tensor<?x16xf32> into tensor<?x5x16xf32>
    %empty_10 = tensor.empty(%count) : tensor<?x4x5xf32>
    %zero_8 = linalg.fill ins(%f0.0 : f32) outs(%empty_10 : tensor<?x4x5xf32>) -> tensor<?x4x5xf32>
    %matmul_1 = linalg.batch_matmul indexing_maps = [#lhs_batch, #rhs_t_batch, #acc_batch] ins(%expanded, %expanded_1 : tensor<?x4x16xf32>, tensor<?x5x16xf32>) outs(%zero_8 : tensor<?x4x5xf32>) -> tensor<?x4x5xf32>
    %s_1 = linalg.generic {indexing_maps = [#ijk, #ijk], iterator_types = ["parallel", "parallel", "parallel"]} ins(%matmul_1 : tensor<?x4x5xf32>) outs(%empty_10 : tensor<?x4x5xf32>) {
    ^bb0(%s_2: f32, %out: f32):
      %mul = arith.mulf %s_2, %f0.25 : f32
      linalg.yield %mul : f32
    } -> tensor<?x4x5xf32>
    %softmax = linalg.softmax dimension(2) ins(%s_1 : tensor<?x4x5xf32>) outs(%empty_10 : tensor<?x4x5xf32>) -> tensor<?x4x5xf32>
    %zero_9 = linalg.fill ins(%f0.0 : f32) outs(%empty_6 : tensor<?x4x16xf32>) -> tensor<?x4x16xf32>
    %matmul_2 = linalg.batch_matmul ins(%softmax, %expanded_2 : tensor<?x4x5xf32>, tensor<?x5x16xf32>) outs(%zero_9 : tensor<?x4x16xf32>) -> tensor<?x4x16xf32>
    %collapsed_3 = tensor.collapse_shape %matmul_2 [[0], [1, 2]] : tensor<?x4x16xf32> into tensor<?x64xf32>
    moe.yield %collapsed_3 : tensor<?x64xf32>
  }, {
  ^bb0(%x_1: tensor<?x4x16xf32>, %v0_1: tensor<?x5x8xf32>, %v1_1: tensor<?x5x12xf32>, %v2_1: tensor<?x5x16xf32>, %q0_1: tensor<16x16xf32>, %k0_1: tensor<8x16xf32>, %u0_1: tensor<8x16xf32>, %q1_1: tensor<16x16xf32>, %k1_1: tensor<12x16xf32>, %u1_1: tensor<12x16xf32>, %q2_1: tensor<16x16xf32>, %k2_1: tensor<16x16xf32>, %u2_1: tensor<16x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x4x16xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x5xf32>
    %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x5xf32>) -> tensor<?x5xf32>
    %sum_1 = linalg.reduce { arith.addf } ins(%v2_1 : tensor<?x5x16xf32>) outs(%zero_3 : tensor<?x5xf32>) dimensions = [2]
    %map = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%sum_1 : tensor<?x5xf32>) outs(%empty_3 : tensor<?x5xf32>) {
    ^bb0(%sum_2: f32, %out: f32):
      %mul = arith.mulf %sum_2, %f0.0625 : f32
      linalg.yield %mul : f32
    } -> tensor<?x5xf32>
    %mean_1 = tensor.expand_shape %map [[0], [1, 2]] output_shape [%count, 5, 1] : tensor<?x5xf32> into tensor<?x5x1xf32>
    %empty_4 = tensor.empty(%count) : tensor<?x5x16xf32>
    %centred = linalg.generic {indexing_maps = [#ijk, #ijk_ij0, #ijk], iterator_types = ["parallel", "parallel", "parallel"]} ins(%v2_1, %mean_1 : tensor<?x5x16xf32>, tensor<?x5x1xf32>) outs(%empty_4 : tensor<?x5x16xf32>) {
    ^bb0(%a: f32, %b: f32, %out: f32):
      %sub = arith.subf %a, %b : f32
      linalg.yield %sub : f32
    } -> tensor<?x5x16xf32>
    %map_1 = linalg.generic {indexing_maps = [#ijk, #ijk], iterator_types = ["parallel", "parallel", "parallel"]} ins(%centred : tensor<?x5x16xf32>) outs(%empty_4 : tensor<?x5x16xf32>) {
    ^bb0(%c: f32, %out: f32):
      %mul = arith.mulf %c, %c : f32
      linalg.yield %mul : f32
    } -> tensor<?x5x16xf32>
    %sum_2 = linalg.reduce { arith.addf } ins(%map_1 : tensor<?x5x16xf32>) outs(%zero_3 : tensor<?x5xf32>) dimensions = [2]
    %squares = tensor.expand_shape %sum_2 [[0], [1, 2]] output_shape [%count, 5, 1] : tensor<?x5xf32> into tensor<?x5x1xf32>
    %map_2 = linalg.generic {indexing_maps = [#ijk, #ijk_ij0, #ijk], iterator_types = ["parallel", "parallel", "parallel"]} ins(%centred, %squares : tensor<?x5x16xf32>, tensor<?x5x1xf32>) outs(%empty_4 : tensor<?x5x16xf32>) {
    ^bb0(%c: f32, %sum_3: f32, %out: f32):
      %mul = arith.mulf %sum_3, %f0.0625 : f32
      %add = arith.addf %mul, %f1.0e-5 : f32
      %rsqrt = math.rsqrt %add : f32
      %mul_1 = arith.mulf %c, %rsqrt : f32
      linalg.yield %mul_1 : f32
    } -> tensor<?x5x16xf32>
    %empty_5 = tensor.empty(%count) : tensor<?x4xf32>
    %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty_5 : tensor<?x4xf32>) -> tensor<?x4xf32>
    %sum_3 = linalg.reduce { arith.addf } ins(%x_1 : tensor<?x4x16xf32>) outs(%zero_4 : tensor<?x4xf32>) dimensions = [2]
    %map_3 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%sum_3 : tensor<?x4xf32>) outs(%empty_5 : tensor<?x4xf32>) {
    ^bb0(%sum_4: f32, %out: f32):
      %mul = arith.mulf %sum_4, %f0.0625 : f32
      linalg.yield %mul : f32
    } -> tensor<?x4xf32>
    %mean_2 = tensor.expand_shape %map_3 [[0], [1, 2]] output_shape [%count, 4, 1] : tensor<?x4xf32> into tensor<?x4x1xf32>
    %empty_6 = tensor.empty(%count) : tensor<?x4x16xf32>
    %centred_1 = linalg.generic {indexing_maps = [#ijk, #ijk_ij0, #ijk], iterator_types = ["parallel", "parallel", "parallel"]} ins(%x_1, %mean_2 : tensor<?x4x16xf32>, tensor<?x4x1xf32>) outs(%empty_6 : tensor<?x4x16xf32>) {
    ^bb0(%a: f32, %b: f32, %out: f32):
      %sub = arith.subf %a, %b : f32
      linalg.yield %sub : f32
    } -> tensor<?x4x16xf32>
    %map_4 = linalg.generic {indexing_maps = [#ijk, #ijk], iterator_types = ["parallel", "parallel", "parallel"]} ins(%centred_1 : tensor<?x4x16xf32>) outs(%empty_6 : tensor<?x4x16xf32>) {
    ^bb0(%c: f32, %out: f32):
      %mul = arith.mulf %c, %c : f32
      linalg.yield %mul : f32
    } -> tensor<?x4x16xf32>
    %sum_4 = linalg.reduce { arith.addf } ins(%map_4 : tensor<?x4x16xf32>) outs(%zero_4 : tensor<?x4xf32>) dimensions = [2]
    %squares_1 = tensor.expand_shape %sum_4 [[0], [1, 2]] output_shape [%count, 4, 1] : tensor<?x4xf32> into tensor<?x4x1xf32>
    %map_5 = linalg.generic {indexing_maps = [#ijk, #ijk_ij0, #ijk], iterator_types = ["parallel", "parallel", "parallel"]} ins(%centred_1, %squares_1 : tensor<?x4x16xf32>, tensor<?x4x1xf32>) outs(%empty_6 : tensor<?x4x16xf32>) {
    ^bb0(%c: f32, %sum_5: f32, %out: f32):
      %mul = arith.mulf %sum_5, %f0.0625 : f32
      %add = arith.addf %mul, %f1.0e-5 : f32
      %rsqrt = math.rsqrt %add : f32
      %mul_1 = arith.mulf %c, %rsqrt : f32
      linalg.yield %mul_1 : f32
    } -> tensor<?x4x16xf32>
    %flat = arith.muli %count, %c4 : index
    %collapsed = tensor.collapse_shape %map_5 [[0, 1], [2]] : tensor<?x4x16xf32> into tensor<?x16xf32>
    %empty_7 = tensor.empty(%flat) : tensor<?x16xf32>
    %zero_5 = linalg.fill ins(%f0.0 : f32) outs(%empty_7 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %flat_1 = linalg.matmul ins(%collapsed, %q2_1 : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_5 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %expanded = tensor.expand_shape %flat_1 [[0, 1], [2]] output_shape [%count, 4, 16] : tensor<?x16xf32> into tensor<?x4x16xf32>
    %flat_2 = arith.muli %count, %c5 : index
    %collapsed_1 = tensor.collapse_shape %map_2 [[0, 1], [2]] : tensor<?x5x16xf32> into tensor<?x16xf32>
    %empty_8 = tensor.empty(%flat_2) : tensor<?x16xf32>
    %zero_6 = linalg.fill ins(%f0.0 : f32) outs(%empty_8 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %flat_3 = linalg.matmul ins(%collapsed_1, %k2_1 : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_6 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %expanded_1 = tensor.expand_shape %flat_3 [[0, 1], [2]] output_shape [%count, 5, 16] : tensor<?x16xf32> into tensor<?x5x16xf32>
    %flat_4 = arith.muli %count, %c5 : index
    %collapsed_2 = tensor.collapse_shape %map_2 [[0, 1], [2]] : tensor<?x5x16xf32> into tensor<?x16xf32>
    %empty_9 = tensor.empty(%flat_4) : tensor<?x16xf32>
    %zero_7 = linalg.fill ins(%f0.0 : f32) outs(%empty_9 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %flat_5 = linalg.matmul ins(%collapsed_2, %u2_1 : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_7 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %expanded_2 = tensor.expand_shape %flat_5 [[0, 1], [2]] output_shape [%count, 5, 16] : tensor<?x16xf32> into tensor<?x5x16xf32>
    %empty_10 = tensor.empty(%count) : tensor<?x4x5xf32>
    %zero_8 = linalg.fill ins(%f0.0 : f32) outs(%empty_10 : tensor<?x4x5xf32>) -> tensor<?x4x5xf32>
    %matmul_1 = linalg.batch_matmul indexing_maps = [#lhs_batch, #rhs_t_batch, #acc_batch] ins(%expanded, %expanded_1 : tensor<?x4x16xf32>, tensor<?x5x16xf32>) outs(%zero_8 : tensor<?x4x5xf32>) -> tensor<?x4x5xf32>
    %s_1 = linalg.generic {indexing_maps = [#ijk, #ijk], iterator_types = ["parallel", "parallel", "parallel"]} ins(%matmul_1 : tensor<?x4x5xf32>) outs(%empty_10 : tensor<?x4x5xf32>) {
    ^bb0(%s_2: f32, %out: f32):
      %mul = arith.mulf %s_2, %f0.25 : f32
      linalg.yield %mul : f32
    } -> tensor<?x4x5xf32>
    %softmax = linalg.softmax dimension(2) ins(%s_1 : tensor<?x4x5xf32>) outs(%empty_10 : tensor<?x4x5xf32>) -> tensor<?x4x5xf32>
    %zero_9 = linalg.fill ins(%f0.0 : f32) outs(%empty_6 : tensor<?x4x16xf32>) -> tensor<?x4x16xf32>
    %matmul_2 = linalg.batch_matmul ins(%softmax, %expanded_2 : tensor<?x4x5xf32>, tensor<?x5x16xf32>) outs(%zero_9 : tensor<?x4x16xf32>) -> tensor<?x4x16xf32>
    %collapsed_3 = tensor.collapse_shape %matmul_2 [[0], [1, 2]] : tensor<?x4x16xf32> into tensor<?x64xf32>
    moe.yield %collapsed_3 : tensor<?x64xf32>
  }
  %empty_3 = tensor.empty(%B) : tensor<?x64xf32>
  %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x64xf32>) -> tensor<?x64xf32>
  %combined = moe.combine add %outs by %plan weights(%w : tensor<?x2xf32>) init(%zero_3 : tensor<?x64xf32>) : tensor<?x64xf32>, !moe.plan<experts = 3, slots = 2> -> tensor<?x64xf32>
  %expanded = tensor.expand_shape %combined [[0], [1, 2]] output_shape [%B, 4, 16] : tensor<?x64xf32> into tensor<?x4x16xf32>
  %empty_4 = tensor.empty(%B) : tensor<?x4x16xf32>
  %h = linalg.generic {indexing_maps = [#ijk, #ijk, #ijk], iterator_types = ["parallel", "parallel", "parallel"]} ins(%x, %expanded : tensor<?x4x16xf32>, tensor<?x4x16xf32>) outs(%empty_4 : tensor<?x4x16xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %add = arith.addf %a, %b : f32
    linalg.yield %add : f32
  } -> tensor<?x4x16xf32>
  %empty_5 = tensor.empty(%B) : tensor<?x4xf32>
  %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty_5 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %sum_1 = linalg.reduce { arith.addf } ins(%h : tensor<?x4x16xf32>) outs(%zero_4 : tensor<?x4xf32>) dimensions = [2]
  %map = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%sum_1 : tensor<?x4xf32>) outs(%empty_5 : tensor<?x4xf32>) {
  ^bb0(%sum_2: f32, %out: f32):
    %mul = arith.mulf %sum_2, %f0.0625 : f32
    linalg.yield %mul : f32
  } -> tensor<?x4xf32>
  %mean_1 = tensor.expand_shape %map [[0], [1, 2]] output_shape [%B, 4, 1] : tensor<?x4xf32> into tensor<?x4x1xf32>
  %centred = linalg.generic {indexing_maps = [#ijk, #ijk_ij0, #ijk], iterator_types = ["parallel", "parallel", "parallel"]} ins(%h, %mean_1 : tensor<?x4x16xf32>, tensor<?x4x1xf32>) outs(%empty_4 : tensor<?x4x16xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %sub = arith.subf %a, %b : f32
    linalg.yield %sub : f32
  } -> tensor<?x4x16xf32>
  %map_1 = linalg.generic {indexing_maps = [#ijk, #ijk], iterator_types = ["parallel", "parallel", "parallel"]} ins(%centred : tensor<?x4x16xf32>) outs(%empty_4 : tensor<?x4x16xf32>) {
  ^bb0(%c: f32, %out: f32):
    %mul = arith.mulf %c, %c : f32
    linalg.yield %mul : f32
  } -> tensor<?x4x16xf32>
  %sum_2 = linalg.reduce { arith.addf } ins(%map_1 : tensor<?x4x16xf32>) outs(%zero_4 : tensor<?x4xf32>) dimensions = [2]
  %squares = tensor.expand_shape %sum_2 [[0], [1, 2]] output_shape [%B, 4, 1] : tensor<?x4xf32> into tensor<?x4x1xf32>
  %map_2 = linalg.generic {indexing_maps = [#ijk, #ijk_ij0, #ijk], iterator_types = ["parallel", "parallel", "parallel"]} ins(%centred, %squares : tensor<?x4x16xf32>, tensor<?x4x1xf32>) outs(%empty_4 : tensor<?x4x16xf32>) {
  ^bb0(%c: f32, %sum_3: f32, %out: f32):
    %mul = arith.mulf %sum_3, %f0.0625 : f32
    %add = arith.addf %mul, %f1.0e-5 : f32
    %rsqrt = math.rsqrt %add : f32
    %mul_1 = arith.mulf %c, %rsqrt : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x4x16xf32>
  %flat = arith.muli %B, %c4 : index
  %collapsed = tensor.collapse_shape %map_2 [[0, 1], [2]] : tensor<?x4x16xf32> into tensor<?x16xf32>
  %empty_6 = tensor.empty(%flat) : tensor<?x16xf32>
  %zero_5 = linalg.fill ins(%f0.0 : f32) outs(%empty_6 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %flat_1 = linalg.matmul ins(%collapsed, %self.q : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_5 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %expanded_1 = tensor.expand_shape %flat_1 [[0, 1], [2]] output_shape [%B, 4, 16] : tensor<?x16xf32> into tensor<?x4x16xf32>
  %sum_3 = linalg.reduce { arith.addf } ins(%h : tensor<?x4x16xf32>) outs(%zero_4 : tensor<?x4xf32>) dimensions = [2]
  %map_3 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%sum_3 : tensor<?x4xf32>) outs(%empty_5 : tensor<?x4xf32>) {
  ^bb0(%sum_4: f32, %out: f32):
    %mul = arith.mulf %sum_4, %f0.0625 : f32
    linalg.yield %mul : f32
  } -> tensor<?x4xf32>
  %mean_2 = tensor.expand_shape %map_3 [[0], [1, 2]] output_shape [%B, 4, 1] : tensor<?x4xf32> into tensor<?x4x1xf32>
  %centred_1 = linalg.generic {indexing_maps = [#ijk, #ijk_ij0, #ijk], iterator_types = ["parallel", "parallel", "parallel"]} ins(%h, %mean_2 : tensor<?x4x16xf32>, tensor<?x4x1xf32>) outs(%empty_4 : tensor<?x4x16xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %sub = arith.subf %a, %b : f32
    linalg.yield %sub : f32
  } -> tensor<?x4x16xf32>
  %map_4 = linalg.generic {indexing_maps = [#ijk, #ijk], iterator_types = ["parallel", "parallel", "parallel"]} ins(%centred_1 : tensor<?x4x16xf32>) outs(%empty_4 : tensor<?x4x16xf32>) {
  ^bb0(%c: f32, %out: f32):
    %mul = arith.mulf %c, %c : f32
    linalg.yield %mul : f32
  } -> tensor<?x4x16xf32>
  %sum_4 = linalg.reduce { arith.addf } ins(%map_4 : tensor<?x4x16xf32>) outs(%zero_4 : tensor<?x4xf32>) dimensions = [2]
  %squares_1 = tensor.expand_shape %sum_4 [[0], [1, 2]] output_shape [%B, 4, 1] : tensor<?x4xf32> into tensor<?x4x1xf32>
  %map_5 = linalg.generic {indexing_maps = [#ijk, #ijk_ij0, #ijk], iterator_types = ["parallel", "parallel", "parallel"]} ins(%centred_1, %squares_1 : tensor<?x4x16xf32>, tensor<?x4x1xf32>) outs(%empty_4 : tensor<?x4x16xf32>) {
  ^bb0(%c: f32, %sum_5: f32, %out: f32):
    %mul = arith.mulf %sum_5, %f0.0625 : f32
    %add = arith.addf %mul, %f1.0e-5 : f32
    %rsqrt = math.rsqrt %add : f32
    %mul_1 = arith.mulf %c, %rsqrt : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x4x16xf32>
  %flat_2 = arith.muli %B, %c4 : index
  %collapsed_1 = tensor.collapse_shape %map_5 [[0, 1], [2]] : tensor<?x4x16xf32> into tensor<?x16xf32>
  %empty_7 = tensor.empty(%flat_2) : tensor<?x16xf32>
  %zero_6 = linalg.fill ins(%f0.0 : f32) outs(%empty_7 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %flat_3 = linalg.matmul ins(%collapsed_1, %self.k : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_6 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %expanded_2 = tensor.expand_shape %flat_3 [[0, 1], [2]] output_shape [%B, 4, 16] : tensor<?x16xf32> into tensor<?x4x16xf32>
  %sum_5 = linalg.reduce { arith.addf } ins(%h : tensor<?x4x16xf32>) outs(%zero_4 : tensor<?x4xf32>) dimensions = [2]
  %map_6 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%sum_5 : tensor<?x4xf32>) outs(%empty_5 : tensor<?x4xf32>) {
  ^bb0(%sum_6: f32, %out: f32):
    %mul = arith.mulf %sum_6, %f0.0625 : f32
    linalg.yield %mul : f32
  } -> tensor<?x4xf32>
  %mean_3 = tensor.expand_shape %map_6 [[0], [1, 2]] output_shape [%B, 4, 1] : tensor<?x4xf32> into tensor<?x4x1xf32>
  %centred_2 = linalg.generic {indexing_maps = [#ijk, #ijk_ij0, #ijk], iterator_types = ["parallel", "parallel", "parallel"]} ins(%h, %mean_3 : tensor<?x4x16xf32>, tensor<?x4x1xf32>) outs(%empty_4 : tensor<?x4x16xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %sub = arith.subf %a, %b : f32
    linalg.yield %sub : f32
  } -> tensor<?x4x16xf32>
  %map_7 = linalg.generic {indexing_maps = [#ijk, #ijk], iterator_types = ["parallel", "parallel", "parallel"]} ins(%centred_2 : tensor<?x4x16xf32>) outs(%empty_4 : tensor<?x4x16xf32>) {
  ^bb0(%c: f32, %out: f32):
    %mul = arith.mulf %c, %c : f32
    linalg.yield %mul : f32
  } -> tensor<?x4x16xf32>
  %sum_6 = linalg.reduce { arith.addf } ins(%map_7 : tensor<?x4x16xf32>) outs(%zero_4 : tensor<?x4xf32>) dimensions = [2]
  %squares_2 = tensor.expand_shape %sum_6 [[0], [1, 2]] output_shape [%B, 4, 1] : tensor<?x4xf32> into tensor<?x4x1xf32>
  %map_8 = linalg.generic {indexing_maps = [#ijk, #ijk_ij0, #ijk], iterator_types = ["parallel", "parallel", "parallel"]} ins(%centred_2, %squares_2 : tensor<?x4x16xf32>, tensor<?x4x1xf32>) outs(%empty_4 : tensor<?x4x16xf32>) {
  ^bb0(%c: f32, %sum_7: f32, %out: f32):
    %mul = arith.mulf %sum_7, %f0.0625 : f32
    %add = arith.addf %mul, %f1.0e-5 : f32
    %rsqrt = math.rsqrt %add : f32
    %mul_1 = arith.mulf %c, %rsqrt : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x4x16xf32>
  %flat_4 = arith.muli %B, %c4 : index
  %collapsed_2 = tensor.collapse_shape %map_8 [[0, 1], [2]] : tensor<?x4x16xf32> into tensor<?x16xf32>
  %empty_8 = tensor.empty(%flat_4) : tensor<?x16xf32>
  %zero_7 = linalg.fill ins(%f0.0 : f32) outs(%empty_8 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %flat_5 = linalg.matmul ins(%collapsed_2, %self.v : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_7 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %expanded_3 = tensor.expand_shape %flat_5 [[0, 1], [2]] output_shape [%B, 4, 16] : tensor<?x16xf32> into tensor<?x4x16xf32>
  %empty_9 = tensor.empty(%B) : tensor<?x4x4xf32>
  %zero_8 = linalg.fill ins(%f0.0 : f32) outs(%empty_9 : tensor<?x4x4xf32>) -> tensor<?x4x4xf32>
  %matmul_1 = linalg.batch_matmul indexing_maps = [#lhs_batch, #rhs_t_batch, #acc_batch] ins(%expanded_1, %expanded_2 : tensor<?x4x16xf32>, tensor<?x4x16xf32>) outs(%zero_8 : tensor<?x4x4xf32>) -> tensor<?x4x4xf32>
  %s_1 = linalg.generic {indexing_maps = [#ijk, #ijk], iterator_types = ["parallel", "parallel", "parallel"]} ins(%matmul_1 : tensor<?x4x4xf32>) outs(%empty_9 : tensor<?x4x4xf32>) {
  ^bb0(%s_2: f32, %out: f32):
    %mul = arith.mulf %s_2, %f0.25 : f32
    linalg.yield %mul : f32
  } -> tensor<?x4x4xf32>
  %softmax = linalg.softmax dimension(2) ins(%s_1 : tensor<?x4x4xf32>) outs(%empty_9 : tensor<?x4x4xf32>) -> tensor<?x4x4xf32>
  %zero_9 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x4x16xf32>) -> tensor<?x4x16xf32>
  %matmul_2 = linalg.batch_matmul ins(%softmax, %expanded_3 : tensor<?x4x4xf32>, tensor<?x4x16xf32>) outs(%zero_9 : tensor<?x4x16xf32>) -> tensor<?x4x16xf32>
  %h_1 = linalg.generic {indexing_maps = [#ijk, #ijk, #ijk], iterator_types = ["parallel", "parallel", "parallel"]} ins(%h, %matmul_2 : tensor<?x4x16xf32>, tensor<?x4x16xf32>) outs(%empty_4 : tensor<?x4x16xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %add = arith.addf %a, %b : f32
    linalg.yield %add : f32
  } -> tensor<?x4x16xf32>
  %sum_7 = linalg.reduce { arith.addf } ins(%h_1 : tensor<?x4x16xf32>) outs(%zero_4 : tensor<?x4xf32>) dimensions = [2]
  %map_9 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%sum_7 : tensor<?x4xf32>) outs(%empty_5 : tensor<?x4xf32>) {
  ^bb0(%sum_8: f32, %out: f32):
    %mul = arith.mulf %sum_8, %f0.0625 : f32
    linalg.yield %mul : f32
  } -> tensor<?x4xf32>
  %mean_4 = tensor.expand_shape %map_9 [[0], [1, 2]] output_shape [%B, 4, 1] : tensor<?x4xf32> into tensor<?x4x1xf32>
  %centred_3 = linalg.generic {indexing_maps = [#ijk, #ijk_ij0, #ijk], iterator_types = ["parallel", "parallel", "parallel"]} ins(%h_1, %mean_4 : tensor<?x4x16xf32>, tensor<?x4x1xf32>) outs(%empty_4 : tensor<?x4x16xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %sub = arith.subf %a, %b : f32
    linalg.yield %sub : f32
  } -> tensor<?x4x16xf32>
  %map_10 = linalg.generic {indexing_maps = [#ijk, #ijk], iterator_types = ["parallel", "parallel", "parallel"]} ins(%centred_3 : tensor<?x4x16xf32>) outs(%empty_4 : tensor<?x4x16xf32>) {
  ^bb0(%c: f32, %out: f32):
    %mul = arith.mulf %c, %c : f32
    linalg.yield %mul : f32
  } -> tensor<?x4x16xf32>
  %sum_8 = linalg.reduce { arith.addf } ins(%map_10 : tensor<?x4x16xf32>) outs(%zero_4 : tensor<?x4xf32>) dimensions = [2]
  %squares_3 = tensor.expand_shape %sum_8 [[0], [1, 2]] output_shape [%B, 4, 1] : tensor<?x4xf32> into tensor<?x4x1xf32>
  %map_11 = linalg.generic {indexing_maps = [#ijk, #ijk_ij0, #ijk], iterator_types = ["parallel", "parallel", "parallel"]} ins(%centred_3, %squares_3 : tensor<?x4x16xf32>, tensor<?x4x1xf32>) outs(%empty_4 : tensor<?x4x16xf32>) {
  ^bb0(%c: f32, %sum_9: f32, %out: f32):
    %mul = arith.mulf %sum_9, %f0.0625 : f32
    %add = arith.addf %mul, %f1.0e-5 : f32
    %rsqrt = math.rsqrt %add : f32
    %mul_1 = arith.mulf %c, %rsqrt : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x4x16xf32>
  %flat_6 = arith.muli %B, %c4 : index
  %collapsed_3 = tensor.collapse_shape %map_11 [[0, 1], [2]] : tensor<?x4x16xf32> into tensor<?x16xf32>
  %empty_10 = tensor.empty(%flat_6) : tensor<?x24xf32>
  %zero_10 = linalg.fill ins(%f0.0 : f32) outs(%empty_10 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %flat_7 = linalg.matmul ins(%collapsed_3, %gate : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_10 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %expanded_4 = tensor.expand_shape %flat_7 [[0, 1], [2]] output_shape [%B, 4, 24] : tensor<?x24xf32> into tensor<?x4x24xf32>
  %flat_8 = arith.muli %B, %c4 : index
  %collapsed_4 = tensor.collapse_shape %map_11 [[0, 1], [2]] : tensor<?x4x16xf32> into tensor<?x16xf32>
  %empty_11 = tensor.empty(%flat_8) : tensor<?x24xf32>
  %zero_11 = linalg.fill ins(%f0.0 : f32) outs(%empty_11 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %flat_9 = linalg.matmul ins(%collapsed_4, %up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_11 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %expanded_5 = tensor.expand_shape %flat_9 [[0, 1], [2]] output_shape [%B, 4, 24] : tensor<?x24xf32> into tensor<?x4x24xf32>
  %empty_12 = tensor.empty(%B) : tensor<?x4x24xf32>
  %a = linalg.generic {indexing_maps = [#ijk, #ijk, #ijk], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded_4, %expanded_5 : tensor<?x4x24xf32>, tensor<?x4x24xf32>) outs(%empty_12 : tensor<?x4x24xf32>) {
  ^bb0(%gate_1: f32, %up_1: f32, %out: f32):
    %neg = arith.negf %gate_1 : f32
    %exp = math.exp %neg : f32
    %add = arith.addf %f1.0, %exp : f32
    %div = arith.divf %f1.0, %add : f32
    %mul = arith.mulf %gate_1, %div : f32
    %mul_1 = arith.mulf %mul, %up_1 : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x4x24xf32>
  %flat_10 = arith.muli %B, %c4 : index
  %collapsed_5 = tensor.collapse_shape %a [[0, 1], [2]] : tensor<?x4x24xf32> into tensor<?x24xf32>
  %empty_13 = tensor.empty(%flat_10) : tensor<?x16xf32>
  %zero_12 = linalg.fill ins(%f0.0 : f32) outs(%empty_13 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %flat_11 = linalg.matmul ins(%collapsed_5, %down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_12 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %expanded_6 = tensor.expand_shape %flat_11 [[0, 1], [2]] output_shape [%B, 4, 16] : tensor<?x16xf32> into tensor<?x4x16xf32>
  %y = linalg.generic {indexing_maps = [#ijk, #ijk, #ijk], iterator_types = ["parallel", "parallel", "parallel"]} ins(%h_1, %expanded_6 : tensor<?x4x16xf32>, tensor<?x4x16xf32>) outs(%empty_4 : tensor<?x4x16xf32>) {
  ^bb0(%a_1: f32, %b: f32, %out: f32):
    %add = arith.addf %a_1, %b : f32
    linalg.yield %add : f32
  } -> tensor<?x4x16xf32>
  return %y, %ids : tensor<?x4x16xf32>, tensor<?x2xi32>
}
