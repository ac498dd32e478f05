// Mixture of Thoughts: a router reads a query and picks two of three models of
// different width, one of them primary. Models run in lockstep; after every stage the
// primary model attends to the latent states of the selected ones.
//
// Models are branches that run only if they were selected; what they hand over is a
// latent tensor of one width, and the combination is ordinary attention under a mask.
//
// Source: Mixture of Thoughts, Learning to Aggregate What Experts Think, Not Just What
// They Say. The interaction's details are not verified.

#ij = affine_map<(i, j) -> (i, j)>
#i = affine_map<(i) -> (i)>
#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs_t = affine_map<(m, n, k) -> (n, k)>
#acc = affine_map<(m, n, k) -> (m, n)>
#ij_j = affine_map<(i, j) -> (j)>

ml_program.global private @router.w1(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<8x16xf32>
ml_program.global private @router.w2(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<16x3xf32>
ml_program.global private @"0.embed"(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<8x8xf32>
ml_program.global private @"1.embed"(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<8x12xf32>
ml_program.global private @"2.embed"(#moe.random<seed = 5, std = 0.3 : f64>) : tensor<8x16xf32>
ml_program.global private @"0.0.w"(#moe.random<seed = 6, std = 0.3 : f64>) : tensor<8x8xf32>
ml_program.global private @"0.0.project"(#moe.random<seed = 7, std = 0.3 : f64>) : tensor<8x8xf32>
ml_program.global private @"1.0.w"(#moe.random<seed = 8, std = 0.3 : f64>) : tensor<12x12xf32>
ml_program.global private @"1.0.project"(#moe.random<seed = 9, std = 0.3 : f64>) : tensor<12x8xf32>
ml_program.global private @"2.0.w"(#moe.random<seed = 10, std = 0.3 : f64>) : tensor<16x16xf32>
ml_program.global private @"2.0.project"(#moe.random<seed = 11, std = 0.3 : f64>) : tensor<16x8xf32>
ml_program.global private @"0.0.back"(#moe.random<seed = 12, std = 0.3 : f64>) : tensor<8x8xf32>
ml_program.global private @"1.0.back"(#moe.random<seed = 13, std = 0.3 : f64>) : tensor<8x12xf32>
ml_program.global private @"2.0.back"(#moe.random<seed = 14, std = 0.3 : f64>) : tensor<8x16xf32>
ml_program.global private @"0.1.w"(#moe.random<seed = 15, std = 0.3 : f64>) : tensor<8x8xf32>
ml_program.global private @"0.1.project"(#moe.random<seed = 16, std = 0.3 : f64>) : tensor<8x8xf32>
ml_program.global private @"1.1.w"(#moe.random<seed = 17, std = 0.3 : f64>) : tensor<12x12xf32>
ml_program.global private @"1.1.project"(#moe.random<seed = 18, std = 0.3 : f64>) : tensor<12x8xf32>
ml_program.global private @"2.1.w"(#moe.random<seed = 19, std = 0.3 : f64>) : tensor<16x16xf32>
ml_program.global private @"2.1.project"(#moe.random<seed = 20, std = 0.3 : f64>) : tensor<16x8xf32>
ml_program.global private @"0.1.back"(#moe.random<seed = 21, std = 0.3 : f64>) : tensor<8x8xf32>
ml_program.global private @"1.1.back"(#moe.random<seed = 22, std = 0.3 : f64>) : tensor<8x12xf32>
ml_program.global private @"2.1.back"(#moe.random<seed = 23, std = 0.3 : f64>) : tensor<8x16xf32>
ml_program.global private @"0.head"(#moe.random<seed = 24, std = 0.3 : f64>) : tensor<8x8xf32>
ml_program.global private @"1.head"(#moe.random<seed = 25, std = 0.3 : f64>) : tensor<12x8xf32>
ml_program.global private @"2.head"(#moe.random<seed = 26, std = 0.3 : f64>) : tensor<16x8xf32>

func.func @main(%query: tensor<1x8xf32> {moe.name = "query", moe.dims = ["1", "8"]},
    %x: tensor<?x8xf32> {moe.name = "x", moe.dims = ["T", "8"]})
    -> (tensor<?x8xf32> {moe.name = "y", moe.dims = ["T", "8"]},
        tensor<1x2xi32> {moe.name = "ids", moe.dims = ["1", "2"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %c1 = arith.constant 1 : index
  %c0_i32 = arith.constant 0 : i32
  %c1_i32 = arith.constant 1 : i32
  %c2_i32 = arith.constant 2 : i32
  %f0.35355339059327373 = arith.constant 0.35355339059327373 : f32
  %f0xFF800000 = arith.constant 0xFF800000 : f32
  %router.w1 = ml_program.global_load_const @router.w1 : tensor<8x16xf32>
  %router.w2 = ml_program.global_load_const @router.w2 : tensor<16x3xf32>
  %p0.embed = ml_program.global_load_const @"0.embed" : tensor<8x8xf32>
  %p1.embed = ml_program.global_load_const @"1.embed" : tensor<8x12xf32>
  %p2.embed = ml_program.global_load_const @"2.embed" : tensor<8x16xf32>
  %p0.0.w = ml_program.global_load_const @"0.0.w" : tensor<8x8xf32>
  %p0.0.project = ml_program.global_load_const @"0.0.project" : tensor<8x8xf32>
  %p1.0.w = ml_program.global_load_const @"1.0.w" : tensor<12x12xf32>
  %p1.0.project = ml_program.global_load_const @"1.0.project" : tensor<12x8xf32>
  %p2.0.w = ml_program.global_load_const @"2.0.w" : tensor<16x16xf32>
  %p2.0.project = ml_program.global_load_const @"2.0.project" : tensor<16x8xf32>
  %p0.0.back = ml_program.global_load_const @"0.0.back" : tensor<8x8xf32>
  %p1.0.back = ml_program.global_load_const @"1.0.back" : tensor<8x12xf32>
  %p2.0.back = ml_program.global_load_const @"2.0.back" : tensor<8x16xf32>
  %p0.1.w = ml_program.global_load_const @"0.1.w" : tensor<8x8xf32>
  %p0.1.project = ml_program.global_load_const @"0.1.project" : tensor<8x8xf32>
  %p1.1.w = ml_program.global_load_const @"1.1.w" : tensor<12x12xf32>
  %p1.1.project = ml_program.global_load_const @"1.1.project" : tensor<12x8xf32>
  %p2.1.w = ml_program.global_load_const @"2.1.w" : tensor<16x16xf32>
  %p2.1.project = ml_program.global_load_const @"2.1.project" : tensor<16x8xf32>
  %p0.1.back = ml_program.global_load_const @"0.1.back" : tensor<8x8xf32>
  %p1.1.back = ml_program.global_load_const @"1.1.back" : tensor<8x12xf32>
  %p2.1.back = ml_program.global_load_const @"2.1.back" : tensor<8x16xf32>
  %p0.head = ml_program.global_load_const @"0.head" : tensor<8x8xf32>
  %p1.head = ml_program.global_load_const @"1.head" : tensor<12x8xf32>
  %p2.head = ml_program.global_load_const @"2.head" : tensor<16x8xf32>
  %T = tensor.dim %x, %c0 : tensor<?x8xf32>
  %empty = tensor.empty() : tensor<1x16xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<1x16xf32>) -> tensor<1x16xf32>
  %matmul = linalg.matmul ins(%query, %router.w1 : tensor<1x8xf32>, tensor<8x16xf32>) outs(%zero : tensor<1x16xf32>) -> tensor<1x16xf32>
  %relu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul : tensor<1x16xf32>) outs(%empty : tensor<1x16xf32>) {
  ^bb0(%a: f32, %out: f32):
    %max = arith.maximumf %a, %f0.0 : f32
    linalg.yield %max : f32
  } -> tensor<1x16xf32>
  %empty_1 = tensor.empty() : tensor<1x3xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<1x3xf32>) -> tensor<1x3xf32>
  %matmul_1 = linalg.matmul ins(%relu, %router.w2 : tensor<1x16xf32>, tensor<16x3xf32>) outs(%zero_1 : tensor<1x3xf32>) -> tensor<1x3xf32>
  %scores = linalg.softmax dimension(1) ins(%matmul_1 : tensor<1x3xf32>) outs(%empty_1 : tensor<1x3xf32>) -> tensor<1x3xf32>
  %ids = moe.select #moe.top_k<2> scores(%scores : tensor<1x3xf32>) -> tensor<1x2xi32>
  %element = tensor.extract %ids[%c0, %c0] : tensor<1x2xi32>
  %element_1 = tensor.extract %ids[%c0, %c1] : tensor<1x2xi32>
  %is_primary = arith.cmpi eq, %element, %c0_i32 : i32
  %is_primary_1 = arith.cmpi eq, %element, %c1_i32 : i32
  %is_primary_2 = arith.cmpi eq, %element, %c2_i32 : i32
  %eq = arith.cmpi eq, %element_1, %c0_i32 : i32
  %selected = arith.ori %is_primary, %eq : i1
  %eq_1 = arith.cmpi eq, %element_1, %c1_i32 : i32
  %selected_1 = arith.ori %is_primary_1, %eq_1 : i1
  %eq_2 = arith.cmpi eq, %element_1, %c2_i32 : i32
  %selected_2 = arith.ori %is_primary_2, %eq_2 : i1
  %empty_2 = tensor.empty(%T) : tensor<?x8xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %h = linalg.matmul ins(%x, %p0.embed : tensor<?x8xf32>, tensor<8x8xf32>) outs(%zero_2 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %empty_3 = tensor.empty(%T) : tensor<?x12xf32>
  %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x12xf32>) -> tensor<?x12xf32>
  %h_1 = linalg.matmul ins(%x, %p1.embed : tensor<?x8xf32>, tensor<8x12xf32>) outs(%zero_3 : tensor<?x12xf32>) -> tensor<?x12xf32>
  %empty_4 = tensor.empty(%T) : tensor<?x16xf32>
  %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %h_2 = linalg.matmul ins(%x, %p2.embed : tensor<?x8xf32>, tensor<8x16xf32>) outs(%zero_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %empty_5 = tensor.empty(%T) : tensor<?xi32>
  %zero_5 = linalg.fill ins(%c0_i32 : i32) outs(%empty_5 : tensor<?xi32>) -> tensor<?xi32>
  %filled = linalg.fill ins(%c1_i32 : i32) outs(%empty_5 : tensor<?xi32>) -> tensor<?xi32>
  %filled_1 = linalg.fill ins(%c2_i32 : i32) outs(%empty_5 : tensor<?xi32>) -> tensor<?xi32>
  %keys = arith.addi %T, %T : index
  %keys_1 = arith.addi %keys, %T : index
  %keys_2 = tensor.concat dim(0) %zero_5, %filled, %filled_1 : (tensor<?xi32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?xi32>
  %empty_6 = tensor.empty(%keys_1) : tensor<?xi1>
  %visible = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%keys_2 : tensor<?xi32>) outs(%empty_6 : tensor<?xi1>) {
  ^bb0(%key: i32, %out: i1):
    %eq_3 = arith.cmpi eq, %key, %element : i32
    %eq_4 = arith.cmpi eq, %key, %element_1 : i32
    %or = arith.ori %eq_3, %eq_4 : i1
    linalg.yield %or : i1
  } -> tensor<?xi1>
  %chosen:2 = scf.if %selected -> (tensor<?x8xf32>, tensor<?x8xf32>) {
    %matmul_2 = linalg.matmul ins(%h, %p0.0.w : tensor<?x8xf32>, tensor<8x8xf32>) outs(%zero_2 : tensor<?x8xf32>) -> tensor<?x8xf32>
    %relu_1 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_2 : tensor<?x8xf32>) outs(%empty_2 : tensor<?x8xf32>) {
    ^bb0(%a: f32, %out: f32):
      %max = arith.maximumf %a, %f0.0 : f32
      linalg.yield %max : f32
    } -> tensor<?x8xf32>
    %after = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%h, %relu_1 : tensor<?x8xf32>, tensor<?x8xf32>) outs(%empty_2 : tensor<?x8xf32>) {
    ^bb0(%a: f32, %b: f32, %out: f32):
      %add = arith.addf %a, %b : f32
      linalg.yield %add : f32
    } -> tensor<?x8xf32>
    moe.tap "model0.stage0" %after : tensor<?x8xf32>
    %matmul_3 = linalg.matmul ins(%after, %p0.0.project : tensor<?x8xf32>, tensor<8x8xf32>) outs(%zero_2 : tensor<?x8xf32>) -> tensor<?x8xf32>
    scf.yield %after, %matmul_3 : tensor<?x8xf32>, tensor<?x8xf32>
  } else {
    scf.yield %h, %zero_2 : tensor<?x8xf32>, tensor<?x8xf32>
  }
  %chosen_1:2 = scf.if %selected_1 -> (tensor<?x12xf32>, tensor<?x8xf32>) {
    %matmul_2 = linalg.matmul ins(%h_1, %p1.0.w : tensor<?x12xf32>, tensor<12x12xf32>) outs(%zero_3 : tensor<?x12xf32>) -> tensor<?x12xf32>
    %relu_1 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_2 : tensor<?x12xf32>) outs(%empty_3 : tensor<?x12xf32>) {
    ^bb0(%a: f32, %out: f32):
      %max = arith.maximumf %a, %f0.0 : f32
      linalg.yield %max : f32
    } -> tensor<?x12xf32>
    %after = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%h_1, %relu_1 : tensor<?x12xf32>, tensor<?x12xf32>) outs(%empty_3 : tensor<?x12xf32>) {
    ^bb0(%a: f32, %b: f32, %out: f32):
      %add = arith.addf %a, %b : f32
      linalg.yield %add : f32
    } -> tensor<?x12xf32>
    moe.tap "model1.stage0" %after : tensor<?x12xf32>
    %matmul_3 = linalg.matmul ins(%after, %p1.0.project : tensor<?x12xf32>, tensor<12x8xf32>) outs(%zero_2 : tensor<?x8xf32>) -> tensor<?x8xf32>
    scf.yield %after, %matmul_3 : tensor<?x12xf32>, tensor<?x8xf32>
  } else {
    scf.yield %h_1, %zero_2 : tensor<?x12xf32>, tensor<?x8xf32>
  }
  %chosen_2:2 = scf.if %selected_2 -> (tensor<?x16xf32>, tensor<?x8xf32>) {
    %matmul_2 = linalg.matmul ins(%h_2, %p2.0.w : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %relu_1 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_2 : tensor<?x16xf32>) outs(%empty_4 : tensor<?x16xf32>) {
    ^bb0(%a: f32, %out: f32):
      %max = arith.maximumf %a, %f0.0 : f32
      linalg.yield %max : f32
    } -> tensor<?x16xf32>
    %after = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%h_2, %relu_1 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%empty_4 : tensor<?x16xf32>) {
    ^bb0(%a: f32, %b: f32, %out: f32):
      %add = arith.addf %a, %b : f32
      linalg.yield %add : f32
    } -> tensor<?x16xf32>
    moe.tap "model2.stage0" %after : tensor<?x16xf32>
    %matmul_3 = linalg.matmul ins(%after, %p2.0.project : tensor<?x16xf32>, tensor<16x8xf32>) outs(%zero_2 : tensor<?x8xf32>) -> tensor<?x8xf32>
    scf.yield %after, %matmul_3 : tensor<?x16xf32>, tensor<?x8xf32>
  } else {
    scf.yield %h_2, %zero_2 : tensor<?x16xf32>, tensor<?x8xf32>
  }
  %z = arith.addi %T, %T : index
  %z_1 = arith.addi %z, %T : index
  %z_2 = tensor.concat dim(0) %chosen#1, %chosen_1#1, %chosen_2#1 : (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %chosen_3 = scf.if %is_primary -> (tensor<?x8xf32>) {
    %empty_7 = tensor.empty(%T, %z_1) : tensor<?x?xf32>
    %zero_6 = linalg.fill ins(%f0.0 : f32) outs(%empty_7 : tensor<?x?xf32>) -> tensor<?x?xf32>
    %s = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%chosen#1, %z_2 : tensor<?x8xf32>, tensor<?x8xf32>) outs(%zero_6 : tensor<?x?xf32>) -> tensor<?x?xf32>
    %masked = linalg.generic {indexing_maps = [#ij, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%s, %visible : tensor<?x?xf32>, tensor<?xi1>) outs(%empty_7 : tensor<?x?xf32>) {
    ^bb0(%s_1: f32, %v: i1, %out: f32):
      %mul = arith.mulf %s_1, %f0.35355339059327373 : f32
      %select = arith.select %v, %mul, %f0xFF800000 : f32
      linalg.yield %select : f32
    } -> tensor<?x?xf32>
    %softmax = linalg.softmax dimension(1) ins(%masked : tensor<?x?xf32>) outs(%empty_7 : tensor<?x?xf32>) -> tensor<?x?xf32>
    %matmul_2 = linalg.matmul ins(%softmax, %z_2 : tensor<?x?xf32>, tensor<?x8xf32>) outs(%zero_2 : tensor<?x8xf32>) -> tensor<?x8xf32>
    %matmul_3 = linalg.matmul ins(%matmul_2, %p0.0.back : tensor<?x8xf32>, tensor<8x8xf32>) outs(%zero_2 : tensor<?x8xf32>) -> tensor<?x8xf32>
    %add = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%chosen#0, %matmul_3 : tensor<?x8xf32>, tensor<?x8xf32>) outs(%empty_2 : tensor<?x8xf32>) {
    ^bb0(%a: f32, %b: f32, %out: f32):
      %add_1 = arith.addf %a, %b : f32
      linalg.yield %add_1 : f32
    } -> tensor<?x8xf32>
    scf.yield %add : tensor<?x8xf32>
  } else {
    scf.yield %chosen#0 : tensor<?x8xf32>
  }
  %chosen_4 = scf.if %is_primary_1 -> (tensor<?x12xf32>) {
    %empty_7 = tensor.empty(%T, %z_1) : tensor<?x?xf32>
    %zero_6 = linalg.fill ins(%f0.0 : f32) outs(%empty_7 : tensor<?x?xf32>) -> tensor<?x?xf32>
    %s = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%chosen_1#1, %z_2 : tensor<?x8xf32>, tensor<?x8xf32>) outs(%zero_6 : tensor<?x?xf32>) -> tensor<?x?xf32>
    %masked = linalg.generic {indexing_maps = [#ij, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%s, %visible : tensor<?x?xf32>, tensor<?xi1>) outs(%empty_7 : tensor<?x?xf32>) {
    ^bb0(%s_1: f32, %v: i1, %out: f32):
      %mul = arith.mulf %s_1, %f0.35355339059327373 : f32
      %select = arith.select %v, %mul, %f0xFF800000 : f32
      linalg.yield %select : f32
    } -> tensor<?x?xf32>
    %softmax = linalg.softmax dimension(1) ins(%masked : tensor<?x?xf32>) outs(%empty_7 : tensor<?x?xf32>) -> tensor<?x?xf32>
    %matmul_2 = linalg.matmul ins(%softmax, %z_2 : tensor<?x?xf32>, tensor<?x8xf32>) outs(%zero_2 : tensor<?x8xf32>) -> tensor<?x8xf32>
    %matmul_3 = linalg.matmul ins(%matmul_2, %p1.0.back : tensor<?x8xf32>, tensor<8x12xf32>) outs(%zero_3 : tensor<?x12xf32>) -> tensor<?x12xf32>
    %add = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%chosen_1#0, %matmul_3 : tensor<?x12xf32>, tensor<?x12xf32>) outs(%empty_3 : tensor<?x12xf32>) {
    ^bb0(%a: f32, %b: f32, %out: f32):
      %add_1 = arith.addf %a, %b : f32
      linalg.yield %add_1 : f32
    } -> tensor<?x12xf32>
    scf.yield %add : tensor<?x12xf32>
  } else {
    scf.yield %chosen_1#0 : tensor<?x12xf32>
  }
  %chosen_5 = scf.if %is_primary_2 -> (tensor<?x16xf32>) {
    %empty_7 = tensor.empty(%T, %z_1) : tensor<?x?xf32>
    %zero_6 = linalg.fill ins(%f0.0 : f32) outs(%empty_7 : tensor<?x?xf32>) -> tensor<?x?xf32>
    %s = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%chosen_2#1, %z_2 : tensor<?x8xf32>, tensor<?x8xf32>) outs(%zero_6 : tensor<?x?xf32>) -> tensor<?x?xf32>
    %masked = linalg.generic {indexing_maps = [#ij, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%s, %visible : tensor<?x?xf32>, tensor<?xi1>) outs(%empty_7 : tensor<?x?xf32>) {
    ^bb0(%s_1: f32, %v: i1, %out: f32):
      %mul = arith.mulf %s_1, %f0.35355339059327373 : f32
      %select = arith.select %v, %mul, %f0xFF800000 : f32
      linalg.yield %select : f32
    } -> tensor<?x?xf32>
    %softmax = linalg.softmax dimension(1) ins(%masked : tensor<?x?xf32>) outs(%empty_7 : tensor<?x?xf32>) -> tensor<?x?xf32>
    %matmul_2 = linalg.matmul ins(%softmax, %z_2 : tensor<?x?xf32>, tensor<?x8xf32>) outs(%zero_2 : tensor<?x8xf32>) -> tensor<?x8xf32>
    %matmul_3 = linalg.matmul ins(%matmul_2, %p2.0.back : tensor<?x8xf32>, tensor<8x16xf32>) outs(%zero_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %add = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%chosen_2#0, %matmul_3 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%empty_4 : tensor<?x16xf32>) {
    ^bb0(%a: f32, %b: f32, %out: f32):
      %add_1 = arith.addf %a, %b : f32
      linalg.yield %add_1 : f32
    } -> tensor<?x16xf32>
    scf.yield %add : tensor<?x16xf32>
  } else {
    scf.yield %chosen_2#0 : tensor<?x16xf32>
  }
  %chosen_6:2 = scf.if %selected -> (tensor<?x8xf32>, tensor<?x8xf32>) {
    %matmul_2 = linalg.matmul ins(%chosen_3, %p0.1.w : tensor<?x8xf32>, tensor<8x8xf32>) outs(%zero_2 : tensor<?x8xf32>) -> tensor<?x8xf32>
    %relu_1 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_2 : tensor<?x8xf32>) outs(%empty_2 : tensor<?x8xf32>) {
    ^bb0(%a: f32, %out: f32):
      %max = arith.maximumf %a, %f0.0 : f32
      linalg.yield %max : f32
    } -> tensor<?x8xf32>
    %after = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%chosen_3, %relu_1 : tensor<?x8xf32>, tensor<?x8xf32>) outs(%empty_2 : tensor<?x8xf32>) {
    ^bb0(%a: f32, %b: f32, %out: f32):
      %add = arith.addf %a, %b : f32
      linalg.yield %add : f32
    } -> tensor<?x8xf32>
    moe.tap "model0.stage1" %after : tensor<?x8xf32>
    %matmul_3 = linalg.matmul ins(%after, %p0.1.project : tensor<?x8xf32>, tensor<8x8xf32>) outs(%zero_2 : tensor<?x8xf32>) -> tensor<?x8xf32>
    scf.yield %after, %matmul_3 : tensor<?x8xf32>, tensor<?x8xf32>
  } else {
    scf.yield %chosen_3, %zero_2 : tensor<?x8xf32>, tensor<?x8xf32>
  }
  %chosen_7:2 = scf.if %selected_1 -> (tensor<?x12xf32>, tensor<?x8xf32>) {
    %matmul_2 = linalg.matmul ins(%chosen_4, %p1.1.w : tensor<?x12xf32>, tensor<12x12xf32>) outs(%zero_3 : tensor<?x12xf32>) -> tensor<?x12xf32>
    %relu_1 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_2 : tensor<?x12xf32>) outs(%empty_3 : tensor<?x12xf32>) {
    ^bb0(%a: f32, %out: f32):
      %max = arith.maximumf %a, %f0.0 : f32
      linalg.yield %max : f32
    } -> tensor<?x12xf32>
    %after = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%chosen_4, %relu_1 : tensor<?x12xf32>, tensor<?x12xf32>) outs(%empty_3 : tensor<?x12xf32>) {
    ^bb0(%a: f32, %b: f32, %out: f32):
      %add = arith.addf %a, %b : f32
      linalg.yield %add : f32
    } -> tensor<?x12xf32>
    moe.tap "model1.stage1" %after : tensor<?x12xf32>
    %matmul_3 = linalg.matmul ins(%after, %p1.1.project : tensor<?x12xf32>, tensor<12x8xf32>) outs(%zero_2 : tensor<?x8xf32>) -> tensor<?x8xf32>
    scf.yield %after, %matmul_3 : tensor<?x12xf32>, tensor<?x8xf32>
  } else {
    scf.yield %chosen_4, %zero_2 : tensor<?x12xf32>, tensor<?x8xf32>
  }
  %chosen_8:2 = scf.if %selected_2 -> (tensor<?x16xf32>, tensor<?x8xf32>) {
    %matmul_2 = linalg.matmul ins(%chosen_5, %p2.1.w : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %relu_1 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_2 : tensor<?x16xf32>) outs(%empty_4 : tensor<?x16xf32>) {
    ^bb0(%a: f32, %out: f32):
      %max = arith.maximumf %a, %f0.0 : f32
      linalg.yield %max : f32
    } -> tensor<?x16xf32>
    %after = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%chosen_5, %relu_1 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%empty_4 : tensor<?x16xf32>) {
    ^bb0(%a: f32, %b: f32, %out: f32):
      %add = arith.addf %a, %b : f32
      linalg.yield %add : f32
    } -> tensor<?x16xf32>
    moe.tap "model2.stage1" %after : tensor<?x16xf32>
    %matmul_3 = linalg.matmul ins(%after, %p2.1.project : tensor<?x16xf32>, tensor<16x8xf32>) outs(%zero_2 : tensor<?x8xf32>) -> tensor<?x8xf32>
    scf.yield %after, %matmul_3 : tensor<?x16xf32>, tensor<?x8xf32>
  } else {
    scf.yield %chosen_5, %zero_2 : tensor<?x16xf32>, tensor<?x8xf32>
  }
  %z_3 = arith.addi %T, %T : index
  %z_4 = arith.addi %z_3, %T : index
  %z_5 = tensor.concat dim(0) %chosen_6#1, %chosen_7#1, %chosen_8#1 : (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %chosen_9 = scf.if %is_primary -> (tensor<?x8xf32>) {
    %empty_7 = tensor.empty(%T, %z_4) : tensor<?x?xf32>
    %zero_6 = linalg.fill ins(%f0.0 : f32) outs(%empty_7 : tensor<?x?xf32>) -> tensor<?x?xf32>
    %s = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%chosen_6#1, %z_5 : tensor<?x8xf32>, tensor<?x8xf32>) outs(%zero_6 : tensor<?x?xf32>) -> tensor<?x?xf32>
    %masked = linalg.generic {indexing_maps = [#ij, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%s, %visible : tensor<?x?xf32>, tensor<?xi1>) outs(%empty_7 : tensor<?x?xf32>) {
    ^bb0(%s_1: f32, %v: i1, %out: f32):
      %mul = arith.mulf %s_1, %f0.35355339059327373 : f32
      %select = arith.select %v, %mul, %f0xFF800000 : f32
      linalg.yield %select : f32
    } -> tensor<?x?xf32>
    %softmax = linalg.softmax dimension(1) ins(%masked : tensor<?x?xf32>) outs(%empty_7 : tensor<?x?xf32>) -> tensor<?x?xf32>
    %matmul_2 = linalg.matmul ins(%softmax, %z_5 : tensor<?x?xf32>, tensor<?x8xf32>) outs(%zero_2 : tensor<?x8xf32>) -> tensor<?x8xf32>
    %matmul_3 = linalg.matmul ins(%matmul_2, %p0.1.back : tensor<?x8xf32>, tensor<8x8xf32>) outs(%zero_2 : tensor<?x8xf32>) -> tensor<?x8xf32>
    %add = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%chosen_6#0, %matmul_3 : tensor<?x8xf32>, tensor<?x8xf32>) outs(%empty_2 : tensor<?x8xf32>) {
    ^bb0(%a: f32, %b: f32, %out: f32):
      %add_1 = arith.addf %a, %b : f32
      linalg.yield %add_1 : f32
    } -> tensor<?x8xf32>
    scf.yield %add : tensor<?x8xf32>
  } else {
    scf.yield %chosen_6#0 : tensor<?x8xf32>
  }
  %chosen_10 = scf.if %is_primary_1 -> (tensor<?x12xf32>) {
    %empty_7 = tensor.empty(%T, %z_4) : tensor<?x?xf32>
    %zero_6 = linalg.fill ins(%f0.0 : f32) outs(%empty_7 : tensor<?x?xf32>) -> tensor<?x?xf32>
    %s = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%chosen_7#1, %z_5 : tensor<?x8xf32>, tensor<?x8xf32>) outs(%zero_6 : tensor<?x?xf32>) -> tensor<?x?xf32>
    %masked = linalg.generic {indexing_maps = [#ij, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%s, %visible : tensor<?x?xf32>, tensor<?xi1>) outs(%empty_7 : tensor<?x?xf32>) {
    ^bb0(%s_1: f32, %v: i1, %out: f32):
      %mul = arith.mulf %s_1, %f0.35355339059327373 : f32
      %select = arith.select %v, %mul, %f0xFF800000 : f32
      linalg.yield %select : f32
    } -> tensor<?x?xf32>
    %softmax = linalg.softmax dimension(1) ins(%masked : tensor<?x?xf32>) outs(%empty_7 : tensor<?x?xf32>) -> tensor<?x?xf32>
    %matmul_2 = linalg.matmul ins(%softmax, %z_5 : tensor<?x?xf32>, tensor<?x8xf32>) outs(%zero_2 : tensor<?x8xf32>) -> tensor<?x8xf32>
    %matmul_3 = linalg.matmul ins(%matmul_2, %p1.1.back : tensor<?x8xf32>, tensor<8x12xf32>) outs(%zero_3 : tensor<?x12xf32>) -> tensor<?x12xf32>
    %add = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%chosen_7#0, %matmul_3 : tensor<?x12xf32>, tensor<?x12xf32>) outs(%empty_3 : tensor<?x12xf32>) {
    ^bb0(%a: f32, %b: f32, %out: f32):
      %add_1 = arith.addf %a, %b : f32
      linalg.yield %add_1 : f32
    } -> tensor<?x12xf32>
    scf.yield %add : tensor<?x12xf32>
  } else {
    scf.yield %chosen_7#0 : tensor<?x12xf32>
  }
  %chosen_11 = scf.if %is_primary_2 -> (tensor<?x16xf32>) {
    %empty_7 = tensor.empty(%T, %z_4) : tensor<?x?xf32>
    %zero_6 = linalg.fill ins(%f0.0 : f32) outs(%empty_7 : tensor<?x?xf32>) -> tensor<?x?xf32>
    %s = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%chosen_8#1, %z_5 : tensor<?x8xf32>, tensor<?x8xf32>) outs(%zero_6 : tensor<?x?xf32>) -> tensor<?x?xf32>
    %masked = linalg.generic {indexing_maps = [#ij, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%s, %visible : tensor<?x?xf32>, tensor<?xi1>) outs(%empty_7 : tensor<?x?xf32>) {
    ^bb0(%s_1: f32, %v: i1, %out: f32):
      %mul = arith.mulf %s_1, %f0.35355339059327373 : f32
      %select = arith.select %v, %mul, %f0xFF800000 : f32
      linalg.yield %select : f32
    } -> tensor<?x?xf32>
    %softmax = linalg.softmax dimension(1) ins(%masked : tensor<?x?xf32>) outs(%empty_7 : tensor<?x?xf32>) -> tensor<?x?xf32>
    %matmul_2 = linalg.matmul ins(%softmax, %z_5 : tensor<?x?xf32>, tensor<?x8xf32>) outs(%zero_2 : tensor<?x8xf32>) -> tensor<?x8xf32>
    %matmul_3 = linalg.matmul ins(%matmul_2, %p2.1.back : tensor<?x8xf32>, tensor<8x16xf32>) outs(%zero_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %add = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%chosen_8#0, %matmul_3 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%empty_4 : tensor<?x16xf32>) {
    ^bb0(%a: f32, %b: f32, %out: f32):
      %add_1 = arith.addf %a, %b : f32
      linalg.yield %add_1 : f32
    } -> tensor<?x16xf32>
    scf.yield %add : tensor<?x16xf32>
  } else {
    scf.yield %chosen_8#0 : tensor<?x16xf32>
  }
  %y = scf.if %is_primary -> (tensor<?x8xf32>) {
    %matmul_2 = linalg.matmul ins(%chosen_9, %p0.head : tensor<?x8xf32>, tensor<8x8xf32>) outs(%zero_2 : tensor<?x8xf32>) -> tensor<?x8xf32>
    scf.yield %matmul_2 : tensor<?x8xf32>
  } else {
    scf.yield %zero_2 : tensor<?x8xf32>
  }
  %y_1 = scf.if %is_primary_1 -> (tensor<?x8xf32>) {
    %matmul_2 = linalg.matmul ins(%chosen_10, %p1.head : tensor<?x12xf32>, tensor<12x8xf32>) outs(%zero_2 : tensor<?x8xf32>) -> tensor<?x8xf32>
    scf.yield %matmul_2 : tensor<?x8xf32>
  } else {
    scf.yield %y : tensor<?x8xf32>
  }
  %y_2 = scf.if %is_primary_2 -> (tensor<?x8xf32>) {
    %matmul_2 = linalg.matmul ins(%chosen_11, %p2.head : tensor<?x16xf32>, tensor<16x8xf32>) outs(%zero_2 : tensor<?x8xf32>) -> tensor<?x8xf32>
    scf.yield %matmul_2 : tensor<?x8xf32>
  } else {
    scf.yield %y_1 : tensor<?x8xf32>
  }
  return %y_2, %ids : tensor<?x8xf32>, tensor<1x2xi32>
}
