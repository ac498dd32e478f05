// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/Cpu.h"
#include "codegen/cuda/Cuda.h"
#include "codegen/cuda/Passes.h"
#include "codegen/cuda/WrapSequential.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"

namespace moec::cuda {
#define GEN_PASS_DEF_CUDAOUTLINEKERNELSPASS
#include "codegen/cuda/Passes.h.inc"
} // namespace moec::cuda

using namespace mlir;
using namespace moec::cuda;

namespace {
struct OutlineKernels
    : moec::cuda::impl::CudaOutlineKernelsPassBase<OutlineKernels> {
  /// What a buffer is called in every layer: "experts_gate" of
  /// "layers.3.experts.gate"; empty if it has no name.
  static std::string nameOf(Value value) {
    auto argument = dyn_cast<BlockArgument>(value);
    auto function =
        argument ? dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp())
                 : func::FuncOp();
    if (!function)
      return "";
    unsigned index = argument.getArgNumber();
    std::string full;
    for (StringRef attribute : {moec::cpu::kParamAttr, moec::cpu::kStateAttr})
      if (auto symbol =
              function.getArgAttrOfType<FlatSymbolRefAttr>(index, attribute))
        full = symbol.getValue().str();
    if (auto name =
            function.getArgAttrOfType<StringAttr>(index, moec::cpu::kNameAttr))
      full = name.str();
    SmallVector<StringRef> parts, kept;
    StringRef(full).split(parts, '.');
    for (StringRef part : parts) {
      if (llvm::all_of(part, llvm::isDigit))
        kept.clear();
      else
        kept.push_back(part);
    }
    std::string name = llvm::join(kept, "_");
    for (char &c : name)
      if (!llvm::isAlnum(c))
        c = '_';
    return name;
  }

  /// The text of a kernel without its name.
  static std::string printNameless(func::FuncOp kernel) {
    std::string text;
    llvm::raw_string_ostream stream(text);
    StringAttr name = kernel.getSymNameAttr();
    kernel.setSymName("kernel");
    kernel.print(stream, OpPrintingFlags().useLocalScope());
    kernel.setSymNameAttr(name);
    return text;
  }

  /// The kernel of a loop that captures these values.
  func::FuncOp makeKernel(scf::ParallelOp loop, ArrayRef<Value> captures,
                          ArrayRef<Value> constants) {
    Location loc = loop.getLoc();
    OpBuilder builder(&getContext());
    auto kernel = func::FuncOp::create(
        loc, "kernel",
        builder.getFunctionType(ValueRange(captures).getTypes(), {}));
    kernel.setPrivate();
    kernel->setAttr(kKernelAttr, builder.getUnitAttr());
    Block *entry = kernel.addEntryBlock();
    builder.setInsertionPointToStart(entry);
    IRMapping mapping;
    mapping.map(captures, entry->getArguments());
    for (Value value : constants)
      builder.clone(*value.getDefiningOp(), mapping);
    Operation *copy = builder.clone(*loop, mapping);
    copy->removeAttr(kNameAttr);
    func::ReturnOp::create(builder, loc);
    for (auto [index, capture] : llvm::enumerate(captures))
      if (std::string name = nameOf(capture); !name.empty())
        kernel.setArgAttr(index, moec::cpu::kNameAttr,
                          builder.getStringAttr(name));
    return kernel;
  }

  void outline(scf::ParallelOp loop, Value services, SymbolTable &symbols) {
    Location loc = loop.getLoc();
    OpBuilder builder(loop);
    llvm::SetVector<Value> used;
    getUsedValuesDefinedAbove(loop.getRegion(), used);
    used.insert_range(loop.getOperands());
    SmallVector<Value> captures, constants;
    for (Value value : used)
      (matchPattern(value, m_Constant()) ? constants : captures)
          .push_back(value);

    int64_t sharedBytes = 0;
    loop.getBody()->walk(
        [&](MultiplyTilesOp op) { sharedBytes = op.getSharedBytes(); });
    Value count = arith::ConstantIndexOp::create(builder, loc, 1);
    for (auto [lower, upper, step] : llvm::zip_equal(
             loop.getLowerBound(), loop.getUpperBound(), loop.getStep())) {
      Value length = builder.createOrFold<arith::SubIOp>(loc, upper, lower);
      Value trips = builder.createOrFold<arith::CeilDivSIOp>(loc, length, step);
      count = builder.createOrFold<arith::MulIOp>(loc, count, trips);
    }
    if (!isBlockLoop(loop))
      count = builder.createOrFold<arith::CeilDivSIOp>(
          loc, count, arith::ConstantIndexOp::create(builder, loc, kThreads));

    func::FuncOp kernel = makeKernel(loop, captures, constants);
    auto name = loop->getAttrOfType<StringAttr>(kNameAttr);
    auto [known, isNew] = kernels.try_emplace(printNameless(kernel), "");
    if (isNew) {
      known->second = (name ? name.getValue() : StringRef("loop")).str() + "_" +
                      std::to_string(kernels.size() - 1);
      kernel.setSymName(known->second);
      symbols.insert(kernel);
      known->second = kernel.getSymName().str();
    } else {
      kernel.erase();
    }
    LaunchOp::create(builder, loc, known->second, count, kThreads, sharedBytes,
                     services, captures);
    loop.erase();
  }

  LogicalResult convert(func::FuncOp function, SymbolTable &symbols) {
    Builder builder(&getContext());
    auto append = [&](Type type, StringRef name) {
      auto attrs = builder.getDictionaryAttr(
          builder.getNamedAttr(name, builder.getUnitAttr()));
      (void)function.insertArgument(function.getNumArguments(), type, attrs,
                                    function.getLoc());
      return function.getArgument(function.getNumArguments() - 1);
    };
    Value workers = append(builder.getIndexType(), moec::cpu::kWorkersAttr);
    Value services = append(LLVM::LLVMPointerType::get(&getContext()),
                            moec::cpu::kServicesAttr);
    function.walk(
        [&](moec::cpu::TapOp op) { op.getServicesMutable().assign(services); });
    function.walk([&](moec::cpu::NumWorkersOp op) {
      op.replaceAllUsesWith(workers);
      op.erase();
    });
    if (failed(wrapSequential(function)))
      return failure();
    SmallVector<scf::ParallelOp> loops;
    WalkResult walk =
        function.walk<WalkOrder::PreOrder>([&](scf::ParallelOp op) {
          if (op.getNumResults()) {
            op.emitOpError("has results, which has no CUDA code");
            return WalkResult::interrupt();
          }
          loops.push_back(op);
          return WalkResult::skip();
        });
    if (walk.wasInterrupted())
      return failure();
    for (scf::ParallelOp loop : loops)
      outline(loop, services, symbols);
    return success();
  }

  void runOnOperation() override {
    kernels.clear();
    SymbolTable symbols(getOperation());
    SmallVector<func::FuncOp> functions;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (function.isPublic() && !function.isExternal())
        functions.push_back(function);
    for (func::FuncOp function : functions)
      if (failed(convert(function, symbols)))
        return signalPassFailure();
  }

  llvm::StringMap<std::string> kernels; ///< by text: names
};
} // namespace
