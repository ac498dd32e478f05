// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A value that is used once, in its own block, stands as an expression where it
// is used; others, and everything that is read from memory, get a name.

#include "codegen/cuda/KernelPrinter.h"
#include "codegen/cpu/Cpu.h"
#include "codegen/cuda/Cuda.h"
#include "codegen/cuda/Expressions.h"
#include "codegen/cuda/Printer.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace moec::cuda;

/// Longer expressions get a name.
static constexpr size_t kLongest = 60;

std::string Printer::fresh(StringRef stem) {
  std::string text = stem.str();
  if (stem.size() == 1 || !taken.insert(text).second) {
    do
      text = stem.str() + std::to_string(next++);
    while (!taken.insert(text).second);
  }
  return text;
}

std::string Printer::name(Value value) {
  auto known = names.find(value);
  if (known != names.end())
    return known->second;
  if (auto constant = value.getDefiningOp<arith::ConstantOp>())
    if (auto text = cppConstant(constant.getValue()))
      return *text;
  return "?";
}

std::string Printer::mixed(OpFoldResult value) {
  if (auto attribute = dyn_cast<Attribute>(value))
    return *cppConstant(attribute);
  return name(cast<Value>(value));
}

SmallVector<std::string> Printer::namesOf(ValueRange values) {
  SmallVector<std::string> texts;
  for (Value value : values)
    texts.push_back(name(value));
  return texts;
}

LogicalResult Printer::printParameters() {
  stream << "extern \"C\" __global__ void __launch_bounds__(" << kThreads
         << ")\n"
         << kernel.getName() << '(';
  bool isFirst = true;
  auto add = [&](StringRef type, StringRef name) {
    stream << (isFirst ? "" : ", ") << type << name;
    isFirst = false;
  };
  for (BlockArgument argument : kernel.getArguments()) {
    auto given = kernel.getArgAttrOfType<StringAttr>(argument.getArgNumber(),
                                                     moec::cpu::kNameAttr);
    auto memref = dyn_cast<MemRefType>(argument.getType());
    Type scalar = memref ? memref.getElementType() : argument.getType();
    std::optional<std::string> type = cppType(scalar);
    if (!type)
      return kernel.emitError("has an argument of a type without CUDA code: ")
             << argument.getType();
    std::string name =
        fresh(given ? given.getValue() : StringRef(memref ? "buffer" : "n"));
    names[argument] = name;
    if (!memref) {
      add(*type + " ", name);
      continue;
    }
    add(*type + " *", name);
    BufferName &buffer = buffers[argument];
    buffer.base = name;
    for (auto [dim, size] : llvm::enumerate(memref.getShape())) {
      bool isDynamic = ShapedType::isDynamic(size);
      buffer.sizes.push_back(isDynamic
                                 ? fresh(name + "_size" + Twine(dim).str())
                                 : std::to_string(size));
      if (isDynamic)
        add("Index ", buffer.sizes.back());
    }
    if (memref.getLayout().isIdentity()) {
      buffer.strides = denseStrides(buffer.sizes);
      continue;
    }
    auto [strides, offset] = memref.getStridesAndOffset();
    for (auto [dim, stride] : llvm::enumerate(strides)) {
      bool isDynamic = ShapedType::isDynamic(stride);
      buffer.strides.push_back(isDynamic
                                   ? fresh(name + "_stride" + Twine(dim).str())
                                   : std::to_string(stride));
      if (isDynamic)
        add("Index ", buffer.strides.back());
    }
  }
  stream << ") {\n";
  return success();
}

std::pair<SmallVector<std::string>, std::string>
Printer::countTrips(scf::ParallelOp loop) {
  SmallVector<std::string> trips;
  std::string total = "1";
  for (auto [lower, upper, step] : llvm::zip_equal(
           loop.getLowerBound(), loop.getUpperBound(), loop.getStep())) {
    std::string from = name(lower), to = name(upper), by = name(step);
    std::string length = from == "0" ? to : "(" + to + " - " + from + ")";
    trips.push_back(by == "1" ? length : "ceilDiv(" + length + ", " + by + ")");
    total = product(total, trips.back());
  }
  return {trips, total};
}

void Printer::printPositions(scf::ParallelOp loop, StringRef number) {
  SmallVector<std::string> trips = countTrips(loop).first;
  std::string rest = number.str();
  unsigned loops = loop.getNumLoops();
  SmallVector<std::string> lines(loops);
  for (unsigned dim = loops; dim-- > 0;) {
    std::string position = rest;
    if (dim > 0) {
      position = rest + " % " + trips[dim];
      rest = dim == 1 || loops == 2 ? rest + " / " + trips[dim]
                                    : "(" + rest + " / " + trips[dim] + ")";
    }
    std::string lower = name(loop.getLowerBound()[dim]),
                step = name(loop.getStep()[dim]);
    if (step != "1")
      position = "(" + position + ") * " + step;
    if (lower != "0")
      position += " + " + lower;
    std::string variable = fresh("i");
    names[loop.getInductionVars()[dim]] = variable;
    lines[dim] = "const Index " + variable + " = " + position + ";\n";
  }
  for (const std::string &text : lines)
    line() << text;
}

LogicalResult Printer::printGrid(scf::ParallelOp loop) {
  if (isBlockLoop(loop)) {
    level = Level::Block;
    if (!llvm::all_of(loop.getInductionVars(),
                      [](Value position) { return position.use_empty(); }))
      printPositions(loop, "Index(blockIdx.x)");
  } else {
    line() << "const Index thread = Index(blockIdx.x) * " << kThreads
           << " + threadIdx.x;\n";
    line() << "if (thread >= " << countTrips(loop).second << ")\n";
    line() << "  return;\n";
    printPositions(loop, "thread");
  }
  return printBlock(*loop.getBody());
}

LogicalResult Printer::print() {
  if (failed(printParameters()))
    return failure();
  depth = 1;
  for (Operation &op : kernel.front().without_terminator()) {
    auto loop = dyn_cast<scf::ParallelOp>(op);
    if (failed(loop ? printGrid(loop) : printOp(&op)))
      return failure();
  }
  stream << "}\n";
  return success();
}

LogicalResult Printer::printExpression(Operation *op) {
  std::optional<std::string> text =
      cppExpression(op, namesOf(op->getOperands()));
  std::optional<std::string> type;
  if (text)
    type = cppType(op->getResult(0).getType());
  if (!type)
    return op->emitOpError("has no CUDA code");
  Value result = op->getResult(0);
  bool isShort = text->size() <= kLongest;
  if (isShort && result.hasOneUse() &&
      result.getUses().begin()->getOwner()->getBlock() == op->getBlock() &&
      result.getUses().begin()->getOwner()->getNumRegions() == 0) {
    bool isAtom = text->find(' ') == std::string::npos &&
                  text->front() != '-' && text->front() != '!';
    names[result] = isAtom ? *text : "(" + *text + ")";
    return success();
  }
  std::string variable = fresh("v");
  names[result] = variable;
  line() << "const " << *type << ' ' << variable << " = " << *text << ";\n";
  return success();
}

LogicalResult Printer::printOp(Operation *op) {
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](arith::ConstantOp constant) -> LogicalResult {
        if (!cppConstant(constant.getValue()))
          return constant.emitOpError("of this type has no CUDA code");
        return success();
      })
      .Case([&](scf::ForOp loop) { return printFor(loop); })
      .Case([&](scf::IfOp branch) { return printIf(branch); })
      .Case([&](scf::IndexSwitchOp choice) { return printSwitch(choice); })
      .Case([&](scf::WhileOp loop) { return printWhile(loop); })
      .Case([&](scf::ParallelOp loop) { return printThreads(loop); })
      .Case([&](memref::LoadOp load) -> LogicalResult {
        std::string variable = fresh("v");
        std::string text =
            buffers[load.getMemRef()].at(namesOf(load.getIndices()));
        names[load.getResult()] = variable;
        line() << "const " << *cppType(load.getType()) << ' ' << variable
               << " = " << text << ";\n";
        return success();
      })
      .Case([&](memref::StoreOp store) { return printStore(store); })
      .Case([&](memref::DimOp dim) -> LogicalResult {
        std::optional<int64_t> index = dim.getConstantIndex();
        if (!index)
          return dim.emitOpError("of a computed dimension has no CUDA code");
        names[dim.getResult()] = buffers[dim.getSource()].sizes[*index];
        return success();
      })
      .Case<memref::AllocOp, memref::AllocaOp>(
          [&](auto alloc) { return printLocal(alloc.getResult()); })
      .Case([&](memref::CastOp cast) -> LogicalResult {
        BufferName source = buffers[cast.getSource()];
        buffers[cast.getResult()] = source;
        return success();
      })
      .Case([&](memref::SubViewOp view) { return printSubView(view); })
      .Case([&](memref::ViewOp view) { return printView(view); })
      .Case([&](memref::CollapseShapeOp op) { return printCollapse(op); })
      .Case([&](memref::ExpandShapeOp op) { return printExpand(op); })
      .Case([&](MultiplyTilesOp op) { return printMultiplyTiles(op); })
      .Default([&](Operation *other) { return printExpression(other); });
}

LogicalResult moec::cuda::printKernel(func::FuncOp kernel,
                                      raw_ostream &stream) {
  return Printer(kernel, stream).print();
}
