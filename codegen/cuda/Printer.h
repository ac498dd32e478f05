// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The state of printing one kernel. Definitions: KernelPrinter.cpp (the kernel,
// its values), PrintControl.cpp (loops and branches), PrintBuffers.cpp
// (memory), PrintTiles.cpp (products by tensor cores).

#ifndef MOEC_CODEGEN_CUDA_PRINTER_H
#define MOEC_CODEGEN_CUDA_PRINTER_H

#include "codegen/cuda/BufferNames.h"
#include "codegen/cuda/Cuda.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/raw_ostream.h"

namespace moec::cuda {

class Printer {
public:
  Printer(mlir::func::FuncOp kernel, llvm::raw_ostream &stream)
      : kernel(kernel), stream(stream) {}

  mlir::LogicalResult print();

private:
  /// Who runs the code at this point: all threads of a block the same, or each
  /// thread its own.
  enum class Level { Block, Thread };

  mlir::LogicalResult printParameters();
  mlir::LogicalResult printGrid(mlir::scf::ParallelOp loop);
  mlir::LogicalResult printBlock(mlir::Block &block);
  mlir::LogicalResult printOp(mlir::Operation *op);
  mlir::LogicalResult printFor(mlir::scf::ForOp op);
  mlir::LogicalResult printIf(mlir::scf::IfOp op);
  mlir::LogicalResult printSwitch(mlir::scf::IndexSwitchOp op);
  mlir::LogicalResult printWhile(mlir::scf::WhileOp op);
  mlir::LogicalResult printThreads(mlir::scf::ParallelOp op);
  mlir::LogicalResult printStore(mlir::memref::StoreOp op);
  mlir::LogicalResult printLocal(mlir::Value buffer);
  mlir::LogicalResult printExpression(mlir::Operation *op);
  mlir::LogicalResult printSubView(mlir::memref::SubViewOp op);
  mlir::LogicalResult printView(mlir::memref::ViewOp op);
  mlir::LogicalResult printCollapse(mlir::memref::CollapseShapeOp op);
  mlir::LogicalResult printExpand(mlir::memref::ExpandShapeOp op);
  mlir::LogicalResult printMultiplyTiles(MultiplyTilesOp op);

  /// Declares the results of an operation with regions.
  mlir::LogicalResult declare(mlir::ValueRange values, mlir::ValueRange init);
  /// Assigns what a terminator hands over.
  void assign(mlir::ValueRange values, mlir::ValueRange to);
  /// The positions of a loop nest from one number.
  void printPositions(mlir::scf::ParallelOp loop, llvm::StringRef number);
  /// Number of iterations of each loop, and their product.
  std::pair<llvm::SmallVector<std::string>, std::string>
  countTrips(mlir::scf::ParallelOp loop);

  llvm::raw_ostream &line() { return stream.indent(2 * depth); }
  std::string fresh(llvm::StringRef stem);
  std::string name(mlir::Value value);
  std::string mixed(mlir::OpFoldResult value);
  llvm::SmallVector<std::string> namesOf(mlir::ValueRange values);
  bool isUniform() const { return level == Level::Block; }

  mlir::func::FuncOp kernel;
  llvm::raw_ostream &stream;
  unsigned depth = 0;
  Level level = Level::Thread;
  llvm::DenseMap<mlir::Value, std::string> names;
  llvm::DenseMap<mlir::Value, BufferName> buffers;
  llvm::StringSet<> taken;
  unsigned next = 0;
};

/// Without the parentheses that enclose all of it.
std::string bare(const std::string &text);

} // namespace moec::cuda

#endif // MOEC_CODEGEN_CUDA_PRINTER_H
