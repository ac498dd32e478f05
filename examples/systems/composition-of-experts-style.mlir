// Composition of Experts: a classifier finds the category of a request, a table the
// model for the category, and the whole request goes to that model. Eight categories,
// three models of different sizes.
//
// Ids come from a table behind the selection, many categories to one model. The models
// are regions of their own widths; one that nobody needs does not run.
//
// Source: Composition of Experts, A Modular Compound AI System Leveraging Large
// Language Models. Where the models are kept, the paper's second subject, is not shown;
// the classifier's form is not verified.

#ij = affine_map<(i, j) -> (i, j)>

ml_program.global private @classify.w1(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<16x12xf32>
ml_program.global private @classify.w2(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<12x8xf32>
ml_program.global private @up0(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<1x16x8xf32>
ml_program.global private @down0(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<1x8x16xf32>
ml_program.global private @up1(#moe.random<seed = 5, std = 0.3 : f64>) : tensor<1x16x24xf32>
ml_program.global private @down1(#moe.random<seed = 6, std = 0.3 : f64>) : tensor<1x24x16xf32>
ml_program.global private @up2(#moe.random<seed = 7, std = 0.3 : f64>) : tensor<1x16x40xf32>
ml_program.global private @down2(#moe.random<seed = 8, std = 0.3 : f64>) : tensor<1x40x16xf32>

func.func @main(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["B", "16"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["B", "16"]},
        tensor<?x1xi32> {moe.name = "category", moe.dims = ["B", "1"]},
        tensor<?x1xi32> {moe.name = "ids", moe.dims = ["B", "1"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f0.5 = arith.constant 0.5 : f32
  %f0.7071067811865476 = arith.constant 0.7071067811865476 : f32
  %f1.0 = arith.constant 1.0 : f32
  %classify.w1 = ml_program.global_load_const @classify.w1 : tensor<16x12xf32>
  %classify.w2 = ml_program.global_load_const @classify.w2 : tensor<12x8xf32>
  %up0 = ml_program.global_load_const @up0 : tensor<1x16x8xf32>
  %down0 = ml_program.global_load_const @down0 : tensor<1x8x16xf32>
  %up1 = ml_program.global_load_const @up1 : tensor<1x16x24xf32>
  %down1 = ml_program.global_load_const @down1 : tensor<1x24x16xf32>
  %up2 = ml_program.global_load_const @up2 : tensor<1x16x40xf32>
  %down2 = ml_program.global_load_const @down2 : tensor<1x40x16xf32>
  %B = tensor.dim %x, %c0 : tensor<?x16xf32>
  %table = arith.constant dense<[0, 1, 1, 2, 0, 2, 1, 0]> : tensor<8xi32>
  %empty = tensor.empty(%B) : tensor<?x12xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x12xf32>) -> tensor<?x12xf32>
  %matmul = linalg.matmul ins(%x, %classify.w1 : tensor<?x16xf32>, tensor<16x12xf32>) outs(%zero : tensor<?x12xf32>) -> tensor<?x12xf32>
  %relu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul : tensor<?x12xf32>) outs(%empty : tensor<?x12xf32>) {
  ^bb0(%a: f32, %out: f32):
    %max = arith.maximumf %a, %f0.0 : f32
    linalg.yield %max : f32
  } -> tensor<?x12xf32>
  %empty_1 = tensor.empty(%B) : tensor<?x8xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %s = linalg.matmul ins(%relu, %classify.w2 : tensor<?x12xf32>, tensor<12x8xf32>) outs(%zero_1 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %category = moe.select #moe.top_k<1> scores(%s : tensor<?x8xf32>) -> tensor<?x1xi32>
  %empty_2 = tensor.empty(%B) : tensor<?x1xi32>
  %ids = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%category : tensor<?x1xi32>) outs(%empty_2 : tensor<?x1xi32>) {
  ^bb0(%category_1: i32, %out: i32):
    %cast = arith.index_cast %category_1 : i32 to index
    %element = tensor.extract %table[%cast] : tensor<8xi32>
    linalg.yield %element : i32
  } -> tensor<?x1xi32>
  %plan = moe.plan %ids : tensor<?x1xi32> -> !moe.plan<experts = 3, slots = 1>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 3, slots = 1> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%up0, %down0, %up1, %down1, %up2, %down2 : tensor<1x16x8xf32>, tensor<1x8x16xf32>, tensor<1x16x24xf32>, tensor<1x24x16xf32>, tensor<1x16x40xf32>, tensor<1x40x16xf32>) members = [0, 1, 2] slot = [0, 0, 0] : !moe.plan<experts = 3, slots = 1> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %up0_1: tensor<16x8xf32>, %down0_1: tensor<8x16xf32>, %up1_1: tensor<16x24xf32>, %down1_1: tensor<24x16xf32>, %up2_1: tensor<16x40xf32>, %down2_1: tensor<40x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x8xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x8xf32>) -> tensor<?x8xf32>
    %matmul_1 = linalg.matmul ins(%x_1, %up0_1 : tensor<?x16xf32>, tensor<16x8xf32>) outs(%zero_2 : tensor<?x8xf32>) -> tensor<?x8xf32>
    %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_1 : tensor<?x8xf32>) outs(%empty_3 : tensor<?x8xf32>) {
    ^bb0(%a: f32, %out: f32):
      %mul = arith.mulf %f0.5, %a : f32
      %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
      %erf = math.erf %mul_1 : f32
      %add = arith.addf %f1.0, %erf : f32
      %mul_2 = arith.mulf %mul, %add : f32
      linalg.yield %mul_2 : f32
    } -> tensor<?x8xf32>
    %empty_4 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_2 = linalg.matmul ins(%gelu, %down0_1 : tensor<?x8xf32>, tensor<8x16xf32>) outs(%zero_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %add = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%x_1, %matmul_2 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%empty_4 : tensor<?x16xf32>) {
    ^bb0(%a: f32, %b: f32, %out: f32):
      %add_1 = arith.addf %a, %b : f32
      linalg.yield %add_1 : f32
    } -> tensor<?x16xf32>
    moe.yield %add : tensor<?x16xf32>
  }, {
  ^bb0(%x_1: tensor<?x16xf32>, %up0_1: tensor<16x8xf32>, %down0_1: tensor<8x16xf32>, %up1_1: tensor<16x24xf32>, %down1_1: tensor<24x16xf32>, %up2_1: tensor<16x40xf32>, %down2_1: tensor<40x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_1 = linalg.matmul ins(%x_1, %up1_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_2 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_1 : tensor<?x24xf32>) outs(%empty_3 : tensor<?x24xf32>) {
    ^bb0(%a: f32, %out: f32):
      %mul = arith.mulf %f0.5, %a : f32
      %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
      %erf = math.erf %mul_1 : f32
      %add = arith.addf %f1.0, %erf : f32
      %mul_2 = arith.mulf %mul, %add : f32
      linalg.yield %mul_2 : f32
    } -> tensor<?x24xf32>
    %empty_4 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_2 = linalg.matmul ins(%gelu, %down1_1 : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %add = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%x_1, %matmul_2 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%empty_4 : tensor<?x16xf32>) {
    ^bb0(%a: f32, %b: f32, %out: f32):
      %add_1 = arith.addf %a, %b : f32
      linalg.yield %add_1 : f32
    } -> tensor<?x16xf32>
    moe.yield %add : tensor<?x16xf32>
  }, {
  ^bb0(%x_1: tensor<?x16xf32>, %up0_1: tensor<16x8xf32>, %down0_1: tensor<8x16xf32>, %up1_1: tensor<16x24xf32>, %down1_1: tensor<24x16xf32>, %up2_1: tensor<16x40xf32>, %down2_1: tensor<40x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x40xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x40xf32>) -> tensor<?x40xf32>
    %matmul_1 = linalg.matmul ins(%x_1, %up2_1 : tensor<?x16xf32>, tensor<16x40xf32>) outs(%zero_2 : tensor<?x40xf32>) -> tensor<?x40xf32>
    %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_1 : tensor<?x40xf32>) outs(%empty_3 : tensor<?x40xf32>) {
    ^bb0(%a: f32, %out: f32):
      %mul = arith.mulf %f0.5, %a : f32
      %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
      %erf = math.erf %mul_1 : f32
      %add = arith.addf %f1.0, %erf : f32
      %mul_2 = arith.mulf %mul, %add : f32
      linalg.yield %mul_2 : f32
    } -> tensor<?x40xf32>
    %empty_4 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_2 = linalg.matmul ins(%gelu, %down2_1 : tensor<?x40xf32>, tensor<40x16xf32>) outs(%zero_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %add = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%x_1, %matmul_2 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%empty_4 : tensor<?x16xf32>) {
    ^bb0(%a: f32, %b: f32, %out: f32):
      %add_1 = arith.addf %a, %b : f32
      linalg.yield %add_1 : f32
    } -> tensor<?x16xf32>
    moe.yield %add : tensor<?x16xf32>
  }
  %empty_3 = tensor.empty(%B) : tensor<?x16xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %y = moe.combine add %outs by %plan init(%zero_2 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 3, slots = 1> -> tensor<?x16xf32>
  return %y, %category, %ids : tensor<?x16xf32>, tensor<?x1xi32>, tensor<?x1xi32>
}
