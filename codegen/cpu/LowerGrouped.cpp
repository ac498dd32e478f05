// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/LowerGrouped.h"
#include "codegen/cpu/Cpu.h"
#include "codegen/cpu/Passes.h"
#include "dialects/grouped/TaskPanels.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/TypeSwitch.h"

namespace moec::cpu {
#define GEN_PASS_DEF_CPULOWERGROUPEDPASS
#include "codegen/cpu/Passes.h.inc"
} // namespace moec::cpu

using namespace mlir;
using namespace moec::cpu;
using namespace moec::grouped;

namespace {
struct LowerGrouped : moec::cpu::impl::CpuLowerGroupedPassBase<LowerGrouped> {
  using CpuLowerGroupedPassBase::CpuLowerGroupedPassBase;

  LogicalResult lower(Operation *op) {
    if (llvm::any_of(op->getOperandTypes(), llvm::IsaPred<TensorType>))
      return op->emitOpError("expects buffers, got tensors");
    ImplicitLocOpBuilder b(op->getLoc(), op);
    LogicalResult result =
        llvm::TypeSwitch<Operation *, LogicalResult>(op)
            .Case([&](MatmulOp matmul) { return lowerMatmul(b, matmul); })
            .Case([&](SortOp sort) { return lowerSort(b, sort), success(); })
            .Case([&](SelectOp select) {
              return lowerSelect(b, select), success();
            })
            .Case(
                [&](LimitOp limit) { return lowerLimit(b, limit), success(); })
            .Case([&](SelectTokensOp select) {
              return lowerSelectTokens(b, select), success();
            })
            .Case([&](GatherOp gather) {
              return lowerGather(b, gather), success();
            })
            .Case([&](CombineOp combine) {
              return lowerCombine(b, combine), success();
            })
            .Case(
                [&](SlotsOp slots) { return lowerSlots(b, slots), success(); })
            .Case([&](MapOp map) { return lowerMap(b, map, lanes), success(); })
            .Default([](Operation *unknown) {
              return unknown->emitOpError("has no lowering for CPUs");
            });
    if (succeeded(result))
      op->erase();
    return result;
  }

  /// Whether tasks can read the weights.
  static bool isReadable(MatmulOp op) {
    auto type = cast<MemRefType>(op.getRhs()[0].getType());
    return isRowMajor(op)
               ? getTaskPanels(op).has_value()
               : type.getLayout().isIdentity() && type.hasStaticShape();
  }

  /// Pairs of matmuls that run in waves; afterwards neither is left.
  void lowerPairs() {
    SmallVector<MatmulOp> matmuls;
    getOperation().walk([&](MatmulOp op) { matmuls.push_back(op); });
    for (MatmulOp second : matmuls) {
      if (!second.getWaveRows())
        continue;
      MatmulOp first = findFirstOfWaves(second);
      if (!first || !isReadable(first) || !isReadable(second))
        continue;
      ImplicitLocOpBuilder b(second->getLoc(), second);
      lowerWaves(b, first, second, lanes);
      Operation *rows = second.getLhs().getDefiningOp();
      second.erase();
      first.erase();
      rows->erase();
    }
  }

  LogicalResult lowerMatmul(ImplicitLocOpBuilder &b, MatmulOp op) {
    if (!getTaskPanels(op)) {
      if (!hasRemarked)
        op.emitRemark("weights are neither panels nor one or two arrays of "
                      "static shape and of f32, bf16 or f16: plain loops");
      hasRemarked = true;
      lowerPlainMatmul(b, op);
      return success();
    }
    if (!isReadable(op))
      return op.emitOpError("expects a packed weight of static shape and "
                            "identity layout, got ")
             << op.getRhs()[0].getType();
    lowerPackedMatmul(b, op, lanes);
    return success();
  }

  void runOnOperation() override {
    if (lanes != 8 && lanes != 16) {
      getOperation().emitError("lanes of cpu-lower-grouped are 8 or 16, got ")
          << lanes.getValue();
      return signalPassFailure();
    }
    hasRemarked = false;
    lowerPairs();
    SmallVector<Operation *> ops;
    getOperation().walk([&](Operation *op) {
      if (isa<GroupedDialect>(op->getDialect()) && !isa<YieldOp>(op))
        ops.push_back(op);
    });
    for (Operation *op : ops)
      if (failed(lower(op)))
        return signalPassFailure();
  }

  bool hasRemarked = false;
};
} // namespace
