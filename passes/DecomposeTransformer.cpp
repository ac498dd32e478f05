// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/transformer/Transformer.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "passes/Passes.h"
#include "llvm/ADT/TypeSwitch.h"

namespace moec {
#define GEN_PASS_DEF_MOEDECOMPOSETRANSFORMERPASS
#include "passes/Passes.h.inc"
} // namespace moec

using namespace mlir;
using namespace moec::transformer;

namespace {
struct DecomposeTransformer
    : moec::impl::MoeDecomposeTransformerPassBase<DecomposeTransformer> {
  using MoeDecomposeTransformerPassBase::MoeDecomposeTransformerPassBase;

  void runOnOperation() override {
    SmallVector<Operation *> ops;
    getOperation()->walk([&](Operation *op) {
      bool isKernel = isa<AttentionOp, KvAppendOp>(op);
      if (isa_and_nonnull<TransformerDialect>(op->getDialect()) &&
          (all || !isKernel))
        ops.push_back(op);
    });
    for (Operation *op : ops) {
      OpBuilder builder(op);
      SmallVector<Value> results =
          llvm::TypeSwitch<Operation *, SmallVector<Value>>(op)
              .Case([&](AttentionOp attention) -> SmallVector<Value> {
                return {decomposeAttention(builder, attention)};
              })
              .Case([&](KvAppendOp append) -> SmallVector<Value> {
                return {decomposeKvAppend(builder, append)};
              })
              .Case(
                  [&](KvViewOp view) { return decomposeKvView(builder, view); })
              .Case([&](RotaryOp rotary) -> SmallVector<Value> {
                return {decomposeRotary(builder, rotary)};
              });
      op->replaceAllUsesWith(results);
      op->erase();
    }
  }
};
} // namespace
