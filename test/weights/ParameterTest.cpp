// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/grouped/Grouped.h"
#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/MLIRContext.h"
#include "test/weights/TestFiles.h"
#include "weights/ParameterStream.h"
#include "weights/encodings/Panels.h"
#include "llvm/Support/FormatVariadic.h"
#include <cstring>
#include <gtest/gtest.h>

using namespace moec;
using namespace moec::test;

namespace {

/// A file m.safetensors with a: f32 [2, 3] = 0.., b: f32 [2, 3] = 10..,
/// c: f32 [2, 3, 4] = 100.., h: bf16 [1, 2].
class Parameter : public testing::Test {
protected:
  Parameter() : files(directory.str()) {
    context.loadDialect<moe::MoeDialect, grouped::GroupedDialect>();
    directory.write(
        "m.safetensors",
        makeSafetensors(
            R"({"a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
                "b": {"dtype": "F32", "shape": [2, 3], "data_offsets": [24, 48]},
                "c": {"dtype": "F32", "shape": [2, 3, 4], "data_offsets": [48, 144]},
                "h": {"dtype": "BF16", "shape": [1, 2], "data_offsets": [144, 148]}})",
            floats(6) + floats(6, 10) + floats(24, 100) + "wxyz"));
  }

  static std::string source(llvm::StringRef name) {
    return ("#moe.source<\"m.safetensors\", \"" + name + "\">").str();
  }

  /// All values of a parameter, and its error text.
  std::vector<float> values(llvm::StringRef value, llvm::StringRef type) {
    auto bytes = read(value, type);
    if (!bytes) {
      error = llvm::toString(bytes.takeError());
      return {};
    }
    std::vector<float> result(bytes->size() / 4);
    std::memcpy(result.data(), bytes->data(), bytes->size());
    return result;
  }

  llvm::Expected<std::vector<char>> read(llvm::StringRef value,
                                         llvm::StringRef type) {
    return readParameter(
        mlir::parseAttribute(value, &context),
        mlir::cast<mlir::RankedTensorType>(mlir::parseType(type, &context)),
        "p", files);
  }

  std::string errorOf(llvm::StringRef value, llvm::StringRef type) {
    error.clear();
    EXPECT_TRUE(values(value, type).empty());
    return error;
  }

  Directory directory;
  mlir::MLIRContext context;
  SourceFiles files;
  std::string error;
};

using Values = std::vector<float>;

TEST_F(Parameter, source) {
  EXPECT_EQ(values(source("a"), "tensor<2x3xf32>"), (Values{0, 1, 2, 3, 4, 5}));
  auto half = read(source("h"), "tensor<1x2xbf16>");
  ASSERT_TRUE(static_cast<bool>(half));
  EXPECT_EQ(std::string(half->begin(), half->end()), "wxyz");
}

TEST_F(Parameter, dense) {
  EXPECT_EQ(values("dense<[[1.0, 2.0]]> : tensor<1x2xf32>", "tensor<1x2xf32>"),
            (Values{1, 2}));
  EXPECT_EQ(values("dense<3.0> : tensor<2xf32>", "tensor<2xf32>"),
            (Values{3, 3}));
}

TEST_F(Parameter, stack) {
  EXPECT_EQ(
      values("#moe.expr<stack, [" + source("a") + ", " + source("b") + "]>",
             "tensor<2x2x3xf32>"),
      (Values{0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15}));
}

TEST_F(Parameter, concat) {
  std::string operands = "[" + source("a") + ", " + source("b") + "]";
  EXPECT_EQ(values("#moe.expr<concat, " + operands + ", dims = [0]>",
                   "tensor<4x3xf32>"),
            (Values{0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15}));
  EXPECT_EQ(values("#moe.expr<concat, " + operands + ", dims = [1]>",
                   "tensor<2x6xf32>"),
            (Values{0, 1, 2, 10, 11, 12, 3, 4, 5, 13, 14, 15}));
}

TEST_F(Parameter, slice) {
  auto slice = [&](llvm::StringRef dims) {
    return "#moe.expr<slice, [" + source("c") + "], dims = " + dims.str() + ">";
  };
  EXPECT_EQ(
      values(slice("[0, 1, 1]"), "tensor<1x3x4xf32>"),
      (Values{112, 113, 114, 115, 116, 117, 118, 119, 120, 121, 122, 123}));
  EXPECT_EQ(values(slice("[1, 1, 2]"), "tensor<2x2x4xf32>"),
            (Values{104, 105, 106, 107, 108, 109, 110, 111, 116, 117, 118, 119,
                    120, 121, 122, 123}));
  EXPECT_EQ(
      values(slice("[2, 1, 2]"), "tensor<2x3x2xf32>"),
      (Values{101, 102, 105, 106, 109, 110, 113, 114, 117, 118, 121, 122}));
}

TEST_F(Parameter, transposeOfEveryPermutation) {
  const int shape[3] = {2, 3, 4}, stride[3] = {12, 4, 1};
  int order[3] = {0, 1, 2};
  do {
    auto [i, j, k] = order;
    std::string type =
        llvm::formatv("tensor<{0}x{1}x{2}xf32>", shape[i], shape[j], shape[k]);
    std::string dims = llvm::formatv("[{0}, {1}, {2}]", i, j, k);
    Values expected;
    for (int a = 0; a < shape[i]; ++a)
      for (int b = 0; b < shape[j]; ++b)
        for (int c = 0; c < shape[k]; ++c)
          expected.push_back(static_cast<float>(100 + a * stride[i] +
                                                b * stride[j] + c * stride[k]));
    EXPECT_EQ(values("#moe.expr<transpose, [" + source("c") +
                         "], dims = " + dims + ">",
                     type),
              expected)
        << dims << error;
  } while (std::next_permutation(order, order + 3));
}

TEST_F(Parameter, nestedExpressionsReadByBlocks) {
  // [2, 4, 3] from the transposed c, its rows 1..2 of dimension 1, beside b.
  std::string inner =
      "#moe.expr<transpose, [" + source("c") + "], dims = [0, 2, 1]>";
  std::string slice = "#moe.expr<slice, [" + inner + "], dims = [1, 1, 2]>";
  std::string value = "#moe.expr<concat, [" + slice + ", #moe.expr<stack, [" +
                      source("a") + ", " + source("b") + "]>], dims = [1]>";
  Values expected = {101, 105, 109, 102, 106, 110, 0,  1,  2,  3,  4,  5,
                     113, 117, 121, 114, 118, 122, 10, 11, 12, 13, 14, 15};
  EXPECT_EQ(values(value, "tensor<2x4x3xf32>"), expected) << error;

  auto type =
      mlir::RankedTensorType::get({2, 4, 3}, mlir::Float32Type::get(&context));
  auto reader = ParameterReader::create(mlir::parseAttribute(value, &context),
                                        type, "p", files);
  ASSERT_TRUE(static_cast<bool>(reader));
  for (int64_t row = 0; row < 8; ++row)
    for (int64_t rows = 1; row + rows <= 8; ++rows)
      for (int64_t column = 0; column < 3; ++column) {
        Values got(rows * (3 - column)), wanted;
        for (int64_t r = row; r < row + rows; ++r)
          wanted.insert(wanted.end(), expected.begin() + r * 3 + column,
                        expected.begin() + r * 3 + 3);
        ASSERT_FALSE((*reader)->read(
            {row, rows, column, 3 - column},
            {reinterpret_cast<char *>(got.data()), got.size() * 4}));
        EXPECT_EQ(got, wanted);
      }
  char out[4];
  EXPECT_EQ(llvm::toString((*reader)->read({8, 1, 0, 1}, out)),
            "parameter 'p': block out of range");
}

TEST_F(Parameter, errorsNameFileAndTensor) {
  std::string prefix = "parameter 'p': " + directory.file("m.safetensors");
  EXPECT_EQ(errorOf(source("z"), "tensor<2xf32>"), prefix + ": no tensor 'z'");
  EXPECT_EQ(errorOf(source("a"), "tensor<2x4xf32>"),
            prefix + ": tensor 'a': expected shape [2, 4], found [2, 3]");
  EXPECT_EQ(errorOf(source("a"), "tensor<2x3xbf16>"),
            prefix + ": tensor 'a': expected dtype BF16, found F32");
  for (llvm::StringRef name : {"../m.safetensors", "/m.safetensors", ""})
    EXPECT_EQ(errorOf(("#moe.source<\"" + name + "\", \"a\">").str(),
                      "tensor<2x3xf32>"),
              "parameter 'p': weight file '" + name.str() +
                  "': expected a path inside the model's directory");
}

TEST_F(Parameter, errorsOfExpressions) {
  std::string a = source("a");
  EXPECT_EQ(errorOf("#moe.expr<stack, [" + a + "]>", "tensor<2x2x3xf32>"),
            "parameter 'p': stack of 1 operands does not make shape [2, 2, 3]");
  EXPECT_EQ(errorOf("#moe.expr<concat, [" + a + ", " + a + "], dims = [0]>",
                    "tensor<5x3xf32>"),
            "parameter 'p': concat makes shape [4, 3], expected [5, 3]");
  EXPECT_EQ(errorOf("#moe.expr<concat, [" + a + ", " + a + "], dims = [2]>",
                    "tensor<5x3xf32>"),
            "parameter 'p': concat along a dimension that shape [5, 3] does "
            "not have");
  EXPECT_EQ(errorOf("#moe.expr<slice, [" + a + "], dims = [0, 1, 2]>",
                    "tensor<2x3xf32>"),
            "parameter 'p': slice of 2 elements from 1 in steps of 1 from a "
            "dimension of 2");
  EXPECT_EQ(errorOf("#moe.expr<slice, [" + a + "], dims = [0, 0, 1]>",
                    "tensor<2x3xf32>"),
            "parameter 'p': slice of size 1 does not make shape [2, 3]");
  EXPECT_EQ(errorOf("#moe.expr<slice, [#moe.random<seed = 1, std = 1.0 : "
                    "f64>], dims = [0, 0, 2]>",
                    "tensor<2x3xf32>"),
            "parameter 'p': #moe.random cannot be sliced");
  EXPECT_EQ(errorOf("#moe.random<seed = 1, std = 1.0 : f64>", "tensor<2xf64>"),
            "parameter 'p': #moe.random expects element type f32, f16 or bf16");
  EXPECT_EQ(errorOf("dense<1.0> : tensor<3xf32>", "tensor<2xf32>"),
            "parameter 'p': dense elements of another type than the "
            "parameter's");
  EXPECT_EQ(errorOf("\"text\"", "tensor<2xf32>"),
            "parameter 'p': expected #moe.source, #moe.expr, "
            "#moe.quantized, #moe.random or dense elements as value");
  EXPECT_EQ(errorOf(source("a"), "tensor<?x3xf32>"),
            "parameter 'p': expected a value and a static shape");
  EXPECT_EQ(
      errorOf(source("a"), "tensor<4294967296x4294967296x4294967296xf32>"),
      "parameter 'p': the shape is too large");
}

TEST_F(Parameter, streamsInOrderAndStopsAtErrors) {
  // 3 x 2^20 floats are several chunks on several threads.
  std::string value = "#moe.random<seed = 3, std = 1.0 : f64>";
  auto parsed = mlir::parseAttribute(value, &context);
  auto type = mlir::RankedTensorType::get({3, 1 << 20},
                                          mlir::Float32Type::get(&context));
  auto whole = readParameter(parsed, type, "p", files);
  auto reader = ParameterReader::create(parsed, type, "p", files);
  ASSERT_TRUE(whole && reader);
  std::vector<char> direct(3 << 22);
  ASSERT_FALSE((*reader)->read({0, 3, 0, 1 << 20}, direct));
  EXPECT_TRUE(*whole == direct);

  int calls = 0;
  llvm::Error stopped = streamParameter(
      parsed, type, "p", files, [&](llvm::ArrayRef<char>) -> llvm::Error {
        return ++calls == 2 ? llvm::createStringError("disk full")
                            : llvm::Error::success();
      });
  EXPECT_EQ(llvm::toString(std::move(stopped)), "disk full");
  EXPECT_EQ(calls, 2);
}

TEST_F(Parameter, packedIsUnpackedToItsParts) {
  // Two parts of [2, 19, 33] bf16, odd in every way, against row-major reads.
  auto type = mlir::RankedTensorType::get({2, 19, 33},
                                          mlir::BFloat16Type::get(&context));
  std::string first = "#moe.random<seed = 1, std = 1.0 : f64>";
  std::string second = "#moe.random<seed = 2, std = 1.0 : f64>";
  std::string panels = "#grouped.panels<parts = 2, columns = 19, depth = 33>";
  auto packed = read("#grouped.packed<[\"gate\", \"up\"], [" + first + ", " +
                         second + "], " + panels + ", nk>",
                     "tensor<2x3x17x16x2xbf16>");
  ASSERT_TRUE(static_cast<bool>(packed));
  PanelLayout layout{19, 33, 2, 2};
  ASSERT_EQ(packed->size(), static_cast<size_t>(2 * layout.groupBytes()));
  int64_t part = 0;
  for (const std::string &value : {first, second}) {
    auto wanted =
        readParameter(mlir::parseAttribute(value, &context), type, "p", files);
    ASSERT_TRUE(static_cast<bool>(wanted));
    std::vector<char> got(wanted->size());
    for (int64_t group = 0; group < 2; ++group)
      unpackPart(layout, packed->data() + group * layout.groupBytes(), part,
                 got.data() + group * 19 * 33 * 2);
    EXPECT_EQ(got, *wanted);
    ++part;
  }
}

TEST_F(Parameter, packedMatrixAndTransposedSource) {
  // One group from a matrix, and [G, K, N] packed as if it were [G, N, K].
  auto matrix = read("#grouped.packed<[\"a\"], [" + source("a") +
                         "], #grouped.panels<parts = 1, columns = 2, depth = "
                         "3>, nk>",
                     "tensor<1x1x3x16x1xf32>");
  ASSERT_TRUE(static_cast<bool>(matrix));
  Values restored(6);
  unpackPart({2, 3, 4, 1}, matrix->data(), 0, restored.data());
  EXPECT_EQ(restored, (Values{0, 1, 2, 3, 4, 5}));

  auto transposed = read("#grouped.packed<[\"c\"], [" + source("c") +
                             "], #grouped.panels<parts = 1, columns = 4, depth "
                             "= 3>, kn>",
                         "tensor<2x1x3x16x1xf32>");
  ASSERT_TRUE(static_cast<bool>(transposed));
  restored.resize(12);
  unpackPart({4, 3, 4, 1}, transposed->data(), 0, restored.data());
  EXPECT_EQ(restored, (Values{100, 104, 108, 101, 105, 109, 102, 106, 110, 103,
                              107, 111}));
}

TEST_F(Parameter, packedErrors) {
  std::string panels = "#grouped.panels<parts = 1, columns = 2, depth = 3>";
  EXPECT_EQ(errorOf("#grouped.packed<[\"a\"], [" + source("a") + "], " +
                        panels + ", nk>",
                    "tensor<1x1x2x16x1xf32>"),
            "parameter 'p': the type is not the packed type of its panels");
  EXPECT_EQ(errorOf("#grouped.packed<[\"a\"], [" + source("c") + "], " +
                        panels + ", nk>",
                    "tensor<1x1x3x16x1xf32>"),
            "parameter 'a': " + directory.file("m.safetensors") +
                ": tensor 'c': expected shape [1, 2, 3], found [2, 3, 4]");
}

} // namespace
