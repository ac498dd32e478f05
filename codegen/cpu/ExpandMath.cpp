// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include <cmath>

namespace moec::cpu {
#define GEN_PASS_DEF_CPUEXPANDMATHPASS
#include "codegen/cpu/Passes.h.inc"
} // namespace moec::cpu

using namespace mlir;
using namespace moec::cpu;

namespace {
/// exp(x) = 2^k * exp(r), r = x - k ln 2, |r| <= ln 2 / 2. The upstream pattern
/// subtracts k ln 2 in one step, which costs up to 2e-6 at large |x|; here ln 2
/// is in two parts. 2^k is two factors, so that results near the ends of the
/// range overflow to infinity and underflow through subnormals as they should.
struct ExpandExp : OpRewritePattern<math::ExpOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::ExpOp op,
                                PatternRewriter &rewriter) const override {
    Type type = op.getType();
    if (!getElementTypeOrSelf(type).isF32())
      return rewriter.notifyMatchFailure(op, "not f32");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Type intType = b.getI32Type();
    if (auto vector = dyn_cast<VectorType>(type))
      intType = vector.clone(b.getI32Type());
    auto constant = [&](Type of, TypedAttr scalar) -> Value {
      if (auto vector = dyn_cast<VectorType>(of))
        return arith::ConstantOp::create(
            b, DenseElementsAttr::get(vector, ArrayRef<Attribute>(scalar)));
      return arith::ConstantOp::create(b, scalar);
    };
    auto f = [&](float value) {
      return constant(type, b.getF32FloatAttr(value));
    };
    auto i = [&](int32_t value) {
      return constant(intType, b.getI32IntegerAttr(value));
    };
    auto fma = [&](Value x, Value y, Value z) -> Value {
      return math::FmaOp::create(b, x, y, z);
    };

    Value x = op.getOperand();
    Value high = f(89.0f), low = f(-104.0f);
    Value tooHigh =
        arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, x, high);
    Value tooLow = arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, x, low);
    Value clamped = arith::SelectOp::create(b, tooHigh, high, x);
    clamped = arith::SelectOp::create(b, tooLow, low, clamped);

    Value scaled = arith::MulFOp::create(b, clamped, f(1.44269504088896341f));
    Value k = math::RoundEvenOp::create(b, scaled);
    Value r = fma(k, f(-0.693359375f), clamped);
    r = fma(k, f(2.12194440e-4f), r);

    Value p = f(1.9875691500e-4f);
    for (float c : {1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f,
                    1.6666665459e-1f, 5.0000001201e-1f})
      p = fma(p, r, f(c));
    Value square = arith::MulFOp::create(b, r, r);
    Value y = fma(p, square, r);
    y = arith::AddFOp::create(b, y, f(1.0f));

    Value exponent = arith::FPToSIOp::create(b, intType, k);
    Value half = arith::ShRSIOp::create(b, exponent, i(1));
    Value rest = arith::SubIOp::create(b, exponent, half);
    for (Value part : {half, rest}) {
      Value biased = arith::AddIOp::create(b, part, i(127));
      Value bits = arith::ShLIOp::create(b, biased, i(23));
      y = arith::MulFOp::create(b, y, arith::BitcastOp::create(b, type, bits));
    }
    Value isNan = arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, x, x);
    rewriter.replaceOpWithNewOp<arith::SelectOp>(op, isNan, x, y);
    return success();
  }
};

struct ExpandMath : moec::cpu::impl::CpuExpandMathPassBase<ExpandMath> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ExpandExp>(&getContext(), /*benefit=*/10);
    populateMathF32ExpansionPatterns(
        patterns, [](StringRef name) { return name != "math.fma"; });
    // Upstream's rsqrt is an AVX instruction, right to 12 bits only.
    populateMathPolynomialApproximationPatterns(patterns, [](StringRef name) {
      return name != "math.rsqrt" && name != "math.exp";
    });
    math::populateExpansionPatterns(patterns, {"sinh", "cosh", "tan", "asinh",
                                               "acosh", "atanh", "exp2", "powf",
                                               "fpowi", "rsqrt", "clampf"});
    arith::populateArithExpandOpsPatterns(patterns);
    arith::populateExpandBFloat16Patterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
