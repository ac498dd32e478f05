// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/differential/Routing.h"
#include "test/differential/Layer.h"
#include <random>

namespace moec::test {

static const char *const kInputs = R"mlir(
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %two = arith.constant 2.0 : f32
  %three = arith.constant 3.0 : f32
  %t = tensor.dim %x, %c0 : tensor<?x$Exf32>
  %empty = tensor.empty(%t) : tensor<?x$Exf32>
  %scores = linalg.softmax dimension(1) ins(%x : tensor<?x$Exf32>) outs(%empty : tensor<?x$Exf32>) -> tensor<?x$Exf32>
  %rough = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]}
    ins(%x : tensor<?x$Exf32>) outs(%empty : tensor<?x$Exf32>) {
  ^bb0(%v: f32, %o: f32):
    %twice = arith.mulf %v, %two : f32
    %q = math.floor %twice : f32
    %nan = arith.divf %zero, %zero : f32
    %high = arith.cmpf oge, %q, %three : f32
    %r = arith.select %high, %nan, %q : f32
    linalg.yield %r : f32
  } -> tensor<?x$Exf32>
  %emask = tensor.empty(%t) : tensor<?x$Exi1>
  %mask = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]}
    ins(%x : tensor<?x$Exf32>) outs(%emask : tensor<?x$Exi1>) {
  ^bb0(%v: f32, %o: i1):
    %neg = arith.negf %one : f32
    %above = arith.cmpf ogt, %v, %neg : f32
    linalg.yield %above : i1
  } -> tensor<?x$Exi1>
  %ei = tensor.empty(%t) : tensor<?xi32>
  %segments = linalg.generic {indexing_maps = [#one], iterator_types = ["parallel"]}
    outs(%ei : tensor<?xi32>) {
  ^bb0(%o: i32):
    %i = linalg.index 0 : index
    %seven = arith.constant 7 : index
    %run = arith.divui %i, %seven : index
    %part = arith.remui %run, %c2 : index
    %int = arith.index_cast %part : index to i32
    %minus = arith.constant -5 : i32
    %s = arith.muli %int, %minus : i32
    linalg.yield %s : i32
  } -> tensor<?xi32>
  %ef = tensor.empty(%t) : tensor<?xf32>
  %numbers = linalg.generic {indexing_maps = [#first, #one], iterator_types = ["parallel"]}
    ins(%x : tensor<?x$Exf32>) outs(%ef : tensor<?xf32>) {
  ^bb0(%v: f32, %o: f32):
    %a = math.absf %v : f32
    linalg.yield %a : f32
  } -> tensor<?xf32>
  %counts = linalg.generic {indexing_maps = [#first, #one], iterator_types = ["parallel"]}
    ins(%x : tensor<?x$Exf32>) outs(%ei : tensor<?xi32>) {
  ^bb0(%v: f32, %o: i32):
    %twice = arith.mulf %v, %two : f32
    %n = arith.fptosi %twice : f32 to i32
    linalg.yield %n : i32
  } -> tensor<?xi32>
  %fixed = arith.constant 3 : i32
  %halfIndex = arith.ceildivui %t, %c2 : index
  %half = arith.index_cast %halfIndex : index to i32
  %some = arith.cmpi ugt, %t, %c0 : index
  %unknown = scf.if %some -> i32 {
    %v = tensor.extract %counts[%c0] : tensor<?xi32>
    %c = arith.addi %v, %fixed : i32
    scf.yield %c : i32
  } else {
    scf.yield %fixed : i32
  }
  %ee = tensor.empty() : tensor<$Exi32>
  %each = linalg.generic {indexing_maps = [#one], iterator_types = ["parallel"]}
    outs(%ee : tensor<$Exi32>) {
  ^bb0(%o: i32):
    %i = linalg.index 0 : index
    %int = arith.index_cast %i : index to i32
    %minus = arith.constant -1 : i32
    %n = arith.addi %int, %minus : i32
    linalg.yield %n : i32
  } -> tensor<$Exi32>
)mlir";

static const char *const kExperts = R"mlir(
  %outs = moe.experts %plan rows(%rows : tensor<?x$Exf32>) params(%vector : tensor<$Ex$Exf32>)
      : !plan -> tensor<?x$Exf32> {
  ^bb0(%r: tensor<?x$Exf32>, %slice: tensor<$Exf32>, %expert: index):
    %n = tensor.dim %r, %c0 : tensor<?x$Exf32>
    %er = tensor.empty(%n) : tensor<?x$Exf32>
    %y = linalg.generic {indexing_maps = [#all, #column, #all], iterator_types = ["parallel", "parallel"]}
      ins(%r, %slice : tensor<?x$Exf32>, tensor<$Exf32>) outs(%er : tensor<?x$Exf32>) {
    ^bb0(%v: f32, %f: f32, %o: f32):
      %m = arith.mulf %v, %f : f32
      linalg.yield %m : f32
    } -> tensor<?x$Exf32>
    moe.yield %y : tensor<?x$Exf32>
  }
)mlir";

std::string print(const Routing &routing) {
  bool byExpert = !routing.selectTokens.empty();
  std::string text = R"mlir(
#all = affine_map<(r, c) -> (r, c)>
#column = affine_map<(r, c) -> (c)>
#one = affine_map<(r) -> (r)>
#first = affine_map<(r) -> (r, 0)>
!plan = !moe.plan<experts = $E, slots = $S>
ml_program.global private @vector(#moe.random<seed = 5, std = 1.0 : f64>) : tensor<$Ex$Exf32>
func.func @"layers.0.moe"(%x: tensor<?x$Exf32> {moe.name = "hidden_states", moe.dims = ["T", "$E"]})
    -> (tensor<?x$Exf32> {moe.name = "moe_out", moe.dims = ["T", "$E"]},
        $IDS, tensor<?x$Sxf32> {moe.name = "weights", moe.dims = ["T", "$S"]}) {
)mlir" + std::string(kInputs) +
                     R"mlir(
  %vector = ml_program.global_load_const @vector : tensor<$Ex$Exf32>
  $DECISION
  %rows = moe.dispatch %x by %plan : tensor<?x$Exf32>, !plan -> tensor<?x$Exf32>
)mlir" + kExperts + R"mlir(
  %z0 = linalg.fill ins(%one : f32) outs(%empty : tensor<?x$Exf32>) -> tensor<?x$Exf32>
  %sum = moe.combine add %outs by %plan weights(%w : tensor<?x$Sxf32>) init(%z0 : tensor<?x$Exf32>)
    : tensor<?x$Exf32>, !plan -> tensor<?x$Exf32>
  return %sum, $RESULT, %w : tensor<?x$Exf32>, $TYPE, tensor<?x$Sxf32>
}
)mlir";
  std::string decision = byExpert ? routing.selectTokens + R"mlir(
  %plan = moe.plan by_expert %ids tokens(%t) : tensor<$Ex$Cxi32> -> !plan
  %w = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]}
    ins(%chosen : tensor<?x$Exi1>) outs(%empty : tensor<?x$Exf32>) {
  ^bb0(%v: i1, %o: f32):
    %f = arith.select %v, %two, %zero : f32
    linalg.yield %f : f32
  } -> tensor<?x$Exf32>)mlir"
                                  : routing.select + R"mlir(
  %plan = moe.plan %kept : tensor<?x$Kxi32> -> !plan
  %w = moe.weigh none %scores, %kept : tensor<?x$Exf32>, tensor<?x$Kxi32> -> tensor<?x$Kxf32>)mlir";
  std::string type = byExpert ? "tensor<$Ex$Cxi32>" : "tensor<?x$Kxi32>";
  std::string dims = byExpert ? R"(["$E", "$N"])" : R"(["T", "$K"])";
  replaceAll(text, "$DECISION", decision);
  replaceAll(text, "$IDS",
             type + " {moe.name = \"ids\", moe.dims = " + dims + "}");
  replaceAll(text, "$RESULT", byExpert ? "%ids" : "%kept");
  replaceAll(text, "$TYPE", type);
  replaceAll(text, "$S", byExpert ? "$E" : "$K");
  replaceAll(text, "$N", routing.capacity == "?" ? "T" : routing.capacity);
  replaceAll(text, "$C", routing.capacity);
  replaceAll(text, "$E", std::to_string(routing.experts));
  replaceAll(text, "$K", std::to_string(routing.slots));
  return text;
}

Routing drawRouting(unsigned seed) {
  std::mt19937 random(seed);
  auto pick = [&](std::initializer_list<const char *> choices) {
    return std::string(choices.begin()[random() % choices.size()]);
  };
  Routing routing;
  routing.experts = 4 + random() % 6;
  routing.slots = 1 + random() % 4;
  std::string scores = pick({"%scores", "%rough"});
  std::string mask = pick({"", "mask(%mask : tensor<?x$Exi1>)"});
  std::string segments = pick({"", "segments(%segments : tensor<?xi32>)"});
  if (random() % 2) {
    routing.capacity = pick({"?", "?", "2", "16"});
    routing.selectTokens =
        "%ids, %chosen = moe.select_tokens " + pick({"position ", "score "}) +
        scores + " capacity(" +
        pick({"%fixed : i32", "%half : i32", "%unknown : i32",
              "%each : tensor<$Exi32>"}) +
        ") " + mask + " " + segments +
        " : tensor<?x$Exf32> -> tensor<$Ex$Cxi32>, tensor<?x$Exi1>";
    return routing;
  }
  std::string policy = pick(
      {"top_k<$K>|", "top_k<?, max = $K>|params(%counts : tensor<?xi32>)",
       "top_k<?, max = $K>|params(%unknown : i32)",
       "top_p<0.6, inclusive, max = $K>|", "top_p<0.6, exclusive, max = $K>|",
       "top_p<?, inclusive, max = $K>|params(%numbers : tensor<?xf32>)",
       "top_p<?, exclusive, min = 1, max = $K>|params(%numbers : "
       "tensor<?xf32>)",
       "threshold<0.2, max = $K>|",
       "threshold<?, max = $K>|params(%numbers : tensor<?xf32>)"});
  size_t bar = policy.find('|');
  routing.select = "%ids = moe.select #moe." + policy.substr(0, bar) +
                   " scores(" + scores + " : tensor<?x$Exf32>) " + mask +
                   policy.substr(bar + 1) + " -> tensor<?x$Kxi32>\n  ";
  std::string order =
      pick({"none", "slot", "token", "score", "random", "random"});
  if (order == "none") {
    replaceAll(routing.select, "%ids", "%kept");
    return routing;
  }
  routing.select +=
      "%kept = moe.limit " + order + " %ids capacity(" +
      pick({"%fixed", "%half", "%unknown"}) + ")" +
      (order == "score" ? " priority(%rank : tensor<?x$Kxf32>) " : " ") +
      segments + " experts = $E " +
      (order == "random" ? "{seed = 42 : i64} " : "") +
      ": tensor<?x$Kxi32> -> tensor<?x$Kxi32>";
  if (order == "score")
    routing.select.insert(
        routing.select.find("%kept"),
        "%rank = moe.weigh none %rough, %ids : tensor<?x$Exf32>, "
        "tensor<?x$Kxi32> -> tensor<?x$Kxf32>\n  ");
  return routing;
}

} // namespace moec::test
