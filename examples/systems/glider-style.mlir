// GLIDER: adapters are chosen by a global and a local router. The global score compares
// the embedding of the task's instruction to each adapter's, once a sample; the local
// one is the product of the normalised token and a normalised gate vector, at every
// linear layer. If an adapter fits the task well enough, the global score counts more.
// Top-2, softmax over the selected.
//
// Scores of two granularities are added: the sample's row is looked up by token. The
// two factors and the bound between them are parameters that the host sets.
//
// Source: GLIDER, Global and Local Instruction-Driven Expert Router. The rule for the
// factor alpha is not verified.

#ij = affine_map<(i, j) -> (i, j)>
#ij_i = affine_map<(i, j) -> (i)>
#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs_t = affine_map<(m, n, k) -> (n, k)>
#acc = affine_map<(m, n, k) -> (m, n)>
#ij_0 = affine_map<(i, j) -> (0)>
#ij_i0 = affine_map<(i, j) -> (i, 0)>
#i = affine_map<(i) -> (i)>

ml_program.global private mutable @alpha(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<2xf32>
ml_program.global private mutable @bound(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<1xf32>
ml_program.global private @tasks(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<4x8xf32>
ml_program.global private @up.gate(#moe.random<seed = 4, std = 1.0 : f64>) : tensor<4x16xf32>
ml_program.global private @up.a(#moe.random<seed = 5, std = 0.3 : f64>) : tensor<4x16x2xf32>
ml_program.global private @up.b(#moe.random<seed = 6, std = 0.3 : f64>) : tensor<4x2x24xf32>
ml_program.global private @up.w(#moe.random<seed = 7, std = 0.3 : f64>) : tensor<16x24xf32>
ml_program.global private @down.gate(#moe.random<seed = 8, std = 1.0 : f64>) : tensor<4x24xf32>
ml_program.global private @down.a(#moe.random<seed = 9, std = 0.3 : f64>) : tensor<4x24x2xf32>
ml_program.global private @down.b(#moe.random<seed = 10, std = 0.3 : f64>) : tensor<4x2x16xf32>
ml_program.global private @down.w(#moe.random<seed = 11, std = 0.3 : f64>) : tensor<24x16xf32>

func.func @main(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]},
    %sample: tensor<?xi32> {moe.name = "sample", moe.dims = ["T"]},
    %instruction: tensor<?x8xf32> {moe.name = "instruction", moe.dims = ["B", "8"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]},
        tensor<?x2xi32> {moe.name = "up_ids", moe.dims = ["T", "2"]},
        tensor<?x2xi32> {moe.name = "down_ids", moe.dims = ["T", "2"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f1.0e-12 = arith.constant 1.0e-12 : f32
  %f0xFF800000 = arith.constant 0xFF800000 : f32
  %f0.0625 = arith.constant 0.0625 : f32
  %f1.0e-5 = arith.constant 1.0e-5 : f32
  %f0.25 = arith.constant 0.25 : f32
  %f0.041666666666666664 = arith.constant 0.041666666666666664 : f32
  %f0.2041241452319315 = arith.constant 0.2041241452319315 : f32
  %alpha = ml_program.global_load @alpha : tensor<2xf32>
  %bound = ml_program.global_load @bound : tensor<1xf32>
  %tasks = ml_program.global_load_const @tasks : tensor<4x8xf32>
  %up.gate = ml_program.global_load_const @up.gate : tensor<4x16xf32>
  %up.a = ml_program.global_load_const @up.a : tensor<4x16x2xf32>
  %up.b = ml_program.global_load_const @up.b : tensor<4x2x24xf32>
  %up.w = ml_program.global_load_const @up.w : tensor<16x24xf32>
  %down.gate = ml_program.global_load_const @down.gate : tensor<4x24xf32>
  %down.a = ml_program.global_load_const @down.a : tensor<4x24x2xf32>
  %down.b = ml_program.global_load_const @down.b : tensor<4x2x16xf32>
  %down.w = ml_program.global_load_const @down.w : tensor<24x16xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %B = tensor.dim %instruction, %c0 : tensor<?x8xf32>
  %empty = tensor.empty(%B) : tensor<?x8xf32>
  %map = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%instruction : tensor<?x8xf32>) outs(%empty : tensor<?x8xf32>) {
  ^bb0(%x_1: f32, %out: f32):
    %mul = arith.mulf %x_1, %x_1 : f32
    linalg.yield %mul : f32
  } -> tensor<?x8xf32>
  %empty_1 = tensor.empty(%B) : tensor<?xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?xf32>) -> tensor<?xf32>
  %squares = linalg.reduce { arith.addf } ins(%map : tensor<?x8xf32>) outs(%zero : tensor<?xf32>) dimensions = [1]
  %map_1 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%instruction, %squares : tensor<?x8xf32>, tensor<?xf32>) outs(%empty : tensor<?x8xf32>) {
  ^bb0(%x_1: f32, %sum: f32, %out: f32):
    %add = arith.addf %sum, %f1.0e-12 : f32
    %rsqrt = math.rsqrt %add : f32
    %mul = arith.mulf %x_1, %rsqrt : f32
    linalg.yield %mul : f32
  } -> tensor<?x8xf32>
  %empty_2 = tensor.empty() : tensor<4x8xf32>
  %map_2 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%tasks : tensor<4x8xf32>) outs(%empty_2 : tensor<4x8xf32>) {
  ^bb0(%x_1: f32, %out: f32):
    %mul = arith.mulf %x_1, %x_1 : f32
    linalg.yield %mul : f32
  } -> tensor<4x8xf32>
  %empty_3 = tensor.empty() : tensor<4xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<4xf32>) -> tensor<4xf32>
  %squares_1 = linalg.reduce { arith.addf } ins(%map_2 : tensor<4x8xf32>) outs(%zero_1 : tensor<4xf32>) dimensions = [1]
  %map_3 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%tasks, %squares_1 : tensor<4x8xf32>, tensor<4xf32>) outs(%empty_2 : tensor<4x8xf32>) {
  ^bb0(%x_1: f32, %sum: f32, %out: f32):
    %add = arith.addf %sum, %f1.0e-12 : f32
    %rsqrt = math.rsqrt %add : f32
    %mul = arith.mulf %x_1, %rsqrt : f32
    linalg.yield %mul : f32
  } -> tensor<4x8xf32>
  %empty_4 = tensor.empty(%B) : tensor<?x4xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %cosine = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%map_1, %map_3 : tensor<?x8xf32>, tensor<4x8xf32>) outs(%zero_2 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %filled = linalg.fill ins(%f0xFF800000 : f32) outs(%empty_1 : tensor<?xf32>) -> tensor<?xf32>
  %max = linalg.reduce { arith.maximumf } ins(%cosine : tensor<?x4xf32>) outs(%filled : tensor<?xf32>) dimensions = [1]
  %slice = tensor.extract_slice %alpha[0] [1] [1] : tensor<2xf32> to tensor<1xf32>
  %slice_1 = tensor.extract_slice %alpha[1] [1] [1] : tensor<2xf32> to tensor<1xf32>
  %scaled = linalg.generic {indexing_maps = [#ij, #ij_i, #ij_0, #ij_0, #ij_0, #ij], iterator_types = ["parallel", "parallel"]} ins(%cosine, %max, %slice, %slice_1, %bound : tensor<?x4xf32>, tensor<?xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) outs(%empty_4 : tensor<?x4xf32>) {
  ^bb0(%s: f32, %best: f32, %low: f32, %high: f32, %bound_1: f32, %out: f32):
    %gt = arith.cmpf ogt, %best, %bound_1 : f32
    %select = arith.select %gt, %high, %low : f32
    %mul = arith.mulf %s, %select : f32
    linalg.yield %mul : f32
  } -> tensor<?x4xf32>
  %common = tensor.expand_shape %sample [[0, 1]] output_shape [%T, 1] : tensor<?xi32> into tensor<?x1xi32>
  %empty_5 = tensor.empty(%T) : tensor<?x4xf32>
  %common_1 = linalg.generic {indexing_maps = [#ij_i0, #ij], iterator_types = ["parallel", "parallel"]} ins(%common : tensor<?x1xi32>) outs(%empty_5 : tensor<?x4xf32>) {
  ^bb0(%id: i32, %out: f32):
    %cast = arith.index_cast %id : i32 to index
    %i1 = linalg.index 1 : index
    %element = tensor.extract %scaled[%cast, %i1] : tensor<?x4xf32>
    linalg.yield %element : f32
  } -> tensor<?x4xf32>
  %sum = linalg.reduce { arith.addf } ins(%up.gate : tensor<4x16xf32>) outs(%zero_1 : tensor<4xf32>) dimensions = [1]
  %mean = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%sum : tensor<4xf32>) outs(%empty_3 : tensor<4xf32>) {
  ^bb0(%sum_1: f32, %out: f32):
    %mul = arith.mulf %sum_1, %f0.0625 : f32
    linalg.yield %mul : f32
  } -> tensor<4xf32>
  %empty_6 = tensor.empty() : tensor<4x16xf32>
  %centred = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%up.gate, %mean : tensor<4x16xf32>, tensor<4xf32>) outs(%empty_6 : tensor<4x16xf32>) {
  ^bb0(%x_1: f32, %mean_1: f32, %out: f32):
    %sub = arith.subf %x_1, %mean_1 : f32
    linalg.yield %sub : f32
  } -> tensor<4x16xf32>
  %map_4 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred : tensor<4x16xf32>) outs(%empty_6 : tensor<4x16xf32>) {
  ^bb0(%c: f32, %out: f32):
    %mul = arith.mulf %c, %c : f32
    linalg.yield %mul : f32
  } -> tensor<4x16xf32>
  %squares_2 = linalg.reduce { arith.addf } ins(%map_4 : tensor<4x16xf32>) outs(%zero_1 : tensor<4xf32>) dimensions = [1]
  %map_5 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred, %squares_2 : tensor<4x16xf32>, tensor<4xf32>) outs(%empty_6 : tensor<4x16xf32>) {
  ^bb0(%c: f32, %sum_1: f32, %out: f32):
    %mul = arith.mulf %sum_1, %f0.0625 : f32
    %add = arith.addf %mul, %f1.0e-5 : f32
    %rsqrt = math.rsqrt %add : f32
    %mul_1 = arith.mulf %c, %rsqrt : f32
    linalg.yield %mul_1 : f32
  } -> tensor<4x16xf32>
  %empty_7 = tensor.empty(%T) : tensor<?xf32>
  %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_7 : tensor<?xf32>) -> tensor<?xf32>
  %sum_1 = linalg.reduce { arith.addf } ins(%x : tensor<?x16xf32>) outs(%zero_3 : tensor<?xf32>) dimensions = [1]
  %mean_1 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%sum_1 : tensor<?xf32>) outs(%empty_7 : tensor<?xf32>) {
  ^bb0(%sum_2: f32, %out: f32):
    %mul = arith.mulf %sum_2, %f0.0625 : f32
    linalg.yield %mul : f32
  } -> tensor<?xf32>
  %empty_8 = tensor.empty(%T) : tensor<?x16xf32>
  %centred_1 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%x, %mean_1 : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_8 : tensor<?x16xf32>) {
  ^bb0(%x_1: f32, %mean_2: f32, %out: f32):
    %sub = arith.subf %x_1, %mean_2 : f32
    linalg.yield %sub : f32
  } -> tensor<?x16xf32>
  %map_6 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_1 : tensor<?x16xf32>) outs(%empty_8 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %out: f32):
    %mul = arith.mulf %c, %c : f32
    linalg.yield %mul : f32
  } -> tensor<?x16xf32>
  %squares_3 = linalg.reduce { arith.addf } ins(%map_6 : tensor<?x16xf32>) outs(%zero_3 : tensor<?xf32>) dimensions = [1]
  %map_7 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_1, %squares_3 : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_8 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %sum_2: f32, %out: f32):
    %mul = arith.mulf %sum_2, %f0.0625 : f32
    %add = arith.addf %mul, %f1.0e-5 : f32
    %rsqrt = math.rsqrt %add : f32
    %mul_1 = arith.mulf %c, %rsqrt : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x16xf32>
  %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty_5 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%map_7, %map_5 : tensor<?x16xf32>, tensor<4x16xf32>) outs(%zero_4 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %s = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%common_1, %matmul : tensor<?x4xf32>, tensor<?x4xf32>) outs(%empty_5 : tensor<?x4xf32>) {
  ^bb0(%common_2: f32, %own: f32, %out: f32):
    %mul = arith.mulf %own, %f0.25 : f32
    %add = arith.addf %common_2, %mul : f32
    linalg.yield %add : f32
  } -> tensor<?x4xf32>
  %ids = moe.select #moe.top_k<2> scores(%s : tensor<?x4xf32>) -> tensor<?x2xi32>
  %w = moe.weigh softmax %s, %ids : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %plan = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 4, slots = 2>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%up.a, %up.b : tensor<4x16x2xf32>, tensor<4x2x24xf32>) : !moe.plan<experts = 4, slots = 2> -> tensor<?x24xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %a: tensor<16x2xf32>, %b: tensor<2x24xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_9 = tensor.empty(%count) : tensor<?x2xf32>
    %zero_5 = linalg.fill ins(%f0.0 : f32) outs(%empty_9 : tensor<?x2xf32>) -> tensor<?x2xf32>
    %matmul_1 = linalg.matmul ins(%x_1, %a : tensor<?x16xf32>, tensor<16x2xf32>) outs(%zero_5 : tensor<?x2xf32>) -> tensor<?x2xf32>
    %empty_10 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_6 = linalg.fill ins(%f0.0 : f32) outs(%empty_10 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_2 = linalg.matmul ins(%matmul_1, %b : tensor<?x2xf32>, tensor<2x24xf32>) outs(%zero_6 : tensor<?x24xf32>) -> tensor<?x24xf32>
    moe.yield %matmul_2 : tensor<?x24xf32>
  }
  %empty_9 = tensor.empty(%T) : tensor<?x24xf32>
  %zero_5 = linalg.fill ins(%f0.0 : f32) outs(%empty_9 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul_1 = linalg.matmul ins(%x, %up.w : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_5 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %combined = moe.combine add %outs by %plan weights(%w : tensor<?x2xf32>) init(%matmul_1 : tensor<?x24xf32>) : tensor<?x24xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x24xf32>
  %y = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%combined : tensor<?x24xf32>) outs(%empty_9 : tensor<?x24xf32>) {
  ^bb0(%a: f32, %out: f32):
    %max_1 = arith.maximumf %a, %f0.0 : f32
    linalg.yield %max_1 : f32
  } -> tensor<?x24xf32>
  %sum_2 = linalg.reduce { arith.addf } ins(%down.gate : tensor<4x24xf32>) outs(%zero_1 : tensor<4xf32>) dimensions = [1]
  %mean_2 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%sum_2 : tensor<4xf32>) outs(%empty_3 : tensor<4xf32>) {
  ^bb0(%sum_3: f32, %out: f32):
    %mul = arith.mulf %sum_3, %f0.041666666666666664 : f32
    linalg.yield %mul : f32
  } -> tensor<4xf32>
  %empty_10 = tensor.empty() : tensor<4x24xf32>
  %centred_2 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%down.gate, %mean_2 : tensor<4x24xf32>, tensor<4xf32>) outs(%empty_10 : tensor<4x24xf32>) {
  ^bb0(%x_1: f32, %mean_3: f32, %out: f32):
    %sub = arith.subf %x_1, %mean_3 : f32
    linalg.yield %sub : f32
  } -> tensor<4x24xf32>
  %map_8 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_2 : tensor<4x24xf32>) outs(%empty_10 : tensor<4x24xf32>) {
  ^bb0(%c: f32, %out: f32):
    %mul = arith.mulf %c, %c : f32
    linalg.yield %mul : f32
  } -> tensor<4x24xf32>
  %squares_4 = linalg.reduce { arith.addf } ins(%map_8 : tensor<4x24xf32>) outs(%zero_1 : tensor<4xf32>) dimensions = [1]
  %map_9 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_2, %squares_4 : tensor<4x24xf32>, tensor<4xf32>) outs(%empty_10 : tensor<4x24xf32>) {
  ^bb0(%c: f32, %sum_3: f32, %out: f32):
    %mul = arith.mulf %sum_3, %f0.041666666666666664 : f32
    %add = arith.addf %mul, %f1.0e-5 : f32
    %rsqrt = math.rsqrt %add : f32
    %mul_1 = arith.mulf %c, %rsqrt : f32
    linalg.yield %mul_1 : f32
  } -> tensor<4x24xf32>
  %sum_3 = linalg.reduce { arith.addf } ins(%y : tensor<?x24xf32>) outs(%zero_3 : tensor<?xf32>) dimensions = [1]
  %mean_3 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%sum_3 : tensor<?xf32>) outs(%empty_7 : tensor<?xf32>) {
  ^bb0(%sum_4: f32, %out: f32):
    %mul = arith.mulf %sum_4, %f0.041666666666666664 : f32
    linalg.yield %mul : f32
  } -> tensor<?xf32>
  %centred_3 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%y, %mean_3 : tensor<?x24xf32>, tensor<?xf32>) outs(%empty_9 : tensor<?x24xf32>) {
  ^bb0(%x_1: f32, %mean_4: f32, %out: f32):
    %sub = arith.subf %x_1, %mean_4 : f32
    linalg.yield %sub : f32
  } -> tensor<?x24xf32>
  %map_10 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_3 : tensor<?x24xf32>) outs(%empty_9 : tensor<?x24xf32>) {
  ^bb0(%c: f32, %out: f32):
    %mul = arith.mulf %c, %c : f32
    linalg.yield %mul : f32
  } -> tensor<?x24xf32>
  %squares_5 = linalg.reduce { arith.addf } ins(%map_10 : tensor<?x24xf32>) outs(%zero_3 : tensor<?xf32>) dimensions = [1]
  %map_11 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_3, %squares_5 : tensor<?x24xf32>, tensor<?xf32>) outs(%empty_9 : tensor<?x24xf32>) {
  ^bb0(%c: f32, %sum_4: f32, %out: f32):
    %mul = arith.mulf %sum_4, %f0.041666666666666664 : f32
    %add = arith.addf %mul, %f1.0e-5 : f32
    %rsqrt = math.rsqrt %add : f32
    %mul_1 = arith.mulf %c, %rsqrt : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x24xf32>
  %matmul_2 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%map_11, %map_9 : tensor<?x24xf32>, tensor<4x24xf32>) outs(%zero_4 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %s_1 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%common_1, %matmul_2 : tensor<?x4xf32>, tensor<?x4xf32>) outs(%empty_5 : tensor<?x4xf32>) {
  ^bb0(%common_2: f32, %own: f32, %out: f32):
    %mul = arith.mulf %own, %f0.2041241452319315 : f32
    %add = arith.addf %common_2, %mul : f32
    linalg.yield %add : f32
  } -> tensor<?x4xf32>
  %ids_1 = moe.select #moe.top_k<2> scores(%s_1 : tensor<?x4xf32>) -> tensor<?x2xi32>
  %w_1 = moe.weigh softmax %s_1, %ids_1 : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %plan_1 = moe.plan %ids_1 : tensor<?x2xi32> -> !moe.plan<experts = 4, slots = 2>
  %rows_1 = moe.dispatch %y by %plan_1 : tensor<?x24xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x24xf32>
  %outs_1 = moe.experts %plan_1 rows(%rows_1 : tensor<?x24xf32>) params(%down.a, %down.b : tensor<4x24x2xf32>, tensor<4x2x16xf32>) : !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x24xf32>, %a: tensor<24x2xf32>, %b: tensor<2x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x24xf32>
    %empty_11 = tensor.empty(%count) : tensor<?x2xf32>
    %zero_6 = linalg.fill ins(%f0.0 : f32) outs(%empty_11 : tensor<?x2xf32>) -> tensor<?x2xf32>
    %matmul_3 = linalg.matmul ins(%x_1, %a : tensor<?x24xf32>, tensor<24x2xf32>) outs(%zero_6 : tensor<?x2xf32>) -> tensor<?x2xf32>
    %empty_12 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_7 = linalg.fill ins(%f0.0 : f32) outs(%empty_12 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_4 = linalg.matmul ins(%matmul_3, %b : tensor<?x2xf32>, tensor<2x16xf32>) outs(%zero_7 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_4 : tensor<?x16xf32>
  }
  %zero_6 = linalg.fill ins(%f0.0 : f32) outs(%empty_8 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_3 = linalg.matmul ins(%y, %down.w : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_6 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %combined_1 = moe.combine add %outs_1 by %plan_1 weights(%w_1 : tensor<?x2xf32>) init(%matmul_3 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  return %combined_1, %ids, %ids_1 : tensor<?x16xf32>, tensor<?x2xi32>, tensor<?x2xi32>
}
