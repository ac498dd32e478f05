// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operations of linear algebra as text.

#include "test/differential/GraphWriter.h"

namespace moec::test {

Typed GraphWriter::define(const string &line, const string &type) {
  string value = fresh();
  text += "  " + value + " = " + line + "\n";
  return {value, type};
}

Typed GraphWriter::param(const string &shape, const string &std,
                         const string &element) {
  string symbol = "@" + name + "_" + str(next++);
  string type = "tensor<" + shape + "x" + element + ">";
  globals += "ml_program.global private " + symbol +
             "(#moe.random<seed = " + str(pick(1, 1000000)) + ", std = " + std +
             " : f64>) : " + type + "\n";
  string value = fresh();
  loads += "  " + value + " = ml_program.global_load_const " + symbol + " : " +
           type + "\n";
  return {value, type};
}

Typed GraphWriter::empty(int64_t columns, const string &count,
                         const string &element) {
  string type = rowsOf(columns, element);
  return define("tensor.empty(" + count + ") : " + type, type);
}

Typed GraphWriter::zeros(int64_t columns, const string &count) {
  Typed e = empty(columns, count);
  return define("linalg.fill ins(%zero : f32) outs(" + e.name + " : " + e.type +
                    ") -> " + e.type,
                e.type);
}

Typed GraphWriter::matmul(const Typed &lhs, const Typed &rhs, int64_t columns,
                          const string &count, bool transposed) {
  Typed z = zeros(columns, count);
  return define(
      "linalg.matmul " +
          string(transposed ? "indexing_maps = [#lhs, #rhs, #out] " : "") +
          "ins(" + lhs.name + ", " + rhs.name + " : " + lhs.type + ", " +
          rhs.type + ") outs(" + z.name + " : " + z.type + ") -> " + z.type,
      z.type);
}

Typed GraphWriter::map(const std::vector<std::pair<Typed, string>> &inputs,
                       const Typed &out, const string &outMap,
                       const string &body) {
  string maps, names, types, arguments;
  char letter = 'a';
  for (const auto &[input, mapName] : inputs) {
    string comma = names.empty() ? "" : ", ";
    maps += mapName + ", ";
    names += comma + input.name;
    types += comma + input.type;
    arguments += string("%") + letter++ + ": " + elementOf(input.type) + ", ";
  }
  string ins = inputs.empty() ? "" : "ins(" + names + " : " + types + ") ";
  string iterators =
      outMap == "#one" ? "\"parallel\"" : "\"parallel\", \"parallel\"";
  return define("linalg.generic {indexing_maps = [" + maps + outMap +
                    "], iterator_types = [" + iterators + "]} " + ins +
                    "outs(" + out.name + " : " + out.type + ") {\n  ^bb0(" +
                    arguments + "%o: " + elementOf(out.type) + "):\n" + body +
                    "    linalg.yield %y : " + elementOf(out.type) +
                    "\n  } -> " + out.type,
                out.type);
}

string GraphWriter::elementOf(const string &type) {
  size_t x = type.rfind('x');
  return type.substr(x + 1, type.size() - x - 2);
}

string GraphWriter::activation() {
  return pickOf({
      "    %n = arith.negf %a : f32\n    %e = math.exp %n : f32\n"
      "    %d = arith.addf %one, %e : f32\n    %y = arith.divf %a, %d : "
      "f32\n",
      "    %y = arith.maximumf %a, %zero : f32\n",
      "    %y = math.tanh %a : f32\n",
      "    %e = math.absf %a : f32\n    %y = arith.mulf %a, %e : f32\n",
  });
}

} // namespace moec::test
