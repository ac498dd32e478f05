// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Matmuls of rounded rows (grouped.compute) against their definition, and with
// the instructions of VNNI and AVX512_BF16 the same bits. Machines without them
// run that code too: here each such instruction becomes a function of plain IR
// that does what the processor's manual says.

#include "Emulate.h"
#include "Harness.h"
#include "llvm/Support/FormatVariadic.h"
#include <cmath>
#include <cstring>

using namespace moec::cpu;
using namespace moec::cpu::test;

namespace {
constexpr int64_t kColumns = 32;

/// y = x w over panels of the type `weight`.
std::string makeModule(llvm::StringRef compute, int64_t depth,
                       llvm::StringRef weight, llvm::StringRef blocks) {
  return llvm::formatv(
      R"mlir(
ml_program.global private @w(#moe.random<seed = 1, std = 2.0e-02 : f64>) : {0}
func.func @f(%x: tensor<?x{1}xf32> {{moe.name = "x", moe.dims = ["T", "{1}"]})
    -> (tensor<?x32xf32> {{moe.name = "y", moe.dims = ["T", "32"]}) {{
  %w = ml_program.global_load_const @w : {0}
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %n = tensor.dim %x, %c0 : tensor<?x{1}xf32>
  %e = tensor.empty(%n) : tensor<?x32xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x32xf32>) -> tensor<?x32xf32>
  %y = grouped.matmul lhs(%x : tensor<?x{1}xf32>) rhs(%w : {0})
    outs(%z : tensor<?x32xf32>) attributes {{grouped.compute = "{2}", maps = [],
      panels = #grouped.panels<parts = 1, columns = 32, depth = {1}{3}>} {{
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
)mlir",
      weight, depth, compute, blocks);
}

std::string makeBlocksModule(llvm::StringRef code, int64_t depth) {
  std::string weight = llvm::formatv("tensor<1x2x{0}x16x{1}xi8>", depth / 32,
                                     code == "int8" ? 34 : 18);
  return makeModule("int8", depth, weight,
                    llvm::formatv(", blocks = <code = {0}, size = 32, half = "
                                  "true, offset = false>",
                                  code)
                        .str());
}

std::vector<float> run(const std::string &elf, const void *weights,
                       std::vector<float> x, int64_t depth) {
  Library library(elf);
  int64_t rows = static_cast<int64_t>(x.size()) / depth;
  std::vector<float> y(rows * kColumns, -1);
  Call call(2);
  call.addArgument(x, {rows, depth}, MOEC_DTYPE_F32);
  call.addResult(y, {rows, kColumns}, MOEC_DTYPE_F32);
  call.addParameter(weights);
  EXPECT_EQ(call.run(library, "f"), MOEC_FRAME_OK);
  return y;
}

/// Numbers from -1 to 1, the same everywhere.
struct Numbers {
  uint32_t state = 1;
  uint32_t next() { return (state = state * 1664525u + 1013904223u) >> 8; }
  float real() { return static_cast<float>(next()) / 8388608.0f - 1.0f; }
};

CpuCode compile(const std::string &text, const char *level) {
  Compiler compiler;
  auto module = compiler.compile(text, {level});
  EXPECT_TRUE(succeeded(module)) << compiler.messages;
  return succeeded(module) ? module->code[0] : CpuCode();
}

/// The code of `level` with what this machine lacks emulated, and as it is
/// where the machine has it all.
std::vector<std::string> getImages(const std::string &text, const char *level) {
  CpuCode code = compile(text, level);
  std::vector<std::string> images{compileEmulated(code.llvmText)};
  if (hostHas(level))
    images.push_back(code.elf);
  return images;
}

// --- bf16 ------------------------------------------------------------------

/// Nearest even of 8 significant bits; 0 for subnormal numbers.
float roundToBf16(float value) {
  if (std::abs(value) < 0x1p-126f)
    return std::copysign(0.0f, value);
  int exponent;
  double fraction = std::frexp(value, &exponent);
  return static_cast<float>(
      std::ldexp(std::nearbyint(std::ldexp(fraction, 8)), exponent - 8));
}

constexpr int64_t kDepth = 70;

struct Bf16Data {
  alignas(64) uint16_t weights[2 * kDepth / 2 * 32];
  std::vector<float> x, expected;
};

/// 30 rows with every kind of rounding, and their products in the order of
/// vdpbf16ps.
Bf16Data makeBf16Data() {
  Bf16Data data;
  Numbers numbers;
  for (int64_t i = 0; i < 30 * kDepth; ++i)
    data.x.push_back(numbers.real());
  const float special[] = {1 + 0x1p-8f, 1 + 0x3p-8f, -1 - 0x1p-8f, 0x1p-130f,
                           -0x1p-127f,  0x1p-126f,   0x1.ffp7f,    0};
  std::copy(std::begin(special), std::end(special), data.x.begin());
  std::vector<float> weights(kColumns * kDepth);
  for (int64_t n = 0; n < kColumns; ++n)
    for (int64_t k = 0; k < kDepth; ++k) {
      float value = roundToBf16(numbers.real());
      weights[n * kDepth + k] = value;
      uint32_t bits;
      std::memcpy(&bits, &value, 4);
      data.weights[(n / 16 * (kDepth / 2) + k / 2) * 32 + n % 16 * 2 + k % 2] =
          static_cast<uint16_t>(bits >> 16);
    }
  for (int64_t row = 0; row < 30; ++row)
    for (int64_t n = 0; n < kColumns; ++n) {
      float sum = 0;
      for (int64_t k = 0; k < kDepth; ++k) {
        int64_t at = k ^ 1; // the odd one of a pair comes first
        sum = std::fma(roundToBf16(data.x[row * kDepth + at]),
                       weights[n * kDepth + at], sum);
      }
      data.expected.push_back(sum);
    }
  return data;
}

std::string makeBf16Module() {
  return makeModule("bf16", kDepth, "tensor<1x2x35x16x2xbf16>", "");
}

TEST(ComputeBf16Test, IsTheDefinitionBitForBit) {
  Bf16Data data = makeBf16Data();
  EXPECT_EQ(run(compile(makeBf16Module(), "x86-64-v3").elf, data.weights,
                data.x, kDepth),
            data.expected);
  for (const char *level : {"x86-64-v4", "x86-64-v4+avx512bf16"})
    for (const std::string &image : getImages(makeBf16Module(), level))
      EXPECT_EQ(run(image, data.weights, data.x, kDepth), data.expected)
          << level;
}

TEST(ComputeBf16Test, NanAndInfinityReachTheResults) {
  Bf16Data data = makeBf16Data();
  // A signalling NaN whose bits all lie in the half that rounding drops.
  uint32_t bits = 0x7f800001;
  std::memcpy(&data.x[kDepth], &bits, 4);
  data.x[2 * kDepth] = INFINITY;
  data.x[3 * kDepth] = 0x1.fffffep127f; // rounds to infinity
  for (const char *level : {"x86-64-v3", "x86-64-v4+avx512bf16"})
    for (const std::string &image : getImages(makeBf16Module(), level)) {
      std::vector<float> y = run(image, data.weights, data.x, kDepth);
      for (int64_t n = 0; n < kColumns; ++n) {
        EXPECT_EQ(y[n], data.expected[n]);
        EXPECT_TRUE(std::isnan(y[kColumns + n])) << level;
        EXPECT_TRUE(std::isinf(y[2 * kColumns + n])) << level;
        EXPECT_TRUE(std::isinf(y[3 * kColumns + n])) << level;
      }
    }
}

// --- int8 ------------------------------------------------------------------

constexpr int64_t kBlocks = 3;

struct Int8Data {
  std::vector<uint8_t> memory;
  uint8_t *weights = nullptr;
  std::vector<float> x;
  std::vector<double> expected;
};

Int8Data makeInt8Data(bool isInt4) {
  Int8Data data;
  int64_t codeBytes = isInt4 ? 256 : 512, blockBytes = codeBytes + 32;
  data.memory.resize(2 * kBlocks * blockBytes + 64);
  data.weights = reinterpret_cast<uint8_t *>(
      (reinterpret_cast<uintptr_t>(data.memory.data()) + 63) / 64 * 64);
  Numbers numbers;
  auto code = [&](int64_t n) {
    // Columns of the smallest and of the largest code: sums that saturate show.
    int64_t least = isInt4 ? -8 : -128, most = isInt4 ? 7 : 127;
    if (n < 2)
      return n == 0 ? least : most;
    return least + static_cast<int64_t>(numbers.next() % (most - least + 1));
  };
  std::vector<double> weights(kColumns * kBlocks * 32);
  for (int64_t n = 0; n < kColumns; ++n)
    for (int64_t block = 0; block < kBlocks; ++block) {
      uint8_t *base = data.weights + (n / 16 * kBlocks + block) * blockBytes;
      _Float16 scale = static_cast<_Float16>(numbers.real() / 64);
      std::memcpy(base + codeBytes + n % 16 * 2, &scale, 2);
      for (int64_t k = 0; k < 32; ++k) {
        int64_t number = code(n);
        weights[n * kBlocks * 32 + block * 32 + k] = double(number) * scale;
        if (isInt4)
          base[k / 4 * 32 + n % 8 * 4 + k % 4] |= (number + 8)
                                                  << (n % 16 < 8 ? 0 : 4);
        else
          base[k / 4 * 64 + n % 16 * 4 + k % 4] = static_cast<uint8_t>(number);
      }
    }
  for (int64_t row = 0; row < 30; ++row)
    for (int64_t block = 0; block < kBlocks; ++block) {
      std::vector<float> x;
      for (int64_t k = 0; k < 32; ++k)
        x.push_back(row == 0 ? 1.0f : row == 1 ? -1.0f : numbers.real());
      float most = 0;
      for (float value : x)
        most = std::max(most, std::abs(value));
      float scale = most / 127, inverse = 1 / scale;
      data.expected.resize((row + 1) * kColumns);
      for (int64_t k = 0; k < 32; ++k)
        for (int64_t n = 0; n < kColumns; ++n)
          data.expected[row * kColumns + n] +=
              double(std::nearbyint(x[k] * inverse)) * scale *
              weights[n * kBlocks * 32 + block * 32 + k];
      data.x.insert(data.x.end(), x.begin(), x.end());
    }
  return data;
}

class ComputeInt8Test : public ::testing::TestWithParam<const char *> {};

TEST_P(ComputeInt8Test, IsTheDefinitionAndTheSameBitsOnAllLevels) {
  llvm::StringRef kind = GetParam();
  Int8Data data = makeInt8Data(kind == "int4");
  std::string text = makeBlocksModule(kind, 32 * kBlocks);
  std::vector<float> first =
      run(compile(text, "x86-64-v3").elf, data.weights, data.x, 32 * kBlocks);
  for (size_t i = 0; i < first.size(); ++i)
    ASSERT_NEAR(first[i], data.expected[i],
                1e-5 * (1 + std::abs(data.expected[i])))
        << i;
  for (const char *level :
       {"x86-64-v4", "x86-64-v3+avxvnni", "x86-64-v4+avx512vnni"})
    for (const std::string &image : getImages(text, level))
      EXPECT_EQ(run(image, data.weights, data.x, 32 * kBlocks), first) << level;
}

INSTANTIATE_TEST_SUITE_P(Codes, ComputeInt8Test,
                         ::testing::Values("int8", "int4"),
                         [](const auto &info) { return info.param; });

// --- Code ------------------------------------------------------------------

/// Expects inner loops of these instructions that leave the stack alone.
void expectLoops(const std::string &text, const char *level,
                 const char *instruction, int least) {
  std::vector<int> counts =
      countStackAccesses(compile(text, level).assembly, instruction, least);
  EXPECT_FALSE(counts.empty()) << level << " has no " << instruction;
  for (int count : counts)
    EXPECT_EQ(count, 0) << level;
}

TEST(ComputeCodeTest, TilesUseTheInstructionsAndDoNotSpill) {
  // 12 rows of 4 pairs; 2 words of 6 rows and 2 vectors, and of 12 rows.
  expectLoops(makeBf16Module(), "x86-64-v4+avx512bf16", "vdpbf16ps", 48);
  for (const char *code : {"int8", "int4"}) {
    std::string text = makeBlocksModule(code, 64);
    expectLoops(text, "x86-64-v3+avxvnni", "{vex}\tvpdpbusd", 24);
    expectLoops(text, "x86-64-v4+avx512vnni", "vpdpbusd", 24);
  }
}

TEST(ComputeCodeTest, ExtensionsAreCompiledForWhatUsesThem) {
  Compiler compiler;
  auto levels = [&](const std::string &text) {
    std::vector<std::string> names;
    auto module = compiler.compile(text, {});
    EXPECT_TRUE(succeeded(module)) << compiler.messages;
    if (succeeded(module))
      for (const CpuCode &code : module->code) {
        std::string name = code.base;
        for (const std::string &feature : code.features)
          name += "+" + feature;
        EXPECT_EQ(name, code.level);
        names.push_back(name);
      }
    return names;
  };
  EXPECT_EQ(levels(makeBf16Module()),
            (std::vector<std::string>{"x86-64-v3", "x86-64-v4",
                                      "x86-64-v4+avx512bf16"}));
  EXPECT_EQ(
      levels(makeBlocksModule("int8", 64)),
      (std::vector<std::string>{"x86-64-v3", "x86-64-v4", "x86-64-v3+avxvnni",
                                "x86-64-v4+avx512vnni"}));
}
} // namespace
