// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Two matmuls in waves against the same two one after the other: the same bits,
// for any number of workers, waves and kind of routing, with and without the
// host's service for waiting.

#include "Harness.h"
#include "llvm/Support/FormatVariadic.h"

using namespace moec::cpu;
using namespace moec::cpu::test;

namespace {
constexpr int64_t kGroups = 5, kHidden = 24, kSlots = 2;

/// x -> h = a * b of two parts -> y += h * w2 * weight of the slot.
std::string makeModule(llvm::StringRef wave) {
  return llvm::formatv(
      R"mlir(
ml_program.global private @w1(#moe.random<seed = 1, std = 2.0e-02 : f64>) : tensor<5x3x24x16x1xf32>
ml_program.global private @w2(#moe.random<seed = 2, std = 2.0e-02 : f64>) : tensor<5x2x20x16x1xf32>
func.func @f(%x: tensor<?x24xf32> {{moe.name = "x", moe.dims = ["T", "24"]},
    %o: tensor<6xi32> {{moe.name = "o", moe.dims = ["6"]},
    %t: tensor<?xi32> {{moe.name = "t", moe.dims = ["R"]},
    %s: tensor<?xi32> {{moe.name = "s", moe.dims = ["R"]},
    %k: tensor<?x2xf32> {{moe.name = "k", moe.dims = ["T", "2"]})
    -> (tensor<?x24xf32> {{moe.name = "y", moe.dims = ["T", "24"]}) {{
  %w1 = ml_program.global_load_const @w1 : tensor<5x3x24x16x1xf32>
  %w2 = ml_program.global_load_const @w2 : tensor<5x2x20x16x1xf32>
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %n = tensor.dim %x, %c0 : tensor<?x24xf32>
  %r = tensor.dim %t, %c0 : tensor<?xi32>
  %e = tensor.empty(%n) : tensor<?x24xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x24xf32>) -> tensor<?x24xf32>
  %i = tensor.empty(%r) : tensor<?x20xf32>
  %h = grouped.matmul lhs(%x : tensor<?x24xf32>) rhs(%w1 : tensor<5x3x24x16x1xf32>)
    groups(%o, %t, %s : tensor<6xi32>, tensor<?xi32>, tensor<?xi32>)
    outs(%i : tensor<?x20xf32>) attributes {{gather, maps = [],
      panels = #grouped.panels<parts = 2, columns = 20, depth = 24>,
      tile = #grouped.tile<rows = 6, depth = 16, panels = 1, task_panels = 2>} {{
  ^bb0(%a: f32, %b: f32):
    %m = arith.mulf %a, %b : f32
    grouped.yield %m : f32
  } -> tensor<?x20xf32>
  %y = grouped.matmul lhs(%h : tensor<?x20xf32>) rhs(%w2 : tensor<5x2x20x16x1xf32>)
    groups(%o, %t, %s : tensor<6xi32>, tensor<?xi32>, tensor<?xi32>)
    extras(%k : tensor<?x2xf32>)
    outs(%z : tensor<?x24xf32>) attributes {{reduce, {0}
      maps = [affine_map<(e, r, t, s, n) -> (t, s)>],
      panels = #grouped.panels<parts = 1, columns = 24, depth = 20>,
      tile = #grouped.tile<rows = 6, depth = 32, panels = 1, task_panels = 1>} {{
  ^bb0(%a: f32, %weight: f32):
    %m = arith.mulf %a, %weight : f32
    grouped.yield %m : f32
  } -> tensor<?x24xf32>
  return %y : tensor<?x24xf32>
}
)mlir",
      wave);
}

/// Weights, tokens and routing of one call.
struct Inputs {
  alignas(64) float w1[5 * 3 * 24 * 16];
  alignas(64) float w2[5 * 2 * 20 * 16];
  std::vector<float> x, k;
  std::vector<int32_t> offsets, tokens, slots;
  int64_t numTokens;

  /// Tokens go to groups `pick(token, slot)`; -1 means nowhere.
  Inputs(int64_t count, llvm::function_ref<int(int64_t, int64_t)> pick)
      : numTokens(count) {
    uint32_t state = 1;
    auto real = [&] {
      state = state * 1664525u + 1013904223u;
      return static_cast<float>(state >> 8) / 8388608.0f - 1.0f;
    };
    for (float &value : w1)
      value = real();
    for (float &value : w2)
      value = real();
    for (int64_t i = 0; i < count * kHidden; ++i)
      x.push_back(real());
    for (int64_t i = 0; i < count * kSlots; ++i)
      k.push_back(real());
    offsets.push_back(0);
    for (int group = 0; group < kGroups; ++group) {
      for (int64_t token = 0; token < count; ++token)
        for (int64_t slot = 0; slot < kSlots; ++slot)
          if (pick(token, slot) == group) {
            tokens.push_back(token);
            slots.push_back(slot);
          }
      offsets.push_back(tokens.size());
    }
    tokens.resize(count * kSlots, -7);
    slots.resize(count * kSlots, -7);
  }

  std::vector<float> run(Library &library, uint32_t workers, bool canWait) {
    std::vector<float> y(numTokens * kHidden, -1);
    Call call(workers);
    call.services.table.wait = [](void *, const int32_t *, int32_t) {
      std::this_thread::yield();
    };
    if (!canWait) // a host from before there was such a service
      call.services.table.struct_size = offsetof(moec_services, wait);
    call.addArgument(x, {numTokens, kHidden}, MOEC_DTYPE_F32);
    call.addArgument(offsets, {kGroups + 1}, MOEC_DTYPE_I32);
    call.addArgument(tokens, {numTokens * kSlots}, MOEC_DTYPE_I32);
    call.addArgument(slots, {numTokens * kSlots}, MOEC_DTYPE_I32);
    call.addArgument(k, {numTokens, kSlots}, MOEC_DTYPE_F32);
    call.addResult(y, {numTokens, kHidden}, MOEC_DTYPE_F32);
    call.addParameter(w1);
    call.addParameter(w2);
    EXPECT_EQ(call.run(library, "f"), MOEC_FRAME_OK);
    return y;
  }
};

TEST(Waves, GiveTheSameBitsAsOneMatmulAfterTheOther) {
  if (!hostHas("x86-64-v3"))
    GTEST_SKIP() << "this machine has no x86-64-v3";
  Compiler apart, together;
  auto plain = apart.compile(makeModule(""), {"x86-64-v3"});
  auto waves = together.compile(makeModule("wave_rows = 7,"), {"x86-64-v3"});
  ASSERT_TRUE(succeeded(plain)) << apart.messages;
  ASSERT_TRUE(succeeded(waves)) << together.messages;
  EXPECT_NE(waves->code[0].llvmText.find("atomicrmw"), std::string::npos);
  EXPECT_EQ(plain->code[0].llvmText.find("atomicrmw"), std::string::npos);
  Library one(plain->code[0].elf), two(waves->code[0].elf);

  auto spread = [](int64_t token, int64_t slot) {
    return int((token * 7 + slot * 3) % (kGroups + 1)) - 1;
  };
  auto hot = [](int64_t token, int64_t slot) { return slot ? -1 : 3; };
  auto nowhere = [](int64_t, int64_t) { return -1; };
  for (int64_t count : {0, 1, 5, 97})
    for (auto pick : {llvm::function_ref<int(int64_t, int64_t)>(spread),
                      llvm::function_ref<int(int64_t, int64_t)>(hot),
                      llvm::function_ref<int(int64_t, int64_t)>(nowhere)}) {
      Inputs inputs(count, pick);
      std::vector<float> expected = inputs.run(one, 1, /*canWait=*/true);
      for (uint32_t workers : {1, 2, 3, 7})
        for (bool canWait : {true, false})
          EXPECT_EQ(inputs.run(two, workers, canWait), expected)
              << count << " tokens, " << workers << " workers";
    }
}

TEST(Waves, NeedTheLhsForThemselves) {
  // The intermediate rows are a result too, so that no wave may reuse them.
  std::string text = makeModule("wave_rows = 7,");
  auto replace = [&](llvm::StringRef from, llvm::StringRef to) {
    size_t at = text.find(from.str());
    ASSERT_NE(at, std::string::npos);
    text.replace(at, from.size(), to.str());
  };
  replace(R"(-> (tensor<?x24xf32> {moe.name = "y", moe.dims = ["T", "24"]}))",
          R"(-> (tensor<?x24xf32> {moe.name = "y", moe.dims = ["T", "24"]},
              tensor<?x20xf32> {moe.name = "h", moe.dims = ["R", "20"]}))");
  replace("return %y : tensor<?x24xf32>",
          "return %y, %h : tensor<?x24xf32>, tensor<?x20xf32>");
  Compiler compiler;
  auto module = compiler.compile(text, {"x86-64-v3"});
  ASSERT_TRUE(succeeded(module)) << compiler.messages;
  EXPECT_EQ(module->code[0].llvmText.find("atomicrmw"), std::string::npos);
}
} // namespace
