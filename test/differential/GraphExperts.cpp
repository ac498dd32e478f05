// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Banks of experts.

#include "test/differential/GraphWriter.h"

namespace moec::test {

GraphWriter::Body GraphWriter::drawBody(int64_t slices) {
  Body body{pick(0, 9), pick(1, 24), slices, coin(), activation(), {}, {}, {}};
  string h = str(hidden), f = str(body.inner);
  string d = pickOf({"f32", "f32", "bf16"});
  auto stack = [&](const string &shape, const string &element = "f32") {
    body.shapes.push_back("tensor<" + shape + "x" + element + ">");
    body.stacks.push_back(param(str(slices) + "x" + shape, "0.3", element));
  };
  string up = body.transposed ? f + "x" + h : h + "x" + f;
  string down = body.transposed ? h + "x" + f : f + "x" + h;
  switch (body.kind) {
  case 1: // rows scaled by a vector
  case 2: // a vector
    stack(h);
    break;
  case 3: // a matrix
    stack(h + "x" + h, d);
    break;
  case 4: // gated
    stack(up, d);
    stack(up, d);
    stack(down, d);
    break;
  case 5: // two layers with a bias
    stack(up);
    stack(f);
    stack(down);
    break;
  case 7: // low rank on a shared base
    body.shared = param(h + "x" + h, "0.3");
    [[fallthrough]];
  case 6: // low rank
    body.inner = pick(1, 4);
    stack(str(body.inner) + "x" + h);
    stack(str(body.inner) + "x" + h);
    break;
  case 8: // rank 1
    stack(h);
    stack(h);
    break;
  default: // 0: identity, 9: rows scaled by the expert's id
    break;
  }
  return body;
}

Typed GraphWriter::writeBody(const Body &body, const Typed &r,
                             const string &count,
                             const std::vector<Typed> &slices) {
  const string multiply = "    %y = arith.mulf %a, %b : f32\n";
  const string add = "    %y = arith.addf %a, %b : f32\n";
  switch (body.kind) {
  case 1:
    return map({{r, "#all"}, {slices[0], "#column"}}, empty(hidden, count),
               "#all", multiply);
  case 2: {
    Typed e = empty(hidden, count);
    return define("linalg.broadcast ins(" + slices[0].name + " : " +
                      slices[0].type + ") outs(" + e.name + " : " + e.type +
                      ") dimensions = [0]",
                  e.type);
  }
  case 3:
    return matmul(r, slices[0], hidden, count, body.transposed);
  case 4: {
    Typed g = matmul(r, slices[0], body.inner, count, body.transposed);
    Typed u = matmul(r, slices[1], body.inner, count, body.transposed);
    Typed a =
        map({{g, "#all"}}, empty(body.inner, count), "#all", body.activation);
    Typed m = map({{a, "#all"}, {u, "#all"}}, empty(body.inner, count), "#all",
                  multiply);
    return matmul(m, slices[2], hidden, count, body.transposed);
  }
  case 5: {
    Typed u = matmul(r, slices[0], body.inner, count, body.transposed);
    Typed b = map({{u, "#all"}, {slices[1], "#column"}},
                  empty(body.inner, count), "#all", add);
    Typed a =
        map({{b, "#all"}}, empty(body.inner, count), "#all", body.activation);
    return matmul(a, slices[2], hidden, count, body.transposed);
  }
  case 6:
  case 7: {
    Typed low = matmul(r, slices[0], body.inner, count, true);
    Typed y = matmul(low, slices[1], hidden, count, false);
    if (body.kind == 6)
      return y;
    Typed base = matmul(r, body.shared, hidden, count, false);
    return map({{base, "#all"}, {y, "#all"}}, empty(hidden, count), "#all",
               add);
  }
  case 8: {
    Typed p = map({{r, "#all"}, {slices[0], "#column"}}, empty(hidden, count),
                  "#all", multiply);
    Typed e =
        define("tensor.empty(" + count + ") : tensor<?xf32>", "tensor<?xf32>");
    Typed z = define("linalg.fill ins(%zero : f32) outs(" + e.name +
                         " : tensor<?xf32>) -> tensor<?xf32>",
                     e.type);
    Typed s =
        define("linalg.reduce { arith.addf } ins(" + p.name + " : " + p.type +
                   ") outs(" + z.name + " : tensor<?xf32>) dimensions = [1]",
               z.type);
    Typed a = map({{s, "#one"}}, e, "#one", body.activation);
    return map({{a, "#row"}, {slices[1], "#column"}}, empty(hidden, count),
               "#all", multiply);
  }
  case 9: {
    Typed i = define("arith.index_cast %expert : index to i32", "i32");
    Typed f = define("arith.sitofp " + i.name + " : i32 to f32", "f32");
    return map({{r, "#all"}}, empty(hidden, count), "#all",
               "    %y = arith.mulf %a, " + f.name + " : f32\n");
  }
  default:
    return r;
  }
}

Typed GraphWriter::writeBank(const Decision &decision, const Typed &rows,
                             const Typed &second, int64_t experts) {
  bool members = coin();
  int64_t regions = members ? pick(1, 3) : 1;
  std::vector<Body> bodies;
  for (int64_t i = 0; i < regions; ++i)
    bodies.push_back(drawBody(members ? pick(1, experts) : experts));
  string names, types;
  for (const Body &body : bodies)
    for (const Typed &stack : body.stacks) {
      names += (names.empty() ? "" : ", ") + stack.name;
      types += (types.empty() ? "" : ", ") + stack.type;
    }
  string line = "moe.experts " + decision.plan.name + " rows(" + rows.name +
                (second.name.empty() ? "" : ", " + second.name) + " : " +
                rows.type + (second.name.empty() ? "" : ", " + second.type) +
                ") " +
                (names.empty() ? "" : "params(" + names + " : " + types + ") ");
  if (members) {
    string region, slot;
    for (int64_t e = 0; e < experts; ++e) {
      int64_t member = pick(-1, regions - 1);
      region += (e ? ", " : "") + str(member);
      slot += (e ? ", " : "") +
              str(member < 0 ? 0 : pick(0, bodies[member].slices - 1));
    }
    line += "members = [" + region + "] slot = [" + slot + "] ";
  }
  line += ": " + decision.plan.type + " -> " + row;
  string outside;
  std::swap(outside, text);
  string all;
  for (size_t i = 0; i < bodies.size(); ++i) {
    text.clear();
    string r = fresh(), p = fresh(), arguments = r + ": " + row;
    if (!second.name.empty())
      arguments += ", " + p + ": " + second.type;
    std::vector<Typed> own;
    for (size_t j = 0; j < bodies.size(); ++j)
      for (const string &shape : bodies[j].shapes) {
        Typed slice = {fresh(), shape};
        arguments += ", " + slice.name + ": " + shape;
        if (i == j)
          own.push_back(slice);
      }
    string count = define("tensor.dim " + r + ", %c0 : " + row, "index").name;
    Typed y = writeBody(bodies[i], {r, row}, count, own);
    if (!second.name.empty())
      y = map({{y, "#all"}, {{p, second.type}, "#row"}}, empty(hidden, count),
              "#all", "    %y = arith.mulf %a, %b : f32\n");
    all += string(i ? ", {\n" : " {\n") + "  ^bb0(" + arguments +
           ", %expert: index):\n" + text + "    moe.yield " + y.name + " : " +
           y.type + "\n  }";
  }
  text = outside;
  return define(line + all, row);
}

} // namespace moec::test
