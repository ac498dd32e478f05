// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Grouped matmuls over weights that nobody packed, as machine code against
// sums in double: odd depths and columns, groups of 0, 1, 7 and 33 rows, both
// layouts, all element types; any number of workers gives the same bits, and
// nothing behind the weights is read. With panels that tasks make, the bits are
// those of packed panels.

#include "Harness.h"
#include "llvm/Support/FormatVariadic.h"
#include <cmath>
#include <cstring>
#include <sys/mman.h>

using namespace moec::cpu;
using namespace moec::cpu::test;

namespace {
constexpr int64_t kGroups = 4, kSlots = 2;
/// Rows of the groups, together those of kTokens tokens.
constexpr int32_t kRows[kGroups] = {1, 7, 0, 33};
constexpr int64_t kTokens = 21, kAllRows = 41;

float toReal(uint32_t hash) {
  return static_cast<float>((hash * 2654435761u) >> 9) / 4194304.0f - 1;
}

/// What tiles do: of at most 24 rows dot products, if they can.
constexpr const char *kFew =
    "tile = #grouped.tile<rows = 12, depth = 128, panels = 2, task_panels = 2>";
constexpr const char *kFewDeep =
    "tile = #grouped.tile<rows = 24, depth = 24, panels = 1, task_panels = 1>";
constexpr const char *kMany =
    "tile = #grouped.tile<rows = 30, depth = 32, panels = 2, task_panels = 2>";

struct Config {
  const char *type, *layout;
  int64_t parts;
  bool gather, reduce;
  const char *tile;
};

struct Shape {
  int64_t depth, columns;
};
constexpr Shape kShapes[] = {{1, 1},   {3, 23}, {8, 16},
                             {17, 33}, {40, 8}, {70, 19}};

/// Weights at the end of a page after which nothing may be read.
class Weights {
public:
  explicit Weights(size_t bytes) {
    size_t page = 4096, used = (bytes + 63) / 64 * 64;
    size = (used + page - 1) / page * page + page;
    base = static_cast<char *>(mmap(nullptr, size, PROT_READ | PROT_WRITE,
                                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    EXPECT_EQ(mprotect(base + size - page, page, PROT_NONE), 0);
    data = base + size - page - used;
  }
  ~Weights() { munmap(base, size); }
  Weights(const Weights &) = delete;
  Weights &operator=(const Weights &) = delete;

  void set(size_t at, llvm::StringRef type, float value) {
    uint32_t bits;
    std::memcpy(&bits, &value, 4);
    _Float16 half = static_cast<_Float16>(value);
    uint16_t narrow = bits >> 16;
    if (type == "f16")
      std::memcpy(&narrow, &half, 2);
    if (type == "f32")
      std::memcpy(data + 4 * at, &value, 4);
    else
      std::memcpy(data + 2 * at, &narrow, 2);
  }

  char *data;

private:
  char *base;
  size_t size;
};

/// The weight of a part; few enough bits for bf16 and f16.
float weightAt(int64_t part, int64_t g, int64_t n, int64_t k) {
  uint32_t hash = ((part * 31 + g) * 1009 + n) * 1013 + k;
  return std::round(toReal(hash) * 64) / 64;
}

std::string getType(const Config &config, const Shape &shape, bool packed) {
  bool first = llvm::StringRef(config.layout) == "kn";
  if (!packed)
    return llvm::formatv("tensor<{0}x{1}x{2}x{3}>", kGroups,
                         first ? shape.depth : shape.columns,
                         first ? shape.columns : shape.depth, config.type);
  int64_t pair = llvm::StringRef(config.type) == "f32" ? 1 : 2;
  int64_t width = 16 / config.parts;
  return llvm::formatv("tensor<{0}x{1}x{2}x16x{3}x{4}>", kGroups,
                       (shape.columns + width - 1) / width,
                       (shape.depth + pair - 1) / pair, pair, config.type);
}

/// Function f<index> of one shape, and its globals.
std::string makeFunction(const Config &config, size_t index, bool packed) {
  const Shape &shape = kShapes[index];
  std::string weight = getType(config, shape, packed), globals, loads, rhs,
              types;
  for (int64_t part = 0; part < (packed ? 1 : config.parts); ++part) {
    std::string name = llvm::formatv("w{0}_{1}", index, part);
    globals += llvm::formatv("ml_program.global private @{0}(#moe.random<seed "
                             "= 1, std = 2.0e-02 : f64>) : {1}\n",
                             name, weight);
    loads +=
        llvm::formatv("  %w{0} = ml_program.global_load_const @{1} : {2}\n",
                      part, name, weight);
    rhs += (part ? ", %w" : "%w") + std::to_string(part);
    types += (part ? ", " : "") + weight;
  }
  std::string attributes =
      std::string(config.gather ? "gather, " : "") +
      (config.reduce ? "reduce, " : "") + config.tile +
      (packed
           ? llvm::formatv(", panels = #grouped.panels<parts = {0}, columns "
                           "= {1}, depth = {2}>",
                           config.parts, shape.columns, shape.depth)
                 .str()
           : llvm::formatv(", layout = #grouped<rhs_layout {0}>", config.layout)
                 .str());
  return globals + llvm::formatv(
                       R"mlir(
func.func @f{0}(%x: tensor<?x{1}xf32> {{moe.name = "x", moe.dims = ["{2}", "{1}"]},
    %o: tensor<5xi32> {{moe.name = "o", moe.dims = ["5"]},
    %t: tensor<?xi32> {{moe.name = "t", moe.dims = ["R"]},
    %s: tensor<?xi32> {{moe.name = "s", moe.dims = ["R"]},
    %k: tensor<?x2xf32> {{moe.name = "k", moe.dims = ["T", "2"]})
    -> (tensor<?x{3}xf32> {{moe.name = "y", moe.dims = ["{4}", "{3}"]}) {{
{5}  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %n = tensor.dim {6}
  %e = tensor.empty(%n) : tensor<?x{3}xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x{3}xf32>) -> tensor<?x{3}xf32>
  %y = grouped.matmul lhs(%x : tensor<?x{1}xf32>) rhs({7} : {8})
    groups(%o, %t, %s : tensor<5xi32>, tensor<?xi32>, tensor<?xi32>)
    extras(%k : tensor<?x2xf32>) outs(%z : tensor<?x{3}xf32>) attributes {{{9},
      maps = [affine_map<(e, r, t, s, n) -> (t, s)>]} {{
  ^bb0(%a: f32, {10}%weight: f32):
    %m = arith.mulf %a, {11} : f32
    grouped.yield %m : f32
  } -> tensor<?x{3}xf32>
  return %y : tensor<?x{3}xf32>
}
)mlir",
                       index, shape.depth, config.gather ? "T" : "R",
                       shape.columns, config.reduce ? "T" : "R", loads,
                       config.reduce ? "%k, %c0 : tensor<?x2xf32>"
                                     : "%t, %c0 : tensor<?xi32>",
                       rhs, types, attributes,
                       config.parts == 2 ? "%u: f32, " : "",
                       config.parts == 2 ? "%u" : "%weight")
                       .str();
}

std::string makeModule(const Config &config, bool packed) {
  std::string text;
  for (size_t index = 0; index < std::size(kShapes); ++index)
    text += makeFunction(config, index, packed);
  return text;
}

/// Tables, tokens and weights of one shape.
struct Inputs {
  Inputs(const Config &config, const Shape &shape)
      : config(config), shape(shape) {
    offsets.push_back(0);
    for (int32_t rows : kRows)
      offsets.push_back(offsets.back() + rows);
    for (int64_t r = 0; r < kAllRows; ++r) {
      tokens.push_back((r * 5) % kTokens);
      slots.push_back(r % kSlots);
    }
    int64_t height = config.gather ? kTokens : kAllRows;
    for (int64_t i = 0; i < height * shape.depth; ++i)
      x.push_back(toReal(i + 77));
    for (int64_t i = 0; i < kTokens * kSlots; ++i)
      k.push_back(toReal(i + 7777));
  }

  int64_t resultRows() const { return config.reduce ? kTokens : kAllRows; }

  std::vector<double> getExpected() const {
    std::vector<double> expected(resultRows() * shape.columns, 0);
    for (int64_t g = 0; g < kGroups; ++g)
      for (int64_t r = offsets[g]; r < offsets[g + 1]; ++r)
        for (int64_t n = 0; n < shape.columns; ++n) {
          int64_t token = tokens[r];
          const float *row = &x[(config.gather ? token : r) * shape.depth];
          double sums[2] = {0, k[token * kSlots + slots[r]]};
          for (int64_t part = 0; part < config.parts; ++part) {
            sums[part] = 0;
            for (int64_t i = 0; i < shape.depth; ++i)
              sums[part] += double(row[i]) * weightAt(part, g, n, i);
          }
          double &to =
              expected[(config.reduce ? token : r) * shape.columns + n];
          to = (config.reduce ? to : 0) + sums[0] * sums[1];
        }
    return expected;
  }

  std::vector<std::unique_ptr<Weights>> makeWeights(bool packed) const {
    std::vector<std::unique_ptr<Weights>> weights;
    int64_t pair = llvm::StringRef(config.type) == "f32" ? 1 : 2;
    int64_t width = 16 / config.parts;
    int64_t panels = (shape.columns + width - 1) / width;
    int64_t padded = (shape.depth + pair - 1) / pair * pair;
    bool depthFirst = llvm::StringRef(config.layout) == "kn";
    for (int64_t part = 0; part < config.parts; ++part) {
      if (!packed || part == 0)
        weights.push_back(std::make_unique<Weights>(
            kGroups * 4 / pair *
            (packed ? panels * 16 * padded : shape.columns * shape.depth)));
      for (int64_t g = 0; g < kGroups; ++g)
        for (int64_t n = 0; n < shape.columns; ++n)
          for (int64_t i = 0; i < shape.depth; ++i) {
            int64_t at = depthFirst ? (g * shape.depth + i) * shape.columns + n
                                    : (g * shape.columns + n) * shape.depth + i;
            if (packed)
              at = ((g * panels + n / width) * padded + i / pair * pair) * 16 +
                   (part * width + n % width) * pair + i % pair;
            weights.back()->set(at, config.type, weightAt(part, g, n, i));
          }
    }
    return weights;
  }

  std::vector<float> run(Library &library, size_t index, uint32_t workers,
                         llvm::ArrayRef<std::unique_ptr<Weights>> weights) {
    std::vector<float> y(resultRows() * shape.columns, -1);
    Call call(workers);
    call.addArgument(x, {config.gather ? kTokens : kAllRows, shape.depth},
                     MOEC_DTYPE_F32);
    call.addArgument(offsets, {kGroups + 1}, MOEC_DTYPE_I32);
    call.addArgument(tokens, {kAllRows}, MOEC_DTYPE_I32);
    call.addArgument(slots, {kAllRows}, MOEC_DTYPE_I32);
    call.addArgument(k, {kTokens, kSlots}, MOEC_DTYPE_F32);
    call.addResult(y, {resultRows(), shape.columns}, MOEC_DTYPE_F32);
    for (const std::unique_ptr<Weights> &weight : weights)
      call.addParameter(weight->data);
    std::string name = "f" + std::to_string(index);
    EXPECT_EQ(call.run(library, name.c_str()), MOEC_FRAME_OK);
    return y;
  }

  const Config &config;
  const Shape &shape;
  std::vector<float> x, k;
  std::vector<int32_t> offsets, tokens, slots;
};

class RowMajorTest : public ::testing::TestWithParam<const char *> {
protected:
  void SetUp() override {
    if (!hostHas(GetParam()))
      GTEST_SKIP() << "this machine has no " << GetParam();
  }

  /// `kernel` is in the code, and `other` is not.
  void check(const Config &config, const char *kernel, const char *other) {
    SCOPED_TRACE(llvm::formatv("{0} {1} parts {2}{3}{4} {5}", config.type,
                               config.layout, config.parts,
                               config.gather ? " gather" : "",
                               config.reduce ? " reduce" : "", config.tile)
                     .str());
    bool usesPanels = llvm::StringRef(kernel) == "@transpose_" &&
                      llvm::StringRef(config.layout) == "nk";
    Compiler compiler, packer;
    auto module =
        compiler.compile(makeModule(config, /*packed=*/false), {GetParam()});
    ASSERT_TRUE(succeeded(module)) << compiler.messages;
    EXPECT_EQ(compiler.messages.find("plain loops"), std::string::npos);
    const std::string &text = module->code[0].llvmText;
    EXPECT_NE(text.find(kernel), std::string::npos);
    EXPECT_EQ(text.find(other), std::string::npos);
    Library library(module->code[0].elf);
    std::unique_ptr<Library> reference;
    if (usesPanels) {
      auto packed =
          packer.compile(makeModule(config, /*packed=*/true), {GetParam()});
      ASSERT_TRUE(succeeded(packed)) << packer.messages;
      reference = std::make_unique<Library>(packed->code[0].elf);
    }
    for (size_t index = 0; index < std::size(kShapes); ++index) {
      Inputs inputs(config, kShapes[index]);
      auto weights = inputs.makeWeights(/*packed=*/false);
      std::vector<float> first = inputs.run(library, index, 1, weights);
      std::vector<double> expected = inputs.getExpected();
      for (size_t i = 0; i < first.size(); ++i)
        ASSERT_NEAR(first[i], expected[i], 1e-4 * (1 + std::abs(expected[i])))
            << "element " << i << " of depth " << kShapes[index].depth
            << ", columns " << kShapes[index].columns;
      for (uint32_t workers : {2, 3})
        EXPECT_EQ(inputs.run(library, index, workers, weights), first)
            << workers << " workers";
      if (usesPanels)
        EXPECT_EQ(inputs.run(*reference, index, 1,
                             inputs.makeWeights(/*packed=*/true)),
                  first)
            << "depth " << kShapes[index].depth << ", columns "
            << kShapes[index].columns;
    }
  }
};

TEST_P(RowMajorTest, FewRowsAreDotProducts) {
  check({"f32", "nk", 2, true, false, kFew}, "@dot_", "@transpose_");
  check({"f16", "nk", 1, false, true, kFewDeep}, "@dot_", "@transpose_");
  check({"bf16", "nk", 2, true, true, kFew}, "@dot_", "@transpose_");
}

TEST_P(RowMajorTest, ManyRowsTakePanelsOfTheirTask) {
  check({"f32", "nk", 1, false, true, kMany}, "@transpose_", "@dot_");
  check({"bf16", "nk", 2, true, true, kMany}, "@transpose_", "@dot_");
}

TEST_P(RowMajorTest, DepthFirstWeightsTakePanels) {
  check({"f32", "kn", 2, true, false, kFew}, "@transpose_", "@dot_");
  check({"f16", "kn", 1, false, true, kMany}, "@transpose_", "@dot_");
}

INSTANTIATE_TEST_SUITE_P(Levels, RowMajorTest,
                         ::testing::Values("x86-64-v3", "x86-64-v4"),
                         [](const auto &info) {
                           return llvm::StringRef(info.param) == "x86-64-v3"
                                      ? "v3"
                                      : "v4";
                         });
} // namespace
