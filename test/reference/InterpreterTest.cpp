// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Upstream operations against numbers computed by hand.

#include "test/reference/Harness.h"
#include <cmath>
#include <gtest/gtest.h>

using namespace moec::reference;

namespace {
using Ids = std::vector<int64_t>;
using Reals = std::vector<double>;

/// The one result of @main, or nothing with the errors as a test failure.
Tensor runMain(llvm::StringRef text, llvm::ArrayRef<Tensor> arguments) {
  Program program(text);
  auto results = program.run(arguments);
  EXPECT_EQ(results.size(), 1u) << program.getErrors();
  return results.empty() ? Tensor{} : results[0];
}

std::string errorOf(llvm::StringRef text, llvm::ArrayRef<Tensor> arguments,
                    const Host &host = {}) {
  Program program(text);
  EXPECT_TRUE(program.run(arguments, host).empty());
  return program.getErrors();
}

TEST(Linalg, MatmulOfTransposedBf16) {
  Tensor y =
      runMain(R"(
    func.func @main(%x: tensor<?x2xf32>, %w: tensor<3x2xbf16>, %z: tensor<?x3xf32>) -> tensor<?x3xf32> {
      %y = linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
        ins(%x, %w : tensor<?x2xf32>, tensor<3x2xbf16>) outs(%z : tensor<?x3xf32>) -> tensor<?x3xf32>
      return %y : tensor<?x3xf32>
    })",
              {reals({2, 2}, {1, 2, 3, 4}), reals({3, 2}, {1, 0, 0, 1, 2, -1}),
               reals({2, 3}, {0, 0, 0, 10, 10, 10})});
  EXPECT_EQ(realsOf(y), (Reals{1, 2, 0, 13, 14, 12}));
}

// A sum is computed in double and rounded once: 1 + 2^-25 + 2^-25 + .. reaches
// the next float, which f32 steps never would.
TEST(Linalg, SumsAreRoundedOnce) {
  const char *text = R"(
    func.func @main(%x: tensor<?xf32>, %z: tensor<f32>) -> tensor<f32> {
      %y = linalg.reduce ins(%x : tensor<?xf32>) outs(%z : tensor<f32>) dimensions = [0]
        (%a: f32, %b: f32) {
          %s = arith.addf %a, %b : f32
          linalg.yield %s : f32
        }
      return %y : tensor<f32>
    })";
  double small = std::ldexp(1.0, -25);
  Tensor y = runMain(
      text, {reals({4}, {small, small, small, small}), reals({}, {1.0})});
  EXPECT_EQ(realsOf(y), (Reals{1.0 + std::ldexp(1.0, -23)}));
}

TEST(Linalg, TruncationInABodyRounds) {
  Tensor y = runMain(R"(
    func.func @main(%x: tensor<1xf32>) -> tensor<1xf32> {
      %y = linalg.map ins(%x : tensor<1xf32>) outs(%x : tensor<1xf32>) (%a: f32, %o: f32) {
        %t = arith.truncf %a : f32 to bf16
        %e = arith.extf %t : bf16 to f32
        linalg.yield %e : f32
      }
      return %y : tensor<1xf32>
    })",
                     {reals({1}, {1.0 + std::ldexp(1.0, -9)})});
  EXPECT_EQ(realsOf(y), (Reals{1.0}));
}

TEST(Linalg, IndexAndBroadcastAndScalarInput) {
  Tensor y = runMain(
      R"(
    func.func @main(%x: tensor<2xf32>, %s: f32, %o: tensor<2x3xf32>) -> tensor<2x3xf32> {
      %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i)>, affine_map<(i, j) -> ()>, affine_map<(i, j) -> (i, j)>],
                           iterator_types = ["parallel", "parallel"]}
        ins(%x, %s : tensor<2xf32>, f32) outs(%o : tensor<2x3xf32>) {
      ^bb0(%a: f32, %b: f32, %c: f32):
        %j = linalg.index 1 : index
        %k = arith.index_cast %j : index to i32
        %f = arith.sitofp %k : i32 to f32
        %m = arith.mulf %f, %b : f32
        %r = arith.addf %a, %m : f32
        linalg.yield %r : f32
      } -> tensor<2x3xf32>
      return %y : tensor<2x3xf32>
    })",
      {reals({2}, {1, 2}), reals({}, {10}), reals({2, 3}, {0, 0, 0, 0, 0, 0})});
  EXPECT_EQ(realsOf(y), (Reals{1, 11, 21, 2, 12, 22}));
}

TEST(Linalg, BodyWithControlFlowAndGather) {
  Tensor y = runMain(
      R"(
    func.func @main(%x: tensor<3xf32>, %i: tensor<2xi32>, %o: tensor<2xf32>) -> tensor<2xf32> {
      %zero = arith.constant 0.0 : f32
      %c0 = arith.constant 0 : i32
      %y = linalg.map ins(%i : tensor<2xi32>) outs(%o : tensor<2xf32>) (%id: i32, %out: f32) {
        %ok = arith.cmpi sge, %id, %c0 : i32
        %v = scf.if %ok -> f32 {
          %at = arith.index_cast %id : i32 to index
          %e = tensor.extract %x[%at] : tensor<3xf32>
          scf.yield %e : f32
        } else {
          scf.yield %zero : f32
        }
        linalg.yield %v : f32
      }
      return %y : tensor<2xf32>
    })",
      {reals({3}, {1, 2, 3}), integers({2}, {2, -1}), reals({2}, {7, 7})});
  EXPECT_EQ(realsOf(y), (Reals{3, 0}));
}

TEST(Linalg, Softmax) {
  const char *text = R"(
    func.func @main(%x: tensor<2x2xf64>, %o: tensor<2x2xf64>) -> tensor<2x2xf64> {
      %y = linalg.softmax dimension(0) ins(%x : tensor<2x2xf64>) outs(%o : tensor<2x2xf64>) -> tensor<2x2xf64>
      return %y : tensor<2x2xf64>
    })";
  Tensor y = runMain(text, {reals({2, 2}, {0, 1000, std::log(3.0), 1000}),
                            reals({2, 2}, {0, 0, 0, 0})});
  ASSERT_EQ(y.data.size(), 4u);
  EXPECT_NEAR(y.data[0].real, 0.25, 1e-15);
  EXPECT_NEAR(y.data[1].real, 0.5, 1e-15);
  EXPECT_NEAR(y.data[2].real, 0.75, 1e-15);
}

TEST(Linalg, OperandsThatDoNotFit) {
  EXPECT_EQ(errorOf(R"(
    func.func @main(%x: tensor<?x2xf32>, %w: tensor<2x?xf32>, %z: tensor<?x?xf32>) -> tensor<?x?xf32> {
      %y = linalg.matmul ins(%x, %w : tensor<?x2xf32>, tensor<2x?xf32>) outs(%z : tensor<?x?xf32>) -> tensor<?x?xf32>
      return %y : tensor<?x?xf32>
    })",
                    {reals({2, 2}, {1, 2, 3, 4}), reals({2, 1}, {1, 1}),
                     reals({1, 1}, {0})}),
            "'linalg.matmul' op reads past an operand of shape [1, 1]\n");
}

TEST(Linalg, NoRows) {
  Tensor y = runMain(R"(
    func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
      %y = linalg.exp ins(%x : tensor<?x2xf32>) outs(%x : tensor<?x2xf32>) -> tensor<?x2xf32>
      return %y : tensor<?x2xf32>
    })",
                     {reals({0, 2}, {})});
  EXPECT_TRUE(y.data.empty());
}

TEST(Tensors, SlicesAndConcat) {
  Tensor y = runMain(R"(
    func.func @main(%x: tensor<3x4xf32>, %n: index) -> tensor<?x3xf32> {
      %a = tensor.extract_slice %x[%n, 0] [2, 2] [1, 2] : tensor<3x4xf32> to tensor<2x2xf32>
      %b = tensor.extract_slice %x[0, 3] [2, 1] [1, 1] : tensor<3x4xf32> to tensor<2x1xf32>
      %c = tensor.concat dim(1) %a, %b : (tensor<2x2xf32>, tensor<2x1xf32>) -> tensor<2x3xf32>
      %row = tensor.extract_slice %x[2, 1] [1, 3] [1, 1] : tensor<3x4xf32> to tensor<3xf32>
      %d = tensor.insert_slice %row into %c[1, 0] [1, 3] [1, 1] : tensor<3xf32> into tensor<2x3xf32>
      %y = tensor.cast %d : tensor<2x3xf32> to tensor<?x3xf32>
      return %y : tensor<?x3xf32>
    })",
                     {reals({3, 4}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}),
                      integers({}, {1})});
  EXPECT_EQ(y.shape, (llvm::SmallVector<int64_t>{2, 3}));
  EXPECT_EQ(realsOf(y), (Reals{4, 6, 3, 9, 10, 11}));
}

TEST(Tensors, SliceOutOfBounds) {
  EXPECT_EQ(errorOf(R"(
    func.func @main(%x: tensor<3xf32>, %n: index) -> tensor<2xf32> {
      %a = tensor.extract_slice %x[%n] [2] [1] : tensor<3xf32> to tensor<2xf32>
      return %a : tensor<2xf32>
    })",
                    {reals({3}, {0, 1, 2}), integers({}, {2})}),
            "'tensor.extract_slice' op expects a slice within [3], got offsets "
            "[2], sizes [2], strides [1]\n");
}

TEST(Tensors, ShapesPadGenerateSplat) {
  Tensor y = runMain(R"(
    func.func @main(%x: tensor<2x2xf32>, %n: index) -> tensor<3x4xf32> {
      %zero = arith.constant 9.0 : f32
      %flat = tensor.collapse_shape %x [[0, 1]] : tensor<2x2xf32> into tensor<4xf32>
      %wide = tensor.expand_shape %flat [[0, 1]] output_shape [1, 4] : tensor<4xf32> into tensor<1x4xf32>
      %p = tensor.pad %wide low[1, 0] high[0, 0] {
      ^bb0(%i: index, %j: index):
        tensor.yield %zero : f32
      } : tensor<1x4xf32> to tensor<2x4xf32>
      %g = tensor.generate %n {
      ^bb0(%i: index, %j: index):
        %k = arith.index_cast %j : index to i32
        %f = arith.sitofp %k : i32 to f32
        tensor.yield %f : f32
      } : tensor<?x4xf32>
      %gs = tensor.cast %g : tensor<?x4xf32> to tensor<1x4xf32>
      %y = tensor.concat dim(0) %p, %gs : (tensor<2x4xf32>, tensor<1x4xf32>) -> tensor<3x4xf32>
      return %y : tensor<3x4xf32>
    })",
                     {reals({2, 2}, {1, 2, 3, 4}), integers({}, {1})});
  EXPECT_EQ(realsOf(y), (Reals{9, 9, 9, 9, 1, 2, 3, 4, 0, 1, 2, 3}));
}

TEST(Scalars, IntegersWrapAndCompareBySign) {
  Tensor y = runMain(R"(
    func.func @main(%a: i32, %b: i32) -> tensor<6xi32> {
      %sum = arith.addi %a, %b : i32
      %quotient = arith.divui %b, %a : i32
      %shift = arith.shrui %b, %a : i32
      %less = arith.cmpi ult, %b, %a : i32
      %lessI = arith.extui %less : i1 to i32
      %signed = arith.cmpi slt, %b, %a : i32
      %signedI = arith.extsi %signed : i1 to i32
      %floor = arith.floordivsi %b, %a : i32
      %y = tensor.from_elements %sum, %quotient, %shift, %lessI, %signedI, %floor : tensor<6xi32>
      return %y : tensor<6xi32>
    })",
                     {integers({}, {2}), integers({}, {-3})});
  EXPECT_EQ(integersOf(y), (Ids{-1, 2147483646, 1073741823, 0, -1, -2}));
}

TEST(Scalars, FloatsRoundToTheirType) {
  Tensor y = runMain(R"(
    func.func @main(%a: f32, %b: f32) -> tensor<2xf32> {
      %q = arith.divf %a, %b : f32
      %t = arith.truncf %q : f32 to bf16
      %e = arith.extf %t : bf16 to f32
      %y = tensor.from_elements %q, %e : tensor<2xf32>
      return %y : tensor<2xf32>
    })",
                     {reals({}, {1}), reals({}, {3})});
  EXPECT_EQ(realsOf(y), (Reals{1.0f / 3.0f, 0.333984375}));
}

TEST(Scalars, OnTensors) {
  Tensor y = runMain(
      R"(
    func.func @main(%a: tensor<3xf32>, %b: tensor<3xf32>, %c: i1) -> tensor<3xf32> {
      %m = arith.maximumf %a, %b : tensor<3xf32>
      %y = arith.select %c, %m, %a : tensor<3xf32>
      return %y : tensor<3xf32>
    })",
      {reals({3}, {1, 5, -2}), reals({3}, {2, 4, -3}), integers({}, {1})});
  EXPECT_EQ(realsOf(y), (Reals{2, 5, -2}));
}

TEST(ControlFlow, ForIfWhileSwitch) {
  Tensor y = runMain(R"(
    func.func @main(%n: index) -> tensor<3xindex> {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %sum = scf.for %i = %c0 to %n step %c1 iter_args(%s = %c0) -> index {
        %odd = arith.remui %i, %c2 : index
        %isOdd = arith.cmpi eq, %odd, %c1 : index
        %next = scf.if %isOdd -> index {
          %t = arith.addi %s, %i : index
          scf.yield %t : index
        } else {
          scf.yield %s : index
        }
        scf.yield %next : index
      }
      %power = scf.while (%p = %c1) : (index) -> index {
        %go = arith.cmpi ult, %p, %n : index
        scf.condition(%go) %p : index
      } do {
      ^bb0(%p: index):
        %q = arith.muli %p, %c2 : index
        scf.yield %q : index
      }
      %name = scf.index_switch %n -> index
      case 5 {
        scf.yield %c2 : index
      }
      default {
        scf.yield %c0 : index
      }
      %y = tensor.from_elements %sum, %power, %name : tensor<3xindex>
      return %y : tensor<3xindex>
    })",
                     {integers({}, {5})});
  EXPECT_EQ(integersOf(y), (Ids{4, 8, 2}));
}

TEST(ControlFlow, ForallReadsInitialOutputs) {
  Tensor y = runMain(R"(
    func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
      %y = scf.forall (%i) = (0) to (4) step (2) shared_outs(%o = %x) -> tensor<4xf32> {
        %all = tensor.extract_slice %o[2] [2] [1] : tensor<4xf32> to tensor<2xf32>
        %e = linalg.square ins(%all : tensor<2xf32>) outs(%all : tensor<2xf32>) -> tensor<2xf32>
        scf.forall.in_parallel {
          tensor.parallel_insert_slice %e into %o[%i] [2] [1] : tensor<2xf32> into tensor<4xf32>
        }
      }
      return %y : tensor<4xf32>
    })",
                     {reals({4}, {1, 2, 3, 4})});
  EXPECT_EQ(realsOf(y), (Reals{9, 16, 9, 16}));
}

TEST(Calls, NamesOfTheCallerSurvive) {
  Tensor y = runMain(R"(
    func.func private @square(%x: tensor<1xf32>) -> tensor<1xf32> {
      %y = arith.mulf %x, %x : tensor<1xf32>
      return %y : tensor<1xf32>
    }
    func.func @main(%x: tensor<1xf32>) -> tensor<1xf32> {
      %a = call @square(%x) : (tensor<1xf32>) -> tensor<1xf32>
      %b = call @square(%a) : (tensor<1xf32>) -> tensor<1xf32>
      %y = arith.addf %a, %b : tensor<1xf32>
      return %y : tensor<1xf32>
    })",
                     {reals({1}, {3})});
  EXPECT_EQ(realsOf(y), (Reals{90}));
}

TEST(Calls, EndlessRecursionIsAnError) {
  EXPECT_EQ(errorOf(R"(
    func.func @main(%x: tensor<1xf32>) -> tensor<1xf32> {
      %a = call @main(%x) : (tensor<1xf32>) -> tensor<1xf32>
      return %a : tensor<1xf32>
    })",
                    {reals({1}, {3})}),
            "'func.func' op calls itself too often to be interpreted\n");
}

TEST(Calls, ArgumentsAreChecked) {
  const char *text = R"(
    func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
      return %x : tensor<?x2xf32>
    })";
  EXPECT_EQ(errorOf(text, {reals({1, 3}, {1, 2, 3})}),
            "'func.func' op expects argument 0 of type 'tensor<?x2xf32>', got "
            "shape [1, 3]\n");
  EXPECT_EQ(errorOf(text, {}), "'func.func' op takes 1 arguments, got 0\n");
  EXPECT_EQ(errorOf("module {}", {}), "expects a function named 'main'\n");
}

const char *const global = R"(
  ml_program.global private @w(#moe.source<"m.safetensors", "w">) : tensor<2xf32>
  func.func @main() -> tensor<2xf32> {
    %a = ml_program.global_load_const @w : tensor<2xf32>
    %b = ml_program.global_load_const @w : tensor<2xf32>
    %y = arith.addf %a, %b : tensor<2xf32>
    return %y : tensor<2xf32>
  })";

TEST(Globals, ParametersAreAskedOnce) {
  int asked = 0;
  Host host;
  host.getParameter = [&](llvm::StringRef symbol, mlir::RankedTensorType type,
                          std::shared_ptr<const void> &bytes) {
    static const float values[] = {1, 2};
    ++asked;
    EXPECT_EQ(symbol, "w");
    bytes = std::shared_ptr<const void>(std::shared_ptr<void>(), values);
    return mlir::success();
  };
  Program program(global);
  auto results = program.run({}, host);
  ASSERT_EQ(results.size(), 1u) << program.getErrors();
  EXPECT_EQ(realsOf(results[0]), (Reals{2, 4}));
  EXPECT_EQ(asked, 1);
}

TEST(Globals, MissingParameter) {
  EXPECT_EQ(errorOf(global, {}), "'ml_program.global_load_const' op expects a "
                                 "value for parameter 'w'\n");
}

TEST(Globals, MutableOnesKeepWhatIsStored) {
  Tensor y = runMain(R"(
    ml_program.global private mutable @state(dense<1.0> : tensor<2xf32>) : tensor<2xf32>
    func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
      %a = ml_program.global_load @state : tensor<2xf32>
      %b = arith.addf %a, %x : tensor<2xf32>
      ml_program.global_store @state = %b : tensor<2xf32>
      %y = ml_program.global_load @state : tensor<2xf32>
      return %y : tensor<2xf32>
    })",
                     {reals({2}, {10, 20})});
  EXPECT_EQ(realsOf(y), (Reals{11, 21}));
}

TEST(Interpreter, NamesWhatItDoesNotKnow) {
  EXPECT_EQ(errorOf(R"(
    func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
      %y = bufferization.materialize_in_destination %x in %x : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
      return %y : tensor<2xf32>
    })",
                    {reals({2}, {1, 2})}),
            "'bufferization.materialize_in_destination' op is not known to the "
            "reference interpreter\n");
}

// Bytes of each type that weights have on disk.
TEST(Bytes, RoundTrip) {
  Program program("module {}");
  mlir::Builder builder(&program.getContext());
  for (mlir::Type type :
       {mlir::Type(builder.getF32Type()), mlir::Type(builder.getF64Type()),
        mlir::Type(builder.getBF16Type()), mlir::Type(builder.getF16Type())}) {
    Tensor values = reals({4}, {1.5, -0.0, -3.25, 0.125});
    std::vector<char> bytes(elementBytes(type) * 4);
    toBytes(type, values, bytes.data());
    EXPECT_EQ(realsOf(fromBytes(type, {4}, bytes.data())), realsOf(values));
  }
  for (unsigned width : {1u, 8u, 32u, 64u}) {
    mlir::Type type = builder.getIntegerType(width);
    Ids wanted = {0, 1};
    if (width > 1)
      wanted.push_back(-1);
    Tensor values = integers({static_cast<int64_t>(wanted.size())}, wanted);
    std::vector<char> bytes(elementBytes(type) * wanted.size());
    toBytes(type, values, bytes.data());
    EXPECT_EQ(integersOf(fromBytes(type, values.shape, bytes.data())), wanted);
  }
}
} // namespace
