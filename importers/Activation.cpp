// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "importers/Activation.h"
#include "importers/Scalar.h"

using namespace moec;
using namespace mlir;

namespace {

Value buildIdentity(OpBuilder &, Location, Value x) { return x; }

Value buildSigmoid(OpBuilder &b, Location loc, Value x) {
  return Scalar{b, loc}.sigmoid(x);
}

Value buildSilu(OpBuilder &b, Location loc, Value x) {
  Scalar s{b, loc};
  return s.mul(x, s.sigmoid(x));
}

Value buildQuickGelu(OpBuilder &b, Location loc, Value x) {
  Scalar s{b, loc};
  return s.mul(x, s.sigmoid(s.mul(s.constant(1.702), x)));
}

/// x / 2 * (1 + erf(x / sqrt(2)))
Value buildGelu(OpBuilder &b, Location loc, Value x) {
  Scalar s{b, loc};
  Value erf =
      math::ErfOp::create(b, loc, s.mul(x, s.constant(0.70710678118654752440)));
  return s.mul(s.mul(s.constant(0.5), x), s.add(s.constant(1.0), erf));
}

/// x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))
Value buildGeluTanh(OpBuilder &b, Location loc, Value x) {
  Scalar s{b, loc};
  Value cube = s.mul(s.mul(x, x), x);
  Value inner = s.add(x, s.mul(s.constant(0.044715), cube));
  Value tanh = s.tanh(s.mul(s.constant(0.79788456080286535588), inner));
  return s.mul(s.mul(s.constant(0.5), x), s.add(s.constant(1.0), tanh));
}

Value buildRelu(OpBuilder &b, Location loc, Value x) {
  Scalar s{b, loc};
  return s.max(x, s.constant(0.0));
}

Value buildRelu2(OpBuilder &b, Location loc, Value x) {
  Value relu = buildRelu(b, loc, x);
  return Scalar{b, loc}.mul(relu, relu);
}

Value buildRelu6(OpBuilder &b, Location loc, Value x) {
  Scalar s{b, loc};
  return s.min(s.max(x, s.constant(0.0)), s.constant(6.0));
}

Value buildTanh(OpBuilder &b, Location loc, Value x) {
  return Scalar{b, loc}.tanh(x);
}

// The names of transformers' ACT2FN.
constexpr Activation kActivations[] = {
    {"silu", buildSilu},
    {"swish", buildSilu},
    {"gelu", buildGelu},
    {"gelu_python", buildGelu},
    {"gelu_new", buildGeluTanh},
    {"gelu_fast", buildGeluTanh},
    {"gelu_accurate", buildGeluTanh},
    {"gelu_pytorch_tanh", buildGeluTanh},
    {"gelu_python_tanh", buildGeluTanh},
    {"quick_gelu", buildQuickGelu},
    {"relu", buildRelu},
    {"relu2", buildRelu2},
    {"relu6", buildRelu6},
    {"sigmoid", buildSigmoid},
    {"tanh", buildTanh},
    {"linear", buildIdentity},
};

} // namespace

const Activation *moec::findActivation(llvm::StringRef name) {
  for (const Activation &activation : kActivations)
    if (name == activation.name)
      return &activation;
  return nullptr;
}

std::string moec::listActivations() {
  std::string names;
  for (const Activation &activation : kActivations)
    names += (names.empty() ? "" : ", ") + std::string(activation.name);
  return names;
}
