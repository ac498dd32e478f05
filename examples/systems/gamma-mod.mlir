// gamma-MoD: a dense multimodal model whose layers became mixtures of depths. A router
// that all such layers share scores each token; half of them, and every instruction
// token, go through the whole block and attend to each other, the rest pass by.
//
// Selection along the tokens: the kept ones keep their order, so that the causal mask
// is one on their positions. @main selects the best half, @threshold the tokens with a
// probability of 1/2 or more, as at decoding.
//
// Source: gamma-MoD, Exploring Mixture-of-Depth Adaptation for Multimodal Large
// Language Models; github.com/Yaxin9Luo/Gamma-MOD. Choosing the layers to convert by
// the rank of their attention maps happens before and is not shown.

#i = affine_map<(i) -> (i)>
#ij = affine_map<(i, j) -> (i, j)>
#ij_i = affine_map<(i, j) -> (i)>
#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs_t = affine_map<(m, n, k) -> (n, k)>
#acc = affine_map<(m, n, k) -> (m, n)>
#ij_j = affine_map<(i, j) -> (j)>
#ij_i0 = affine_map<(i, j) -> (i, 0)>

ml_program.global private @router(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<16x2xf32>
ml_program.global private @"0.q"(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<16x16xf32>
ml_program.global private @"0.k"(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<16x16xf32>
ml_program.global private @"0.v"(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<16x16xf32>
ml_program.global private @"0.o"(#moe.random<seed = 5, std = 0.3 : f64>) : tensor<16x16xf32>
ml_program.global private @"0.up"(#moe.random<seed = 6, std = 0.3 : f64>) : tensor<16x24xf32>
ml_program.global private @"0.down"(#moe.random<seed = 7, std = 0.3 : f64>) : tensor<24x16xf32>
ml_program.global private @"1.q"(#moe.random<seed = 8, std = 0.3 : f64>) : tensor<16x16xf32>
ml_program.global private @"1.k"(#moe.random<seed = 9, std = 0.3 : f64>) : tensor<16x16xf32>
ml_program.global private @"1.v"(#moe.random<seed = 10, std = 0.3 : f64>) : tensor<16x16xf32>
ml_program.global private @"1.o"(#moe.random<seed = 11, std = 0.3 : f64>) : tensor<16x16xf32>
ml_program.global private @"1.up"(#moe.random<seed = 12, std = 0.3 : f64>) : tensor<16x24xf32>
ml_program.global private @"1.down"(#moe.random<seed = 13, std = 0.3 : f64>) : tensor<24x16xf32>

func.func @main(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]},
    %instruction: tensor<?xi1> {moe.name = "instruction", moe.dims = ["T"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f0.0625 = arith.constant 0.0625 : f32
  %f1.0e-5 = arith.constant 1.0e-5 : f32
  %f1.0 = arith.constant 1.0 : f32
  %c2 = arith.constant 2 : index
  %c0_i32 = arith.constant 0 : i32
  %f0.25 = arith.constant 0.25 : f32
  %f0xFF800000 = arith.constant 0xFF800000 : f32
  %f0.5 = arith.constant 0.5 : f32
  %f0.7071067811865476 = arith.constant 0.7071067811865476 : f32
  %router = ml_program.global_load_const @router : tensor<16x2xf32>
  %p0.q = ml_program.global_load_const @"0.q" : tensor<16x16xf32>
  %p0.k = ml_program.global_load_const @"0.k" : tensor<16x16xf32>
  %p0.v = ml_program.global_load_const @"0.v" : tensor<16x16xf32>
  %p0.o = ml_program.global_load_const @"0.o" : tensor<16x16xf32>
  %p0.up = ml_program.global_load_const @"0.up" : tensor<16x24xf32>
  %p0.down = ml_program.global_load_const @"0.down" : tensor<24x16xf32>
  %p1.q = ml_program.global_load_const @"1.q" : tensor<16x16xf32>
  %p1.k = ml_program.global_load_const @"1.k" : tensor<16x16xf32>
  %p1.v = ml_program.global_load_const @"1.v" : tensor<16x16xf32>
  %p1.o = ml_program.global_load_const @"1.o" : tensor<16x16xf32>
  %p1.up = ml_program.global_load_const @"1.up" : tensor<16x24xf32>
  %p1.down = ml_program.global_load_const @"1.down" : tensor<24x16xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%T) : tensor<?xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?xf32>) -> tensor<?xf32>
  %sum = linalg.reduce { arith.addf } ins(%x : tensor<?x16xf32>) outs(%zero : tensor<?xf32>) dimensions = [1]
  %mean = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%sum : tensor<?xf32>) outs(%empty : tensor<?xf32>) {
  ^bb0(%sum_1: f32, %out: f32):
    %mul = arith.mulf %sum_1, %f0.0625 : f32
    linalg.yield %mul : f32
  } -> tensor<?xf32>
  %empty_1 = tensor.empty(%T) : tensor<?x16xf32>
  %centred = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%x, %mean : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_1 : tensor<?x16xf32>) {
  ^bb0(%x_1: f32, %mean_1: f32, %out: f32):
    %sub = arith.subf %x_1, %mean_1 : f32
    linalg.yield %sub : f32
  } -> tensor<?x16xf32>
  %map = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred : tensor<?x16xf32>) outs(%empty_1 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %out: f32):
    %mul = arith.mulf %c, %c : f32
    linalg.yield %mul : f32
  } -> tensor<?x16xf32>
  %squares = linalg.reduce { arith.addf } ins(%map : tensor<?x16xf32>) outs(%zero : tensor<?xf32>) dimensions = [1]
  %map_1 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred, %squares : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_1 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %sum_1: f32, %out: f32):
    %mul = arith.mulf %sum_1, %f0.0625 : f32
    %add = arith.addf %mul, %f1.0e-5 : f32
    %rsqrt = math.rsqrt %add : f32
    %mul_1 = arith.mulf %c, %rsqrt : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x16xf32>
  %empty_2 = tensor.empty(%T) : tensor<?x2xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x2xf32>) -> tensor<?x2xf32>
  %logits = linalg.matmul ins(%map_1, %router : tensor<?x16xf32>, tensor<16x2xf32>) outs(%zero_1 : tensor<?x2xf32>) -> tensor<?x2xf32>
  %softmax = linalg.softmax dimension(1) ins(%logits : tensor<?x2xf32>) outs(%empty_2 : tensor<?x2xf32>) -> tensor<?x2xf32>
  %p = tensor.extract_slice %softmax[0, 1] [%T, 1] [1, 1] : tensor<?x2xf32> to tensor<?x1xf32>
  %empty_3 = tensor.empty(%T) : tensor<?x1xf32>
  %s = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%p, %instruction : tensor<?x1xf32>, tensor<?xi1>) outs(%empty_3 : tensor<?x1xf32>) {
  ^bb0(%p_1: f32, %keep: i1, %out: f32):
    %add = arith.addf %p_1, %f1.0 : f32
    %select = arith.select %keep, %add, %p_1 : f32
    linalg.yield %select : f32
  } -> tensor<?x1xf32>
  %half = arith.ceildivsi %T, %c2 : index
  %empty_4 = tensor.empty(%T) : tensor<?xi32>
  %map_2 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%instruction : tensor<?xi1>) outs(%empty_4 : tensor<?xi32>) {
  ^bb0(%keep: i1, %out: i32):
    %cast = arith.extui %keep : i1 to i32
    linalg.yield %cast : i32
  } -> tensor<?xi32>
  %empty_5 = tensor.empty() : tensor<i32>
  %zero_2 = linalg.fill ins(%c0_i32 : i32) outs(%empty_5 : tensor<i32>) -> tensor<i32>
  %always = linalg.reduce { arith.addi } ins(%map_2 : tensor<?xi32>) outs(%zero_2 : tensor<i32>) dimensions = [0]
  %cast = arith.index_cast %half : index to i32
  %element = tensor.extract %always[] : tensor<i32>
  %capacity = arith.maxsi %cast, %element : i32
  %ids, %chosen = moe.select_tokens position %s capacity(%capacity : i32) : tensor<?x1xf32> -> tensor<1x?xi32>, tensor<?x1xi1>
  %plan = moe.plan by_expert %ids tokens(%T) : tensor<1x?xi32> -> !moe.plan<experts = 1, slots = 1>
  %slice = tensor.extract_slice %p[0, 0] [%T, 1] [1, 1] : tensor<?x1xf32> to tensor<?xf32>
  %positions = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%slice : tensor<?xf32>) outs(%empty_4 : tensor<?xi32>) {
  ^bb0(%p_1: f32, %out: i32):
    %i0 = linalg.index 0 : index
    %cast_1 = arith.index_cast %i0 : index to i32
    linalg.yield %cast_1 : i32
  } -> tensor<?xi32>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 1, slots = 1> -> tensor<?x16xf32>
  %rows_1 = moe.dispatch %p by %plan : tensor<?x1xf32>, !moe.plan<experts = 1, slots = 1> -> tensor<?x1xf32>
  %rows_2 = moe.dispatch %positions by %plan : tensor<?xi32>, !moe.plan<experts = 1, slots = 1> -> tensor<?xi32>
  %size = tensor.dim %rows, %c0 : tensor<?x16xf32>
  %empty_6 = tensor.empty(%size) : tensor<?xf32>
  %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_6 : tensor<?xf32>) -> tensor<?xf32>
  %sum_1 = linalg.reduce { arith.addf } ins(%rows : tensor<?x16xf32>) outs(%zero_3 : tensor<?xf32>) dimensions = [1]
  %mean_1 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%sum_1 : tensor<?xf32>) outs(%empty_6 : tensor<?xf32>) {
  ^bb0(%sum_2: f32, %out: f32):
    %mul = arith.mulf %sum_2, %f0.0625 : f32
    linalg.yield %mul : f32
  } -> tensor<?xf32>
  %size_1 = tensor.dim %rows, %c0 : tensor<?x16xf32>
  %empty_7 = tensor.empty(%size_1) : tensor<?x16xf32>
  %centred_1 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%rows, %mean_1 : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_7 : tensor<?x16xf32>) {
  ^bb0(%x_1: f32, %mean_2: f32, %out: f32):
    %sub = arith.subf %x_1, %mean_2 : f32
    linalg.yield %sub : f32
  } -> tensor<?x16xf32>
  %map_3 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_1 : tensor<?x16xf32>) outs(%empty_7 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %out: f32):
    %mul = arith.mulf %c, %c : f32
    linalg.yield %mul : f32
  } -> tensor<?x16xf32>
  %squares_1 = linalg.reduce { arith.addf } ins(%map_3 : tensor<?x16xf32>) outs(%zero_3 : tensor<?xf32>) dimensions = [1]
  %map_4 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_1, %squares_1 : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_7 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %sum_2: f32, %out: f32):
    %mul = arith.mulf %sum_2, %f0.0625 : f32
    %add = arith.addf %mul, %f1.0e-5 : f32
    %rsqrt = math.rsqrt %add : f32
    %mul_1 = arith.mulf %c, %rsqrt : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x16xf32>
  %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty_7 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul = linalg.matmul ins(%map_4, %p0.q : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_1 = linalg.matmul ins(%map_4, %p0.k : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_2 = linalg.matmul ins(%map_4, %p0.v : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %size_2 = tensor.dim %matmul, %c0 : tensor<?x16xf32>
  %size_3 = tensor.dim %matmul, %c0 : tensor<?x16xf32>
  %empty_8 = tensor.empty(%size_2, %size_3) : tensor<?x?xf32>
  %zero_5 = linalg.fill ins(%f0.0 : f32) outs(%empty_8 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %s_1 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%matmul, %matmul_1 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%zero_5 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %causal = linalg.generic {indexing_maps = [#ij, #ij_i, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%s_1, %rows_2, %rows_2 : tensor<?x?xf32>, tensor<?xi32>, tensor<?xi32>) outs(%empty_8 : tensor<?x?xf32>) {
  ^bb0(%s_2: f32, %i: i32, %j: i32, %out: f32):
    %ge = arith.cmpi sge, %i, %j : i32
    %mul = arith.mulf %s_2, %f0.25 : f32
    %select = arith.select %ge, %mul, %f0xFF800000 : f32
    linalg.yield %select : f32
  } -> tensor<?x?xf32>
  %softmax_1 = linalg.softmax dimension(1) ins(%causal : tensor<?x?xf32>) outs(%empty_8 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %matmul_3 = linalg.matmul ins(%softmax_1, %matmul_2 : tensor<?x?xf32>, tensor<?x16xf32>) outs(%zero_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_4 = linalg.matmul ins(%matmul_3, %p0.o : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %x_1 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%rows, %matmul_4 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%empty_7 : tensor<?x16xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %add = arith.addf %a, %b : f32
    linalg.yield %add : f32
  } -> tensor<?x16xf32>
  %sum_2 = linalg.reduce { arith.addf } ins(%x_1 : tensor<?x16xf32>) outs(%zero_3 : tensor<?xf32>) dimensions = [1]
  %mean_2 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%sum_2 : tensor<?xf32>) outs(%empty_6 : tensor<?xf32>) {
  ^bb0(%sum_3: f32, %out: f32):
    %mul = arith.mulf %sum_3, %f0.0625 : f32
    linalg.yield %mul : f32
  } -> tensor<?xf32>
  %centred_2 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%x_1, %mean_2 : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_7 : tensor<?x16xf32>) {
  ^bb0(%x_2: f32, %mean_3: f32, %out: f32):
    %sub = arith.subf %x_2, %mean_3 : f32
    linalg.yield %sub : f32
  } -> tensor<?x16xf32>
  %map_5 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_2 : tensor<?x16xf32>) outs(%empty_7 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %out: f32):
    %mul = arith.mulf %c, %c : f32
    linalg.yield %mul : f32
  } -> tensor<?x16xf32>
  %squares_2 = linalg.reduce { arith.addf } ins(%map_5 : tensor<?x16xf32>) outs(%zero_3 : tensor<?xf32>) dimensions = [1]
  %map_6 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_2, %squares_2 : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_7 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %sum_3: f32, %out: f32):
    %mul = arith.mulf %sum_3, %f0.0625 : f32
    %add = arith.addf %mul, %f1.0e-5 : f32
    %rsqrt = math.rsqrt %add : f32
    %mul_1 = arith.mulf %c, %rsqrt : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x16xf32>
  %size_4 = tensor.dim %map_6, %c0 : tensor<?x16xf32>
  %empty_9 = tensor.empty(%size_4) : tensor<?x24xf32>
  %zero_6 = linalg.fill ins(%f0.0 : f32) outs(%empty_9 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul_5 = linalg.matmul ins(%map_6, %p0.up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_6 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_5 : tensor<?x24xf32>) outs(%empty_9 : tensor<?x24xf32>) {
  ^bb0(%a: f32, %out: f32):
    %mul = arith.mulf %f0.5, %a : f32
    %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
    %erf = math.erf %mul_1 : f32
    %add = arith.addf %f1.0, %erf : f32
    %mul_2 = arith.mulf %mul, %add : f32
    linalg.yield %mul_2 : f32
  } -> tensor<?x24xf32>
  %mlp = linalg.matmul ins(%gelu, %p0.down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %map_7 = linalg.generic {indexing_maps = [#ij, #ij, #ij_i0, #ij], iterator_types = ["parallel", "parallel"]} ins(%x_1, %mlp, %rows_1 : tensor<?x16xf32>, tensor<?x16xf32>, tensor<?x1xf32>) outs(%empty_7 : tensor<?x16xf32>) {
  ^bb0(%x_2: f32, %mlp_1: f32, %p_1: f32, %out: f32):
    %mul = arith.mulf %mlp_1, %p_1 : f32
    %add = arith.addf %x_2, %mul : f32
    linalg.yield %add : f32
  } -> tensor<?x16xf32>
  %combined = moe.combine replace %map_7 by %plan init(%x : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 1, slots = 1> -> tensor<?x16xf32>
  %sum_3 = linalg.reduce { arith.addf } ins(%combined : tensor<?x16xf32>) outs(%zero : tensor<?xf32>) dimensions = [1]
  %mean_3 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%sum_3 : tensor<?xf32>) outs(%empty : tensor<?xf32>) {
  ^bb0(%sum_4: f32, %out: f32):
    %mul = arith.mulf %sum_4, %f0.0625 : f32
    linalg.yield %mul : f32
  } -> tensor<?xf32>
  %centred_3 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%combined, %mean_3 : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_1 : tensor<?x16xf32>) {
  ^bb0(%x_2: f32, %mean_4: f32, %out: f32):
    %sub = arith.subf %x_2, %mean_4 : f32
    linalg.yield %sub : f32
  } -> tensor<?x16xf32>
  %map_8 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_3 : tensor<?x16xf32>) outs(%empty_1 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %out: f32):
    %mul = arith.mulf %c, %c : f32
    linalg.yield %mul : f32
  } -> tensor<?x16xf32>
  %squares_3 = linalg.reduce { arith.addf } ins(%map_8 : tensor<?x16xf32>) outs(%zero : tensor<?xf32>) dimensions = [1]
  %map_9 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_3, %squares_3 : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_1 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %sum_4: f32, %out: f32):
    %mul = arith.mulf %sum_4, %f0.0625 : f32
    %add = arith.addf %mul, %f1.0e-5 : f32
    %rsqrt = math.rsqrt %add : f32
    %mul_1 = arith.mulf %c, %rsqrt : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x16xf32>
  %logits_1 = linalg.matmul ins(%map_9, %router : tensor<?x16xf32>, tensor<16x2xf32>) outs(%zero_1 : tensor<?x2xf32>) -> tensor<?x2xf32>
  %softmax_2 = linalg.softmax dimension(1) ins(%logits_1 : tensor<?x2xf32>) outs(%empty_2 : tensor<?x2xf32>) -> tensor<?x2xf32>
  %p_1 = tensor.extract_slice %softmax_2[0, 1] [%T, 1] [1, 1] : tensor<?x2xf32> to tensor<?x1xf32>
  %s_2 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%p_1, %instruction : tensor<?x1xf32>, tensor<?xi1>) outs(%empty_3 : tensor<?x1xf32>) {
  ^bb0(%p_2: f32, %keep: i1, %out: f32):
    %add = arith.addf %p_2, %f1.0 : f32
    %select = arith.select %keep, %add, %p_2 : f32
    linalg.yield %select : f32
  } -> tensor<?x1xf32>
  %half_1 = arith.ceildivsi %T, %c2 : index
  %map_10 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%instruction : tensor<?xi1>) outs(%empty_4 : tensor<?xi32>) {
  ^bb0(%keep: i1, %out: i32):
    %cast_1 = arith.extui %keep : i1 to i32
    linalg.yield %cast_1 : i32
  } -> tensor<?xi32>
  %always_1 = linalg.reduce { arith.addi } ins(%map_10 : tensor<?xi32>) outs(%zero_2 : tensor<i32>) dimensions = [0]
  %cast_1 = arith.index_cast %half_1 : index to i32
  %element_1 = tensor.extract %always_1[] : tensor<i32>
  %capacity_1 = arith.maxsi %cast_1, %element_1 : i32
  %ids_1, %chosen_1 = moe.select_tokens position %s_2 capacity(%capacity_1 : i32) : tensor<?x1xf32> -> tensor<1x?xi32>, tensor<?x1xi1>
  %plan_1 = moe.plan by_expert %ids_1 tokens(%T) : tensor<1x?xi32> -> !moe.plan<experts = 1, slots = 1>
  %slice_1 = tensor.extract_slice %p_1[0, 0] [%T, 1] [1, 1] : tensor<?x1xf32> to tensor<?xf32>
  %positions_1 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%slice_1 : tensor<?xf32>) outs(%empty_4 : tensor<?xi32>) {
  ^bb0(%p_2: f32, %out: i32):
    %i0 = linalg.index 0 : index
    %cast_2 = arith.index_cast %i0 : index to i32
    linalg.yield %cast_2 : i32
  } -> tensor<?xi32>
  %rows_3 = moe.dispatch %combined by %plan_1 : tensor<?x16xf32>, !moe.plan<experts = 1, slots = 1> -> tensor<?x16xf32>
  %rows_4 = moe.dispatch %p_1 by %plan_1 : tensor<?x1xf32>, !moe.plan<experts = 1, slots = 1> -> tensor<?x1xf32>
  %rows_5 = moe.dispatch %positions_1 by %plan_1 : tensor<?xi32>, !moe.plan<experts = 1, slots = 1> -> tensor<?xi32>
  %size_5 = tensor.dim %rows_3, %c0 : tensor<?x16xf32>
  %empty_10 = tensor.empty(%size_5) : tensor<?xf32>
  %zero_7 = linalg.fill ins(%f0.0 : f32) outs(%empty_10 : tensor<?xf32>) -> tensor<?xf32>
  %sum_4 = linalg.reduce { arith.addf } ins(%rows_3 : tensor<?x16xf32>) outs(%zero_7 : tensor<?xf32>) dimensions = [1]
  %mean_4 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%sum_4 : tensor<?xf32>) outs(%empty_10 : tensor<?xf32>) {
  ^bb0(%sum_5: f32, %out: f32):
    %mul = arith.mulf %sum_5, %f0.0625 : f32
    linalg.yield %mul : f32
  } -> tensor<?xf32>
  %size_6 = tensor.dim %rows_3, %c0 : tensor<?x16xf32>
  %empty_11 = tensor.empty(%size_6) : tensor<?x16xf32>
  %centred_4 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%rows_3, %mean_4 : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_11 : tensor<?x16xf32>) {
  ^bb0(%x_2: f32, %mean_5: f32, %out: f32):
    %sub = arith.subf %x_2, %mean_5 : f32
    linalg.yield %sub : f32
  } -> tensor<?x16xf32>
  %map_11 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_4 : tensor<?x16xf32>) outs(%empty_11 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %out: f32):
    %mul = arith.mulf %c, %c : f32
    linalg.yield %mul : f32
  } -> tensor<?x16xf32>
  %squares_4 = linalg.reduce { arith.addf } ins(%map_11 : tensor<?x16xf32>) outs(%zero_7 : tensor<?xf32>) dimensions = [1]
  %map_12 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_4, %squares_4 : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_11 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %sum_5: f32, %out: f32):
    %mul = arith.mulf %sum_5, %f0.0625 : f32
    %add = arith.addf %mul, %f1.0e-5 : f32
    %rsqrt = math.rsqrt %add : f32
    %mul_1 = arith.mulf %c, %rsqrt : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x16xf32>
  %zero_8 = linalg.fill ins(%f0.0 : f32) outs(%empty_11 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_6 = linalg.matmul ins(%map_12, %p1.q : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_8 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_7 = linalg.matmul ins(%map_12, %p1.k : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_8 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_8 = linalg.matmul ins(%map_12, %p1.v : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_8 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %size_7 = tensor.dim %matmul_6, %c0 : tensor<?x16xf32>
  %size_8 = tensor.dim %matmul_6, %c0 : tensor<?x16xf32>
  %empty_12 = tensor.empty(%size_7, %size_8) : tensor<?x?xf32>
  %zero_9 = linalg.fill ins(%f0.0 : f32) outs(%empty_12 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %s_3 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%matmul_6, %matmul_7 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%zero_9 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %causal_1 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%s_3, %rows_5, %rows_5 : tensor<?x?xf32>, tensor<?xi32>, tensor<?xi32>) outs(%empty_12 : tensor<?x?xf32>) {
  ^bb0(%s_4: f32, %i: i32, %j: i32, %out: f32):
    %ge = arith.cmpi sge, %i, %j : i32
    %mul = arith.mulf %s_4, %f0.25 : f32
    %select = arith.select %ge, %mul, %f0xFF800000 : f32
    linalg.yield %select : f32
  } -> tensor<?x?xf32>
  %softmax_3 = linalg.softmax dimension(1) ins(%causal_1 : tensor<?x?xf32>) outs(%empty_12 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %matmul_9 = linalg.matmul ins(%softmax_3, %matmul_8 : tensor<?x?xf32>, tensor<?x16xf32>) outs(%zero_8 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_10 = linalg.matmul ins(%matmul_9, %p1.o : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_8 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %x_2 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%rows_3, %matmul_10 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%empty_11 : tensor<?x16xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %add = arith.addf %a, %b : f32
    linalg.yield %add : f32
  } -> tensor<?x16xf32>
  %sum_5 = linalg.reduce { arith.addf } ins(%x_2 : tensor<?x16xf32>) outs(%zero_7 : tensor<?xf32>) dimensions = [1]
  %mean_5 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%sum_5 : tensor<?xf32>) outs(%empty_10 : tensor<?xf32>) {
  ^bb0(%sum_6: f32, %out: f32):
    %mul = arith.mulf %sum_6, %f0.0625 : f32
    linalg.yield %mul : f32
  } -> tensor<?xf32>
  %centred_5 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%x_2, %mean_5 : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_11 : tensor<?x16xf32>) {
  ^bb0(%x_3: f32, %mean_6: f32, %out: f32):
    %sub = arith.subf %x_3, %mean_6 : f32
    linalg.yield %sub : f32
  } -> tensor<?x16xf32>
  %map_13 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_5 : tensor<?x16xf32>) outs(%empty_11 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %out: f32):
    %mul = arith.mulf %c, %c : f32
    linalg.yield %mul : f32
  } -> tensor<?x16xf32>
  %squares_5 = linalg.reduce { arith.addf } ins(%map_13 : tensor<?x16xf32>) outs(%zero_7 : tensor<?xf32>) dimensions = [1]
  %map_14 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_5, %squares_5 : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_11 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %sum_6: f32, %out: f32):
    %mul = arith.mulf %sum_6, %f0.0625 : f32
    %add = arith.addf %mul, %f1.0e-5 : f32
    %rsqrt = math.rsqrt %add : f32
    %mul_1 = arith.mulf %c, %rsqrt : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x16xf32>
  %size_9 = tensor.dim %map_14, %c0 : tensor<?x16xf32>
  %empty_13 = tensor.empty(%size_9) : tensor<?x24xf32>
  %zero_10 = linalg.fill ins(%f0.0 : f32) outs(%empty_13 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul_11 = linalg.matmul ins(%map_14, %p1.up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_10 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %gelu_1 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_11 : tensor<?x24xf32>) outs(%empty_13 : tensor<?x24xf32>) {
  ^bb0(%a: f32, %out: f32):
    %mul = arith.mulf %f0.5, %a : f32
    %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
    %erf = math.erf %mul_1 : f32
    %add = arith.addf %f1.0, %erf : f32
    %mul_2 = arith.mulf %mul, %add : f32
    linalg.yield %mul_2 : f32
  } -> tensor<?x24xf32>
  %mlp_1 = linalg.matmul ins(%gelu_1, %p1.down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_8 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %map_15 = linalg.generic {indexing_maps = [#ij, #ij, #ij_i0, #ij], iterator_types = ["parallel", "parallel"]} ins(%x_2, %mlp_1, %rows_4 : tensor<?x16xf32>, tensor<?x16xf32>, tensor<?x1xf32>) outs(%empty_11 : tensor<?x16xf32>) {
  ^bb0(%x_3: f32, %mlp_2: f32, %p_2: f32, %out: f32):
    %mul = arith.mulf %mlp_2, %p_2 : f32
    %add = arith.addf %x_3, %mul : f32
    linalg.yield %add : f32
  } -> tensor<?x16xf32>
  %combined_1 = moe.combine replace %map_15 by %plan_1 init(%combined : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 1, slots = 1> -> tensor<?x16xf32>
  return %combined_1 : tensor<?x16xf32>
}

func.func @threshold(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f0.0625 = arith.constant 0.0625 : f32
  %f1.0e-5 = arith.constant 1.0e-5 : f32
  %f0.5 = arith.constant 0.5 : f32
  %c-1_i32 = arith.constant -1 : i32
  %f0.25 = arith.constant 0.25 : f32
  %f0xFF800000 = arith.constant 0xFF800000 : f32
  %f0.7071067811865476 = arith.constant 0.7071067811865476 : f32
  %f1.0 = arith.constant 1.0 : f32
  %router = ml_program.global_load_const @router : tensor<16x2xf32>
  %p0.q = ml_program.global_load_const @"0.q" : tensor<16x16xf32>
  %p0.k = ml_program.global_load_const @"0.k" : tensor<16x16xf32>
  %p0.v = ml_program.global_load_const @"0.v" : tensor<16x16xf32>
  %p0.o = ml_program.global_load_const @"0.o" : tensor<16x16xf32>
  %p0.up = ml_program.global_load_const @"0.up" : tensor<16x24xf32>
  %p0.down = ml_program.global_load_const @"0.down" : tensor<24x16xf32>
  %p1.q = ml_program.global_load_const @"1.q" : tensor<16x16xf32>
  %p1.k = ml_program.global_load_const @"1.k" : tensor<16x16xf32>
  %p1.v = ml_program.global_load_const @"1.v" : tensor<16x16xf32>
  %p1.o = ml_program.global_load_const @"1.o" : tensor<16x16xf32>
  %p1.up = ml_program.global_load_const @"1.up" : tensor<16x24xf32>
  %p1.down = ml_program.global_load_const @"1.down" : tensor<24x16xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%T) : tensor<?xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?xf32>) -> tensor<?xf32>
  %sum = linalg.reduce { arith.addf } ins(%x : tensor<?x16xf32>) outs(%zero : tensor<?xf32>) dimensions = [1]
  %mean = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%sum : tensor<?xf32>) outs(%empty : tensor<?xf32>) {
  ^bb0(%sum_1: f32, %out: f32):
    %mul = arith.mulf %sum_1, %f0.0625 : f32
    linalg.yield %mul : f32
  } -> tensor<?xf32>
  %empty_1 = tensor.empty(%T) : tensor<?x16xf32>
  %centred = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%x, %mean : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_1 : tensor<?x16xf32>) {
  ^bb0(%x_1: f32, %mean_1: f32, %out: f32):
    %sub = arith.subf %x_1, %mean_1 : f32
    linalg.yield %sub : f32
  } -> tensor<?x16xf32>
  %map = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred : tensor<?x16xf32>) outs(%empty_1 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %out: f32):
    %mul = arith.mulf %c, %c : f32
    linalg.yield %mul : f32
  } -> tensor<?x16xf32>
  %squares = linalg.reduce { arith.addf } ins(%map : tensor<?x16xf32>) outs(%zero : tensor<?xf32>) dimensions = [1]
  %map_1 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred, %squares : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_1 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %sum_1: f32, %out: f32):
    %mul = arith.mulf %sum_1, %f0.0625 : f32
    %add = arith.addf %mul, %f1.0e-5 : f32
    %rsqrt = math.rsqrt %add : f32
    %mul_1 = arith.mulf %c, %rsqrt : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x16xf32>
  %empty_2 = tensor.empty(%T) : tensor<?x2xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x2xf32>) -> tensor<?x2xf32>
  %logits = linalg.matmul ins(%map_1, %router : tensor<?x16xf32>, tensor<16x2xf32>) outs(%zero_1 : tensor<?x2xf32>) -> tensor<?x2xf32>
  %softmax = linalg.softmax dimension(1) ins(%logits : tensor<?x2xf32>) outs(%empty_2 : tensor<?x2xf32>) -> tensor<?x2xf32>
  %p = tensor.extract_slice %softmax[0, 1] [%T, 1] [1, 1] : tensor<?x2xf32> to tensor<?x1xf32>
  %empty_3 = tensor.empty(%T) : tensor<?x1xi32>
  %ids = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%p : tensor<?x1xf32>) outs(%empty_3 : tensor<?x1xi32>) {
  ^bb0(%p_1: f32, %out: i32):
    %ge = arith.cmpf oge, %p_1, %f0.5 : f32
    %mul = arith.mulf %p_1, %f0.0 : f32
    %cast = arith.fptosi %mul : f32 to i32
    %select = arith.select %ge, %cast, %c-1_i32 : i32
    linalg.yield %select : i32
  } -> tensor<?x1xi32>
  %plan = moe.plan %ids : tensor<?x1xi32> -> !moe.plan<experts = 1, slots = 1>
  %slice = tensor.extract_slice %p[0, 0] [%T, 1] [1, 1] : tensor<?x1xf32> to tensor<?xf32>
  %empty_4 = tensor.empty(%T) : tensor<?xi32>
  %positions = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%slice : tensor<?xf32>) outs(%empty_4 : tensor<?xi32>) {
  ^bb0(%p_1: f32, %out: i32):
    %i0 = linalg.index 0 : index
    %cast = arith.index_cast %i0 : index to i32
    linalg.yield %cast : i32
  } -> tensor<?xi32>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 1, slots = 1> -> tensor<?x16xf32>
  %rows_1 = moe.dispatch %p by %plan : tensor<?x1xf32>, !moe.plan<experts = 1, slots = 1> -> tensor<?x1xf32>
  %rows_2 = moe.dispatch %positions by %plan : tensor<?xi32>, !moe.plan<experts = 1, slots = 1> -> tensor<?xi32>
  %size = tensor.dim %rows, %c0 : tensor<?x16xf32>
  %empty_5 = tensor.empty(%size) : tensor<?xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_5 : tensor<?xf32>) -> tensor<?xf32>
  %sum_1 = linalg.reduce { arith.addf } ins(%rows : tensor<?x16xf32>) outs(%zero_2 : tensor<?xf32>) dimensions = [1]
  %mean_1 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%sum_1 : tensor<?xf32>) outs(%empty_5 : tensor<?xf32>) {
  ^bb0(%sum_2: f32, %out: f32):
    %mul = arith.mulf %sum_2, %f0.0625 : f32
    linalg.yield %mul : f32
  } -> tensor<?xf32>
  %size_1 = tensor.dim %rows, %c0 : tensor<?x16xf32>
  %empty_6 = tensor.empty(%size_1) : tensor<?x16xf32>
  %centred_1 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%rows, %mean_1 : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_6 : tensor<?x16xf32>) {
  ^bb0(%x_1: f32, %mean_2: f32, %out: f32):
    %sub = arith.subf %x_1, %mean_2 : f32
    linalg.yield %sub : f32
  } -> tensor<?x16xf32>
  %map_2 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_1 : tensor<?x16xf32>) outs(%empty_6 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %out: f32):
    %mul = arith.mulf %c, %c : f32
    linalg.yield %mul : f32
  } -> tensor<?x16xf32>
  %squares_1 = linalg.reduce { arith.addf } ins(%map_2 : tensor<?x16xf32>) outs(%zero_2 : tensor<?xf32>) dimensions = [1]
  %map_3 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_1, %squares_1 : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_6 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %sum_2: f32, %out: f32):
    %mul = arith.mulf %sum_2, %f0.0625 : f32
    %add = arith.addf %mul, %f1.0e-5 : f32
    %rsqrt = math.rsqrt %add : f32
    %mul_1 = arith.mulf %c, %rsqrt : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x16xf32>
  %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_6 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul = linalg.matmul ins(%map_3, %p0.q : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_1 = linalg.matmul ins(%map_3, %p0.k : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_2 = linalg.matmul ins(%map_3, %p0.v : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %size_2 = tensor.dim %matmul, %c0 : tensor<?x16xf32>
  %size_3 = tensor.dim %matmul, %c0 : tensor<?x16xf32>
  %empty_7 = tensor.empty(%size_2, %size_3) : tensor<?x?xf32>
  %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty_7 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %s = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%matmul, %matmul_1 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%zero_4 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %causal = linalg.generic {indexing_maps = [#ij, #ij_i, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%s, %rows_2, %rows_2 : tensor<?x?xf32>, tensor<?xi32>, tensor<?xi32>) outs(%empty_7 : tensor<?x?xf32>) {
  ^bb0(%s_1: f32, %i: i32, %j: i32, %out: f32):
    %ge = arith.cmpi sge, %i, %j : i32
    %mul = arith.mulf %s_1, %f0.25 : f32
    %select = arith.select %ge, %mul, %f0xFF800000 : f32
    linalg.yield %select : f32
  } -> tensor<?x?xf32>
  %softmax_1 = linalg.softmax dimension(1) ins(%causal : tensor<?x?xf32>) outs(%empty_7 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %matmul_3 = linalg.matmul ins(%softmax_1, %matmul_2 : tensor<?x?xf32>, tensor<?x16xf32>) outs(%zero_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_4 = linalg.matmul ins(%matmul_3, %p0.o : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %x_1 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%rows, %matmul_4 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%empty_6 : tensor<?x16xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %add = arith.addf %a, %b : f32
    linalg.yield %add : f32
  } -> tensor<?x16xf32>
  %sum_2 = linalg.reduce { arith.addf } ins(%x_1 : tensor<?x16xf32>) outs(%zero_2 : tensor<?xf32>) dimensions = [1]
  %mean_2 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%sum_2 : tensor<?xf32>) outs(%empty_5 : tensor<?xf32>) {
  ^bb0(%sum_3: f32, %out: f32):
    %mul = arith.mulf %sum_3, %f0.0625 : f32
    linalg.yield %mul : f32
  } -> tensor<?xf32>
  %centred_2 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%x_1, %mean_2 : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_6 : tensor<?x16xf32>) {
  ^bb0(%x_2: f32, %mean_3: f32, %out: f32):
    %sub = arith.subf %x_2, %mean_3 : f32
    linalg.yield %sub : f32
  } -> tensor<?x16xf32>
  %map_4 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_2 : tensor<?x16xf32>) outs(%empty_6 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %out: f32):
    %mul = arith.mulf %c, %c : f32
    linalg.yield %mul : f32
  } -> tensor<?x16xf32>
  %squares_2 = linalg.reduce { arith.addf } ins(%map_4 : tensor<?x16xf32>) outs(%zero_2 : tensor<?xf32>) dimensions = [1]
  %map_5 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_2, %squares_2 : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_6 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %sum_3: f32, %out: f32):
    %mul = arith.mulf %sum_3, %f0.0625 : f32
    %add = arith.addf %mul, %f1.0e-5 : f32
    %rsqrt = math.rsqrt %add : f32
    %mul_1 = arith.mulf %c, %rsqrt : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x16xf32>
  %size_4 = tensor.dim %map_5, %c0 : tensor<?x16xf32>
  %empty_8 = tensor.empty(%size_4) : tensor<?x24xf32>
  %zero_5 = linalg.fill ins(%f0.0 : f32) outs(%empty_8 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul_5 = linalg.matmul ins(%map_5, %p0.up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_5 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_5 : tensor<?x24xf32>) outs(%empty_8 : tensor<?x24xf32>) {
  ^bb0(%a: f32, %out: f32):
    %mul = arith.mulf %f0.5, %a : f32
    %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
    %erf = math.erf %mul_1 : f32
    %add = arith.addf %f1.0, %erf : f32
    %mul_2 = arith.mulf %mul, %add : f32
    linalg.yield %mul_2 : f32
  } -> tensor<?x24xf32>
  %mlp = linalg.matmul ins(%gelu, %p0.down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %map_6 = linalg.generic {indexing_maps = [#ij, #ij, #ij_i0, #ij], iterator_types = ["parallel", "parallel"]} ins(%x_1, %mlp, %rows_1 : tensor<?x16xf32>, tensor<?x16xf32>, tensor<?x1xf32>) outs(%empty_6 : tensor<?x16xf32>) {
  ^bb0(%x_2: f32, %mlp_1: f32, %p_1: f32, %out: f32):
    %mul = arith.mulf %mlp_1, %p_1 : f32
    %add = arith.addf %x_2, %mul : f32
    linalg.yield %add : f32
  } -> tensor<?x16xf32>
  %combined = moe.combine replace %map_6 by %plan init(%x : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 1, slots = 1> -> tensor<?x16xf32>
  %sum_3 = linalg.reduce { arith.addf } ins(%combined : tensor<?x16xf32>) outs(%zero : tensor<?xf32>) dimensions = [1]
  %mean_3 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%sum_3 : tensor<?xf32>) outs(%empty : tensor<?xf32>) {
  ^bb0(%sum_4: f32, %out: f32):
    %mul = arith.mulf %sum_4, %f0.0625 : f32
    linalg.yield %mul : f32
  } -> tensor<?xf32>
  %centred_3 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%combined, %mean_3 : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_1 : tensor<?x16xf32>) {
  ^bb0(%x_2: f32, %mean_4: f32, %out: f32):
    %sub = arith.subf %x_2, %mean_4 : f32
    linalg.yield %sub : f32
  } -> tensor<?x16xf32>
  %map_7 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_3 : tensor<?x16xf32>) outs(%empty_1 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %out: f32):
    %mul = arith.mulf %c, %c : f32
    linalg.yield %mul : f32
  } -> tensor<?x16xf32>
  %squares_3 = linalg.reduce { arith.addf } ins(%map_7 : tensor<?x16xf32>) outs(%zero : tensor<?xf32>) dimensions = [1]
  %map_8 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_3, %squares_3 : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_1 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %sum_4: f32, %out: f32):
    %mul = arith.mulf %sum_4, %f0.0625 : f32
    %add = arith.addf %mul, %f1.0e-5 : f32
    %rsqrt = math.rsqrt %add : f32
    %mul_1 = arith.mulf %c, %rsqrt : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x16xf32>
  %logits_1 = linalg.matmul ins(%map_8, %router : tensor<?x16xf32>, tensor<16x2xf32>) outs(%zero_1 : tensor<?x2xf32>) -> tensor<?x2xf32>
  %softmax_2 = linalg.softmax dimension(1) ins(%logits_1 : tensor<?x2xf32>) outs(%empty_2 : tensor<?x2xf32>) -> tensor<?x2xf32>
  %p_1 = tensor.extract_slice %softmax_2[0, 1] [%T, 1] [1, 1] : tensor<?x2xf32> to tensor<?x1xf32>
  %ids_1 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%p_1 : tensor<?x1xf32>) outs(%empty_3 : tensor<?x1xi32>) {
  ^bb0(%p_2: f32, %out: i32):
    %ge = arith.cmpf oge, %p_2, %f0.5 : f32
    %mul = arith.mulf %p_2, %f0.0 : f32
    %cast = arith.fptosi %mul : f32 to i32
    %select = arith.select %ge, %cast, %c-1_i32 : i32
    linalg.yield %select : i32
  } -> tensor<?x1xi32>
  %plan_1 = moe.plan %ids_1 : tensor<?x1xi32> -> !moe.plan<experts = 1, slots = 1>
  %slice_1 = tensor.extract_slice %p_1[0, 0] [%T, 1] [1, 1] : tensor<?x1xf32> to tensor<?xf32>
  %positions_1 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%slice_1 : tensor<?xf32>) outs(%empty_4 : tensor<?xi32>) {
  ^bb0(%p_2: f32, %out: i32):
    %i0 = linalg.index 0 : index
    %cast = arith.index_cast %i0 : index to i32
    linalg.yield %cast : i32
  } -> tensor<?xi32>
  %rows_3 = moe.dispatch %combined by %plan_1 : tensor<?x16xf32>, !moe.plan<experts = 1, slots = 1> -> tensor<?x16xf32>
  %rows_4 = moe.dispatch %p_1 by %plan_1 : tensor<?x1xf32>, !moe.plan<experts = 1, slots = 1> -> tensor<?x1xf32>
  %rows_5 = moe.dispatch %positions_1 by %plan_1 : tensor<?xi32>, !moe.plan<experts = 1, slots = 1> -> tensor<?xi32>
  %size_5 = tensor.dim %rows_3, %c0 : tensor<?x16xf32>
  %empty_9 = tensor.empty(%size_5) : tensor<?xf32>
  %zero_6 = linalg.fill ins(%f0.0 : f32) outs(%empty_9 : tensor<?xf32>) -> tensor<?xf32>
  %sum_4 = linalg.reduce { arith.addf } ins(%rows_3 : tensor<?x16xf32>) outs(%zero_6 : tensor<?xf32>) dimensions = [1]
  %mean_4 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%sum_4 : tensor<?xf32>) outs(%empty_9 : tensor<?xf32>) {
  ^bb0(%sum_5: f32, %out: f32):
    %mul = arith.mulf %sum_5, %f0.0625 : f32
    linalg.yield %mul : f32
  } -> tensor<?xf32>
  %size_6 = tensor.dim %rows_3, %c0 : tensor<?x16xf32>
  %empty_10 = tensor.empty(%size_6) : tensor<?x16xf32>
  %centred_4 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%rows_3, %mean_4 : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_10 : tensor<?x16xf32>) {
  ^bb0(%x_2: f32, %mean_5: f32, %out: f32):
    %sub = arith.subf %x_2, %mean_5 : f32
    linalg.yield %sub : f32
  } -> tensor<?x16xf32>
  %map_9 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_4 : tensor<?x16xf32>) outs(%empty_10 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %out: f32):
    %mul = arith.mulf %c, %c : f32
    linalg.yield %mul : f32
  } -> tensor<?x16xf32>
  %squares_4 = linalg.reduce { arith.addf } ins(%map_9 : tensor<?x16xf32>) outs(%zero_6 : tensor<?xf32>) dimensions = [1]
  %map_10 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_4, %squares_4 : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_10 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %sum_5: f32, %out: f32):
    %mul = arith.mulf %sum_5, %f0.0625 : f32
    %add = arith.addf %mul, %f1.0e-5 : f32
    %rsqrt = math.rsqrt %add : f32
    %mul_1 = arith.mulf %c, %rsqrt : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x16xf32>
  %zero_7 = linalg.fill ins(%f0.0 : f32) outs(%empty_10 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_6 = linalg.matmul ins(%map_10, %p1.q : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_7 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_7 = linalg.matmul ins(%map_10, %p1.k : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_7 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_8 = linalg.matmul ins(%map_10, %p1.v : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_7 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %size_7 = tensor.dim %matmul_6, %c0 : tensor<?x16xf32>
  %size_8 = tensor.dim %matmul_6, %c0 : tensor<?x16xf32>
  %empty_11 = tensor.empty(%size_7, %size_8) : tensor<?x?xf32>
  %zero_8 = linalg.fill ins(%f0.0 : f32) outs(%empty_11 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %s_1 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%matmul_6, %matmul_7 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%zero_8 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %causal_1 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%s_1, %rows_5, %rows_5 : tensor<?x?xf32>, tensor<?xi32>, tensor<?xi32>) outs(%empty_11 : tensor<?x?xf32>) {
  ^bb0(%s_2: f32, %i: i32, %j: i32, %out: f32):
    %ge = arith.cmpi sge, %i, %j : i32
    %mul = arith.mulf %s_2, %f0.25 : f32
    %select = arith.select %ge, %mul, %f0xFF800000 : f32
    linalg.yield %select : f32
  } -> tensor<?x?xf32>
  %softmax_3 = linalg.softmax dimension(1) ins(%causal_1 : tensor<?x?xf32>) outs(%empty_11 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %matmul_9 = linalg.matmul ins(%softmax_3, %matmul_8 : tensor<?x?xf32>, tensor<?x16xf32>) outs(%zero_7 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_10 = linalg.matmul ins(%matmul_9, %p1.o : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_7 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %x_2 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%rows_3, %matmul_10 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%empty_10 : tensor<?x16xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %add = arith.addf %a, %b : f32
    linalg.yield %add : f32
  } -> tensor<?x16xf32>
  %sum_5 = linalg.reduce { arith.addf } ins(%x_2 : tensor<?x16xf32>) outs(%zero_6 : tensor<?xf32>) dimensions = [1]
  %mean_5 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%sum_5 : tensor<?xf32>) outs(%empty_9 : tensor<?xf32>) {
  ^bb0(%sum_6: f32, %out: f32):
    %mul = arith.mulf %sum_6, %f0.0625 : f32
    linalg.yield %mul : f32
  } -> tensor<?xf32>
  %centred_5 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%x_2, %mean_5 : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_10 : tensor<?x16xf32>) {
  ^bb0(%x_3: f32, %mean_6: f32, %out: f32):
    %sub = arith.subf %x_3, %mean_6 : f32
    linalg.yield %sub : f32
  } -> tensor<?x16xf32>
  %map_11 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_5 : tensor<?x16xf32>) outs(%empty_10 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %out: f32):
    %mul = arith.mulf %c, %c : f32
    linalg.yield %mul : f32
  } -> tensor<?x16xf32>
  %squares_5 = linalg.reduce { arith.addf } ins(%map_11 : tensor<?x16xf32>) outs(%zero_6 : tensor<?xf32>) dimensions = [1]
  %map_12 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_5, %squares_5 : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_10 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %sum_6: f32, %out: f32):
    %mul = arith.mulf %sum_6, %f0.0625 : f32
    %add = arith.addf %mul, %f1.0e-5 : f32
    %rsqrt = math.rsqrt %add : f32
    %mul_1 = arith.mulf %c, %rsqrt : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x16xf32>
  %size_9 = tensor.dim %map_12, %c0 : tensor<?x16xf32>
  %empty_12 = tensor.empty(%size_9) : tensor<?x24xf32>
  %zero_9 = linalg.fill ins(%f0.0 : f32) outs(%empty_12 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul_11 = linalg.matmul ins(%map_12, %p1.up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_9 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %gelu_1 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_11 : tensor<?x24xf32>) outs(%empty_12 : tensor<?x24xf32>) {
  ^bb0(%a: f32, %out: f32):
    %mul = arith.mulf %f0.5, %a : f32
    %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
    %erf = math.erf %mul_1 : f32
    %add = arith.addf %f1.0, %erf : f32
    %mul_2 = arith.mulf %mul, %add : f32
    linalg.yield %mul_2 : f32
  } -> tensor<?x24xf32>
  %mlp_1 = linalg.matmul ins(%gelu_1, %p1.down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_7 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %map_13 = linalg.generic {indexing_maps = [#ij, #ij, #ij_i0, #ij], iterator_types = ["parallel", "parallel"]} ins(%x_2, %mlp_1, %rows_4 : tensor<?x16xf32>, tensor<?x16xf32>, tensor<?x1xf32>) outs(%empty_10 : tensor<?x16xf32>) {
  ^bb0(%x_3: f32, %mlp_2: f32, %p_2: f32, %out: f32):
    %mul = arith.mulf %mlp_2, %p_2 : f32
    %add = arith.addf %x_3, %mul : f32
    linalg.yield %add : f32
  } -> tensor<?x16xf32>
  %combined_1 = moe.combine replace %map_13 by %plan_1 init(%combined : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 1, slots = 1> -> tensor<?x16xf32>
  return %combined_1 : tensor<?x16xf32>
}
