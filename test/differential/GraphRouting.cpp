// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Scores and decisions.

#include "test/differential/GraphWriter.h"

namespace moec::test {

Typed GraphWriter::writeScores(const Typed &h, int64_t experts, bool &exact) {
  exact = h.name == "%x" && experts <= hidden && pick(0, 3) == 0;
  if (exact) {
    string type = rowsOf(experts);
    Typed part = define("tensor.extract_slice %x[0, 0] [%t, " + str(experts) +
                            "] [1, 1] : " + row + " to " + type,
                        type);
    return map({{part, "#all"}}, empty(experts, "%t"), "#all",
               "    %q = arith.mulf %a, %two : f32\n"
               "    %f = math.floor %q : f32\n"
               "    %n = arith.divf %zero, %zero : f32\n"
               "    %g = arith.cmpf oge, %f, %three : f32\n"
               "    %y = arith.select %g, %n, %f : f32\n");
  }
  bool transposed = coin();
  Typed router = param(transposed ? str(experts) + "x" + str(hidden)
                                  : str(hidden) + "x" + str(experts),
                       "0.4", pickOf({"f32", "f32", "bf16"}));
  Typed logits = matmul(h, router, experts, "%t", transposed);
  switch (pick(0, 3)) {
  case 0: {
    Typed e = empty(experts, "%t");
    return define("linalg.softmax dimension(1) ins(" + logits.name + " : " +
                      logits.type + ") outs(" + e.name + " : " + e.type +
                      ") -> " + e.type,
                  e.type);
  }
  case 1:
    return map({{logits, "#all"}}, empty(experts, "%t"), "#all",
               "    %n = arith.negf %a : f32\n    %e = math.exp %n : f32\n"
               "    %d = arith.addf %one, %e : f32\n"
               "    %y = arith.divf %one, %d : f32\n");
  case 2: {
    Typed bias = param(str(experts), "0.3");
    return map({{logits, "#all"}, {bias, "#column"}}, empty(experts, "%t"),
               "#all", "    %y = arith.addf %a, %b : f32\n");
  }
  default:
    return logits;
  }
}

void GraphWriter::tap(const string &kind, const Typed &scores) {
  text += "  moe.tap \"" + name + "." + str(next++) + "." + kind + "\" " +
          scores.name + " : " + scores.type + "\n";
}

string GraphWriter::writeMask(int64_t experts) {
  if (pick(0, 2))
    return "";
  Typed mask = map({}, empty(experts, "%t", "i1"), "#all",
                   "    %i = linalg.index 0 : index\n"
                   "    %j = linalg.index 1 : index\n"
                   "    %s = arith.addi %i, %j : index\n"
                   "    %m = arith.remui %s, %c4 : index\n"
                   "    %y = arith.cmpi ne, %m, %c0 : index\n");
  return "mask(" + mask.name + " : " + mask.type + ") ";
}

string GraphWriter::writeSegments() {
  if (pick(0, 2))
    return "";
  Typed e = define("tensor.empty(%t) : tensor<?xi32>", "tensor<?xi32>");
  Typed segments = map({}, e, "#one",
                       "    %i = linalg.index 0 : index\n"
                       "    %m = arith.remui %i, %c2 : index\n"
                       "    %y = arith.index_cast %m : index to i32\n");
  return "segments(" + segments.name + " : tensor<?xi32>) ";
}

string GraphWriter::writeCapacity() {
  if (coin())
    return define("arith.constant " + str(pick(0, 5)) + " : i32", "i32").name;
  Typed half = define(
      "arith.ceildivui %t, " + pickOf({"%c2", "%c4"}) + " : index", "index");
  return define("arith.index_cast " + half.name + " : index to i32", "i32")
      .name;
}

string GraphWriter::writeRowParam(bool count) {
  string type = count ? "tensor<?xi32>" : "tensor<?xf32>";
  Typed e = define("tensor.empty(%t) : " + type, type);
  string body = "    %i = linalg.index 0 : index\n"
                "    %m = arith.remui %i, %c4 : index\n"
                "    %k = arith.index_cast %m : index to i32\n";
  if (count)
    body +=
        "    %z = arith.constant 0 : i32\n    %y = arith.addi %k, %z : i32\n";
  else
    body += "    %f = arith.sitofp %k : i32 to f32\n"
            "    %s = arith.constant 0.125 : f32\n"
            "    %l = arith.constant 0.25 : f32\n"
            "    %q = arith.mulf %f, %s : f32\n"
            "    %y = arith.addf %q, %l : f32\n";
  return "params(" + map({}, e, "#one", body).name + " : " + type + ") ";
}

void GraphWriter::returnIds(const Typed &value, const string &dims) {
  if (!ids.name.empty() || inLoop)
    return;
  ids = value;
  idsDims = dims;
}

Decision GraphWriter::writeByExpert(const Typed &h, int64_t experts) {
  bool exact;
  Typed scores = writeScores(h, experts, exact);
  if (!exact)
    tap("columns", scores);
  string width = pickOf({"?", "?", "3", "16"});
  string type = "tensor<" + str(experts) + "x" + width + "xi32>";
  string capacity = writeCapacity(), mask = writeMask(experts),
         segments = writeSegments();
  string chosen = rowsOf(experts, "i1");
  string value = fresh(), mark = fresh();
  text += "  " + value + ", " + mark + " = moe.select_tokens " +
          pickOf({"position ", "score "}) + scores.name + " capacity(" +
          capacity + " : i32) " + mask + segments + ": " + scores.type +
          " -> " + type + ", " + chosen + "\n";
  returnIds({value, type}, "[\"" + str(experts) + "\", \"" +
                               (width == "?" ? "T" : width) + "\"]");
  string planType =
      "!moe.plan<experts = " + str(experts) + ", slots = " + str(experts) + ">";
  Typed plan = define("moe.plan by_expert " + value + " tokens(%t) : " + type +
                          " -> " + planType,
                      planType);
  Typed weights = scores;
  if (coin())
    weights = map({{{mark, chosen}, "#all"}}, empty(experts, "%t"), "#all",
                  "    %y = arith.select %a, %two, %zero : f32\n");
  return {plan, weights, experts};
}

Decision GraphWriter::writeByToken(const Typed &h, int64_t experts) {
  bool exact;
  Typed scores = writeScores(h, experts, exact);
  int64_t slots = pick(1, std::min<int64_t>(4, experts));
  string k = str(slots);
  string policy, params, numbers;
  switch (pick(0, 10)) {
  case 0:
    policy = "top_k<?, max = " + k + ">";
    params = writeRowParam(true);
    break;
  case 1: {
    policy = "top_k<?, max = " + k + ">";
    params = "params(" + writeCapacity() + " : i32) ";
    break;
  }
  case 2:
    policy = "top_p<0.6, " + pickOf({"inclusive", "exclusive"}) +
             pickOf({"", ", min = 1"}) + ", max = " + k + ">";
    numbers = ":0.6";
    break;
  case 3:
    policy =
        "top_p<?, " + pickOf({"inclusive", "exclusive"}) + ", max = " + k + ">";
    params = writeRowParam(false);
    numbers = ":0.25:0.375:0.5:0.625";
    break;
  case 4:
    policy = "threshold<0.2, max = " + k + ">";
    numbers = ":0.2";
    break;
  case 5:
    policy = "threshold<?, max = " + k + ">";
    params = writeRowParam(false);
    numbers = ":0.25:0.375:0.5:0.625";
    break;
  case 6:
    policy = slots == 1 ? "ranks<[1]>" : "ranks<[0, 1]>";
    slots = slots == 1 ? 1 : 2;
    break;
  case 7:
    if (experts % 2 == 0 && slots <= experts / 2) {
      policy = "grouped_top_k<" + k + ", groups = 2, kept = 1" +
               (experts >= 4 ? pickOf({"", ", score = sum2"}) : "") + ">";
      break;
    }
    [[fallthrough]];
  default:
    policy = "top_k<" + k + ">";
  }
  if (!exact)
    tap("rows" + numbers, scores);
  string type = rowsOf(slots, "i32");
  bool grouped = policy.rfind("grouped", 0) == 0;
  string mask = grouped ? "" : writeMask(experts);
  Typed chosen =
      define("moe.select #moe." + policy + " scores(" + scores.name + " : " +
                 scores.type + ") " + mask + params + "-> " + type,
             type);
  if (pick(0, 3) == 0) {
    string order = pickOf({"slot", "token", "random", "score"});
    string rank;
    if (order == "score") {
      Typed w =
          define("moe.weigh none " + scores.name + ", " + chosen.name + " : " +
                     scores.type + ", " + type + " -> " + rowsOf(slots),
                 rowsOf(slots));
      if (!exact)
        tap("columns", w);
      rank = "priority(" + w.name + " : " + w.type + ") ";
    }
    string capacity = writeCapacity(), segments = writeSegments();
    chosen = define("moe.limit " + order + " " + chosen.name + " capacity(" +
                        capacity + ") " + rank + segments +
                        "experts = " + str(experts) +
                        (order == "random" ? " {seed = 7 : i64}" : "") + " : " +
                        type + " -> " + type,
                    type);
  }
  returnIds(chosen, "[\"T\", \"" + str(slots) + "\"]");
  string norm = exact ? pickOf({"none", "softmax", "constant"})
                      : pickOf({"none", "softmax", "constant", "lp"});
  string attributes =
      norm == "lp"
          ? " {eps = 0.25 : f64}"
          : pickOf({"", " {scale = 2.5 : f64}", " {fill = 0.5 : f64}"});
  Typed weights = define("moe.weigh " + norm + " " + scores.name + ", " +
                             chosen.name + attributes + " : " + scores.type +
                             ", " + type + " -> " + rowsOf(slots),
                         rowsOf(slots));
  return {writePlan(chosen, experts, slots), weights, slots};
}

Typed GraphWriter::writePlan(const Typed &chosen, int64_t experts,
                             int64_t slots) {
  string type =
      "!moe.plan<experts = " + str(experts) + ", slots = " + str(slots) + ">";
  return define("moe.plan " + chosen.name + " : " + chosen.type + " -> " + type,
                type);
}

Decision GraphWriter::writeGiven(int64_t experts) {
  int64_t slots = pick(1, 3);
  Typed chosen = map({}, empty(slots, "%t", "i32"), "#all",
                     "    %i = linalg.index 0 : index\n"
                     "    %j = linalg.index 1 : index\n"
                     "    %d = arith.muli %j, %c2 : index\n"
                     "    %s = arith.addi %i, %d : index\n"
                     "    %n = arith.constant " +
                         str(experts + 1) +
                         " : index\n"
                         "    %m = arith.remui %s, %n : index\n"
                         "    %y = arith.index_cast %m : index to i32\n");
  return {writePlan(chosen, experts, slots), {}, slots};
}

} // namespace moec::test
