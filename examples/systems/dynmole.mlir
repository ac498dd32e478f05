// DynMoLE: a token that is unsure uses all adapters, a sure one few. If the Tsallis
// entropy of its probabilities is above a bound, all 6 low-rank adapters are selected;
// otherwise those whose probabilities sum up to 0.6, without the one that crosses it,
// but the best two at least. Weights are not renormalised.
//
// Both cases are one selection by top-p with a limit for each token. The entropic index
// and the bound are parameters that the host sets.
//
// Source: DynMoLE, Boosting Mixture of LoRA Experts Fine-Tuning with a Hybrid Routing
// Mechanism; its code in moe_peft.

#ij = affine_map<(i, j) -> (i, j)>
#ij_0 = affine_map<(i, j) -> (0)>
#i = affine_map<(i) -> (i)>
#i_0 = affine_map<(i) -> (0)>

ml_program.global private mutable @q(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<1xf32>
ml_program.global private mutable @tau(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<1xf32>
ml_program.global private @router(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<16x6xf32>
ml_program.global private @a(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<6x16x2xf32>
ml_program.global private @b(#moe.random<seed = 5, std = 0.3 : f64>) : tensor<6x2x20xf32>
ml_program.global private @base(#moe.random<seed = 6, std = 0.3 : f64>) : tensor<16x20xf32>

func.func @main(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]})
    -> (tensor<?x20xf32> {moe.name = "y", moe.dims = ["T", "20"]},
        tensor<?x6xi32> {moe.name = "ids", moe.dims = ["T", "6"]},
        tensor<?xf32> {moe.name = "entropy", moe.dims = ["T"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f1.0 = arith.constant 1.0 : f32
  %f2.0 = arith.constant 2.0 : f32
  %f0.6 = arith.constant 0.6 : f32
  %q = ml_program.global_load @q : tensor<1xf32>
  %tau = ml_program.global_load @tau : tensor<1xf32>
  %router = ml_program.global_load_const @router : tensor<16x6xf32>
  %a = ml_program.global_load_const @a : tensor<6x16x2xf32>
  %b = ml_program.global_load_const @b : tensor<6x2x20xf32>
  %base = ml_program.global_load_const @base : tensor<16x20xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%T) : tensor<?x6xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x6xf32>) -> tensor<?x6xf32>
  %matmul = linalg.matmul ins(%x, %router : tensor<?x16xf32>, tensor<16x6xf32>) outs(%zero : tensor<?x6xf32>) -> tensor<?x6xf32>
  %p = linalg.softmax dimension(1) ins(%matmul : tensor<?x6xf32>) outs(%empty : tensor<?x6xf32>) -> tensor<?x6xf32>
  %map = linalg.generic {indexing_maps = [#ij, #ij_0, #ij], iterator_types = ["parallel", "parallel"]} ins(%p, %q : tensor<?x6xf32>, tensor<1xf32>) outs(%empty : tensor<?x6xf32>) {
  ^bb0(%p_1: f32, %q_1: f32, %out: f32):
    %log = math.log %p_1 : f32
    %mul = arith.mulf %q_1, %log : f32
    %exp = math.exp %mul : f32
    linalg.yield %exp : f32
  } -> tensor<?x6xf32>
  %empty_1 = tensor.empty(%T) : tensor<?xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?xf32>) -> tensor<?xf32>
  %powers = linalg.reduce { arith.addf } ins(%map : tensor<?x6xf32>) outs(%zero_1 : tensor<?xf32>) dimensions = [1]
  %entropy = linalg.generic {indexing_maps = [#i, #i_0, #i], iterator_types = ["parallel"]} ins(%powers, %q : tensor<?xf32>, tensor<1xf32>) outs(%empty_1 : tensor<?xf32>) {
  ^bb0(%sum: f32, %q_1: f32, %out: f32):
    %sub = arith.subf %f1.0, %sum : f32
    %sub_1 = arith.subf %q_1, %f1.0 : f32
    %div = arith.divf %sub, %sub_1 : f32
    linalg.yield %div : f32
  } -> tensor<?xf32>
  %limit = linalg.generic {indexing_maps = [#i, #i_0, #i], iterator_types = ["parallel"]} ins(%entropy, %tau : tensor<?xf32>, tensor<1xf32>) outs(%empty_1 : tensor<?xf32>) {
  ^bb0(%h: f32, %tau_1: f32, %out: f32):
    %gt = arith.cmpf ogt, %h, %tau_1 : f32
    %mul = arith.mulf %h, %f0.0 : f32
    %add = arith.addf %mul, %f2.0 : f32
    %select = arith.select %gt, %add, %f0.6 : f32
    linalg.yield %select : f32
  } -> tensor<?xf32>
  %ids = moe.select #moe.top_p<?, exclusive, min = 2, max = 6> scores(%p : tensor<?x6xf32>) params(%limit : tensor<?xf32>) -> tensor<?x6xi32>
  %w = moe.weigh none %p, %ids {scale = 2.0 : f64} : tensor<?x6xf32>, tensor<?x6xi32> -> tensor<?x6xf32>
  %plan = moe.plan %ids : tensor<?x6xi32> -> !moe.plan<experts = 6, slots = 6>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 6, slots = 6> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%a, %b : tensor<6x16x2xf32>, tensor<6x2x20xf32>) : !moe.plan<experts = 6, slots = 6> -> tensor<?x20xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %a_1: tensor<16x2xf32>, %b_1: tensor<2x20xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_2 = tensor.empty(%count) : tensor<?x2xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x2xf32>) -> tensor<?x2xf32>
    %matmul_1 = linalg.matmul ins(%x_1, %a_1 : tensor<?x16xf32>, tensor<16x2xf32>) outs(%zero_2 : tensor<?x2xf32>) -> tensor<?x2xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x20xf32>
    %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x20xf32>) -> tensor<?x20xf32>
    %matmul_2 = linalg.matmul ins(%matmul_1, %b_1 : tensor<?x2xf32>, tensor<2x20xf32>) outs(%zero_3 : tensor<?x20xf32>) -> tensor<?x20xf32>
    moe.yield %matmul_2 : tensor<?x20xf32>
  }
  %empty_2 = tensor.empty(%T) : tensor<?x20xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x20xf32>) -> tensor<?x20xf32>
  %matmul_1 = linalg.matmul ins(%x, %base : tensor<?x16xf32>, tensor<16x20xf32>) outs(%zero_2 : tensor<?x20xf32>) -> tensor<?x20xf32>
  %y = moe.combine add %outs by %plan weights(%w : tensor<?x6xf32>) init(%matmul_1 : tensor<?x20xf32>) : tensor<?x20xf32>, !moe.plan<experts = 6, slots = 6> -> tensor<?x20xf32>
  return %y, %ids, %entropy : tensor<?x20xf32>, tensor<?x6xi32>, tensor<?xf32>
}
