// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/differential/GraphWriter.h"

namespace moec::test {

static const char *const kMaps = R"mlir(
#all = affine_map<(r, c) -> (r, c)>
#column = affine_map<(r, c) -> (c)>
#row = affine_map<(r, c) -> (r)>
#one = affine_map<(r) -> (r)>
#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs = affine_map<(m, n, k) -> (n, k)>
#out = affine_map<(m, n, k) -> (m, n)>
)mlir";

static constexpr const char *kConstants = R"mlir(
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c4 = arith.constant 4 : index
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %two = arith.constant 2.0 : f32
  %three = arith.constant 3.0 : f32
)mlir";

GraphWriter::GraphWriter(unsigned seed)
    : random(seed * 2654435761u + 1), name("g" + str(seed)) {
  const int64_t sizes[] = {8, 12, 16, 33};
  hidden = sizes[pick(0, 3)];
  row = rowsOf(hidden);
}

Graph GraphWriter::write() {
  Typed h = {"%x", row};
  int64_t kind = pick(0, 5);
  if (kind == 0)
    h = writeRecursion(h);
  else
    for (int64_t stage = 0, n = kind == 1 ? 2 : 1; stage < n; ++stage)
      h = writeStage(h);
  string head =
      "func.func @" + name + "(%x: " + row +
      " {moe.name = \"x\", moe.dims = [\"T\", \"" + str(hidden) + "\"]}) -> (" +
      row + " {moe.name = \"y\", moe.dims = [\"T\", \"" + str(hidden) + "\"]}";
  string back = "  return " + h.name;
  string backTypes = h.type;
  if (!ids.name.empty()) {
    head +=
        ", " + ids.type + " {moe.name = \"ids\", moe.dims = " + idsDims + "}";
    back += ", " + ids.name;
    backTypes += ", " + ids.type;
  }
  return {name, globals,
          head + ") {\n" + kConstants + "  %t = tensor.dim %x, %c0 : " + row +
              "\n" + loads + text + back + " : " + backTypes + "\n}\n"};
}

Typed GraphWriter::writeStage(const Typed &h) {
  int64_t experts = pick(2, 8);
  Decision decision = pick(0, 9) == 0   ? writeGiven(experts)
                      : pick(0, 3) == 0 ? writeByExpert(h, experts)
                                        : writeByToken(h, experts);
  Typed y = writeLayer(h, h, decision, experts);
  if (pick(0, 5))
    return y;
  // Another plan beside it.
  Decision other = writeByToken(h, experts);
  return writeLayer(h, y, other, experts);
}

Typed GraphWriter::writeLayer(const Typed &h, const Typed &init,
                              const Decision &decision, int64_t experts) {
  string with = " by " + decision.plan.name;
  string weights = decision.weights.name.empty()
                       ? ""
                       : " weights(" + decision.weights.name + " : " +
                             decision.weights.type + ")";
  bool early = !weights.empty() && pick(0, 4) == 0;
  Typed rows =
      define("moe.dispatch " + h.name + with + (early ? weights : "") + " : " +
                 row + ", " + decision.plan.type + " -> " + row,
             row);
  Typed second;
  if (pick(0, 3) == 0) {
    Typed e = define("tensor.empty(%t) : tensor<?xf32>", "tensor<?xf32>");
    Typed positions = map({}, e, "#one",
                          "    %i = linalg.index 0 : index\n"
                          "    %m = arith.remui %i, %c4 : index\n"
                          "    %k = arith.index_cast %m : index to i32\n"
                          "    %y = arith.sitofp %k : i32 to f32\n");
    second =
        define("moe.dispatch " + positions.name + with + " : tensor<?xf32>, " +
                   decision.plan.type + " -> tensor<?xf32>",
               "tensor<?xf32>");
  }
  Typed outs = writeBank(decision, rows, second, experts);
  if (pick(0, 4) == 0) // a chain of two banks on one plan
    outs = writeBank(decision, outs, {}, experts);
  if (pick(0, 5) == 0)
    return writeSlots(outs, decision);
  Typed base = coin() ? init : zeros(hidden, "%t");
  return define("moe.combine " + pickOf({"add ", "add ", "replace "}) +
                    outs.name + with + (early ? "" : weights) + " init(" +
                    base.name + " : " + row + ") : " + row + ", " +
                    decision.plan.type + " -> " + row,
                row);
}

Typed GraphWriter::writeSlots(const Typed &outs, const Decision &decision) {
  string type = "tensor<?x" + str(decision.slots) + "x" + str(hidden) + "xf32>";
  Typed e = define("tensor.empty(%t) : " + type, type);
  Typed z = define("linalg.fill ins(%zero : f32) outs(" + e.name + " : " +
                       type + ") -> " + type,
                   type);
  Typed s = define("moe.slots " + outs.name + " by " + decision.plan.name +
                       " init(" + z.name + " : " + type + ") : " + row + ", " +
                       decision.plan.type + " -> " + type,
                   type);
  Typed sum = zeros(hidden, "%t");
  return define("linalg.reduce { " + pickOf({"arith.addf", "arith.maximumf"}) +
                    " } ins(" + s.name + " : " + type + ") outs(" + sum.name +
                    " : " + row + ") dimensions = [1]",
                row);
}

Typed GraphWriter::writeRecursion(const Typed &x) {
  inLoop = true;
  bool shrinking = coin();
  Typed alive0 = map({}, empty(1, "%t", "i1"), "#all",
                     "    %y = arith.cmpf oeq, %one, %one : f32\n");
  string count =
      define("arith.constant " + str(pick(2, 3)) + " : index", "index").name;
  string results = fresh(), h = fresh(), alive = fresh(), i = fresh();
  text += "  " + results + ":2 = scf.for " + i + " = %c0 to " + count +
          " step %c1 iter_args(" + h + " = " + x.name + ", " + alive + " = " +
          alive0.name + ") -> (" + row + ", tensor<?x1xi1>) {\n";
  Typed y;
  string mark = alive;
  if (shrinking) {
    bool exact;
    Typed scores = writeScores({h, row}, 1, exact);
    tap("columns", scores);
    string capacity = writeCapacity(), segments = writeSegments();
    string type = "tensor<1x?xi32>", value = fresh();
    mark = fresh();
    text += "  " + value + ", " + mark + " = moe.select_tokens position " +
            scores.name + " capacity(" + capacity + " : i32) mask(" + alive +
            " : tensor<?x1xi1>) " + segments + ": " + scores.type + " -> " +
            type + ", tensor<?x1xi1>\n";
    string planType = "!moe.plan<experts = 1, slots = 1>";
    Typed plan = define("moe.plan by_expert " + value +
                            " tokens(%t) : " + type + " -> " + planType,
                        planType);
    y = writeLayer({h, row}, {h, row}, {plan, scores, 1}, 1);
  } else {
    y = writeStage({h, row});
  }
  text += "    scf.yield " + y.name + ", " + mark + " : " + row +
          ", tensor<?x1xi1>\n  }\n";
  inLoop = false;
  return {results + "#0", row};
}

Graph drawGraph(unsigned seed) { return GraphWriter(seed).write(); }

std::string print(const std::vector<Graph> &graphs) {
  string text = kMaps;
  for (const Graph &graph : graphs)
    text += graph.globals;
  for (const Graph &graph : graphs)
    text += graph.function;
  return text;
}

} // namespace moec::test
