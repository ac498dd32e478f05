// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where in a workspace each buffer of a function lies. Sizes are known when the
// function is called, so the plan (who shares bytes with whom) is made once and
// emitted wherever sizes or offsets are needed.

#ifndef MOEC_CODEGEN_CPU_ARENALAYOUT_H
#define MOEC_CODEGEN_CPU_ARENALAYOUT_H

#include "codegen/cpu/Signature.h"
#include "mlir/Dialect/Bufferization/Transforms/BufferViewFlowAnalysis.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringMap.h"
#include <memory>

namespace moec::cpu {

/// Buffers of one region. Two of them share a slot if one is dead when the
/// other is allocated; the regions of a branch share all.
struct RegionPlan {
  struct Node {
    mlir::Operation *op;  ///< an allocation, or an operation with regions
    unsigned first, last; ///< positions in the block between which it lives
    unsigned slot = 0;
    std::vector<RegionPlan> regions;
    mlir::Value bytes;
  };
  std::vector<Node> nodes;
  unsigned numSlots = 0;
  std::vector<mlir::Value> slotBytes;
};

/// Plans the buffers of a region by their live ranges.
RegionPlan planBuffers(mlir::Region &region,
                       const mlir::BufferViewFlowAnalysis &aliases);

/// Emits sizes and offsets of a plan at the builder's insertion point.
class LayoutEmitter {
public:
  LayoutEmitter(mlir::func::FuncOp function, const FunctionSignature &signature,
                mlir::OpBuilder &builder)
      : function(function), signature(signature), builder(builder) {}

  /// The named sizes and the number of workers, at the insertion point.
  llvm::StringMap<mlir::Value> symbols;
  mlir::Value workers;

  /// Bytes of all slots; null after an error, which names the allocation.
  mlir::Value emitBytes(RegionPlan &plan);

  struct Place {
    mlir::Value offset;
    llvm::SmallVector<mlir::Value> sizes;
  };
  /// After emitBytes: offsets of all allocations from `base` on.
  void emitOffsets(const RegionPlan &plan, mlir::Value base);
  llvm::MapVector<mlir::Operation *, Place> places;

private:
  mlir::Value getLeaf(mlir::Value value);
  /// A size of an argument, or of one whose dimensions are joined.
  mlir::Value getDim(mlir::Value buffer, int64_t index);
  const TensorSignature *findTensor(unsigned argument);
  mlir::Value emitAllocation(mlir::memref::AllocOp alloc);

  mlir::func::FuncOp function;
  const FunctionSignature &signature;
  mlir::OpBuilder &builder;
  mlir::IRMapping mapping;
};

} // namespace moec::cpu

#endif // MOEC_CODEGEN_CPU_ARENALAYOUT_H
