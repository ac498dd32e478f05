// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Draws one graph and writes it as MLIR text.

#ifndef MOEC_TEST_DIFFERENTIAL_GRAPHWRITER_H
#define MOEC_TEST_DIFFERENTIAL_GRAPHWRITER_H

#include "test/differential/Graph.h"
#include <cstdint>
#include <random>
#include <utility>

namespace moec::test {

using std::string;

inline string str(int64_t number) { return std::to_string(number); }

/// `tensor<?xNxT>`.
inline string rowsOf(int64_t columns, const string &element = "f32") {
  return "tensor<?x" + str(columns) + "x" + element + ">";
}

/// A value with its type.
struct Typed {
  string name, type;
};

/// A decision: the plan, and weights of its slots (none: no weights).
struct Decision {
  Typed plan, weights;
  int64_t slots;
};

class GraphWriter {
public:
  explicit GraphWriter(unsigned seed);

  Graph write();

private:
  int64_t pick(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(random() % (high - low + 1));
  }
  bool coin() { return random() % 2; }
  string pickOf(std::initializer_list<const char *> choices) {
    return choices.begin()[random() % choices.size()];
  }

  string fresh() { return "%v" + str(next++); }
  /// `%v = line`.
  Typed define(const string &line, const string &type);

  /// A parameter `tensor<shape x element>`, loaded where the function begins.
  Typed param(const string &shape, const string &std,
              const string &element = "f32");

  Typed empty(int64_t columns, const string &count,
              const string &element = "f32");
  Typed zeros(int64_t columns, const string &count);

  /// lhs [rows, k] by rhs [k, n], or [n, k] if `transposed`.
  Typed matmul(const Typed &lhs, const Typed &rhs, int64_t columns,
               const string &count, bool transposed);

  /// One operation on all elements: each input with its map; the body reads
  /// %a, %b, .. and yields %y.
  Typed map(const std::vector<std::pair<Typed, string>> &inputs,
            const Typed &out, const string &outMap, const string &body);
  static string elementOf(const string &type);

  /// %y of %a.
  string activation();

  // Routing (GraphRouting.cpp)

  /// Scores of `experts` columns. Those of few values are exact.
  Typed writeScores(const Typed &h, int64_t experts, bool &exact);

  void tap(const string &kind, const Typed &scores);

  string writeMask(int64_t experts);
  string writeSegments();
  /// A capacity: fixed or a part of the tokens.
  string writeCapacity();

  /// One number a row, 0.25 to 0.625 or 0 to 3.
  string writeRowParam(bool count);

  void returnIds(const Typed &value, const string &dims);

  Decision writeByExpert(const Typed &h, int64_t experts);

  Decision writeByToken(const Typed &h, int64_t experts);

  Typed writePlan(const Typed &chosen, int64_t experts, int64_t slots);

  /// Ids that another computation made: some out of range.
  Decision writeGiven(int64_t experts);

  // Experts (GraphExperts.cpp)

  /// A region's body over its rows, and the stacks that it reads.
  struct Body {
    int64_t kind, inner, slices;
    bool transposed;
    string activation;
    std::vector<Typed> stacks; ///< the parameters
    Typed shared;              ///< captured
    std::vector<string> shapes;
  };

  Body drawBody(int64_t slices);

  /// Writes the body on `r`; `slices` are its own.
  Typed writeBody(const Body &body, const Typed &r, const string &count,
                  const std::vector<Typed> &slices);

  Typed writeBank(const Decision &decision, const Typed &rows,
                  const Typed &second, int64_t experts);

  // Layers (Graph.cpp)

  Typed writeStage(const Typed &h);

  Typed writeLayer(const Typed &h, const Typed &init, const Decision &decision,
                   int64_t experts);

  /// The sum or the largest of each token's rows.
  Typed writeSlots(const Typed &outs, const Decision &decision);

  /// A layer some times over: the tokens that take part become fewer.
  Typed writeRecursion(const Typed &x);

  std::mt19937 random;
  string name, row, globals, loads, text, idsDims;
  Typed ids;
  int64_t hidden, next = 0;
  bool inLoop = false;
};

} // namespace moec::test

#endif // MOEC_TEST_DIFFERENTIAL_GRAPHWRITER_H
