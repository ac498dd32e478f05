// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/SelectCompute.h"
#include "dialects/grouped/Compute.h"
#include "mlir/IR/BuiltinOps.h"

using namespace mlir;
using namespace moec::grouped;

namespace {
struct SelectCompute : PassWrapper<SelectCompute, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(SelectCompute)

  StringRef getArgument() const final { return "moe-select-compute"; }
  StringRef getDescription() const final {
    return "Multiply int8 and int4 blocks as integers";
  }

  void runOnOperation() override {
    bool isAny = false;
    getOperation()->walk([&](MatmulOp matmul) {
      std::optional<PanelsAttr> panels = matmul.getPanels();
      if (!panels || !fitsInt8(panels->getBlocks())) {
        matmul.emitRemark("computes in f32: its weights are not int8 or int4 "
                          "blocks of 32 without offsets");
        return;
      }
      isAny = true;
      matmul->setAttr(kComputeAttr, StringAttr::get(&getContext(), "int8"));
    });
    if (isAny)
      return;
    getOperation().emitError("no weights are int8 or int4 blocks of 32 without "
                             "offsets, which computing in int8 needs");
    signalPassFailure();
  }
};
} // namespace

std::unique_ptr<Pass> moec::createSelectComputePass() {
  return std::make_unique<SelectCompute>();
}

void moec::registerSelectComputePass() {
  registerPass(createSelectComputePass);
}
