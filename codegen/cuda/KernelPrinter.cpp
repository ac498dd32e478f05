// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A value that is used once, in its own block, stands as an expression where it
// is used; others, and everything that is read from memory, get a name.

#include "codegen/cuda/KernelPrinter.h"
#include "codegen/cpu/Cpu.h"
#include "codegen/cuda/BufferNames.h"
#include "codegen/cuda/Cuda.h"
#include "codegen/cuda/Expressions.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace moec::cuda;

namespace {
/// Longer expressions get a name.
constexpr size_t kLongest = 60;

class Printer {
public:
  Printer(func::FuncOp kernel, raw_ostream &stream)
      : kernel(kernel), stream(stream) {}

  LogicalResult print();

private:
  /// Who runs the code at this point: all threads of a block the same, or each
  /// thread its own.
  enum class Level { Block, Thread };

  LogicalResult printParameters();
  LogicalResult printGrid(scf::ParallelOp loop);
  LogicalResult printBlock(Block &block);
  LogicalResult printOp(Operation *op);
  LogicalResult printFor(scf::ForOp op);
  LogicalResult printIf(scf::IfOp op);
  LogicalResult printSwitch(scf::IndexSwitchOp op);
  LogicalResult printWhile(scf::WhileOp op);
  LogicalResult printThreads(scf::ParallelOp op);
  LogicalResult printStore(memref::StoreOp op);
  LogicalResult printLocal(Value buffer);
  LogicalResult printExpression(Operation *op);
  LogicalResult printSubView(memref::SubViewOp op);
  LogicalResult printView(memref::ViewOp op);
  LogicalResult printCollapse(memref::CollapseShapeOp op);
  LogicalResult printExpand(memref::ExpandShapeOp op);

  /// Declares the results of an operation with regions.
  LogicalResult declare(ValueRange values, ValueRange init);
  /// Assigns what a terminator hands over.
  void assign(ValueRange values, ValueRange to);
  /// The positions of a loop nest from one number.
  void printPositions(scf::ParallelOp loop, StringRef number);
  /// Number of iterations of each loop, and their product.
  std::pair<SmallVector<std::string>, std::string>
  countTrips(scf::ParallelOp loop);

  raw_ostream &line() { return stream.indent(2 * depth); }
  std::string fresh(StringRef stem);
  std::string name(Value value);
  std::string mixed(OpFoldResult value);
  SmallVector<std::string> namesOf(ValueRange values);
  bool isUniform() const { return level == Level::Block; }

  func::FuncOp kernel;
  raw_ostream &stream;
  unsigned depth = 0;
  Level level = Level::Thread;
  llvm::DenseMap<Value, std::string> names;
  llvm::DenseMap<Value, BufferName> buffers;
  llvm::StringSet<> taken;
  unsigned next = 0;
};
} // namespace

/// Without the parentheses that enclose all of it.
static std::string bare(const std::string &text) {
  if (text.front() != '(')
    return text;
  int open = 0;
  for (size_t at = 0; at + 1 < text.size(); ++at) {
    open += text[at] == '(' ? 1 : text[at] == ')' ? -1 : 0;
    if (open == 0)
      return text;
  }
  return text.substr(1, text.size() - 2);
}

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
  bool isBlock = false;
  loop.getBody()->walk([&](scf::ParallelOp) { isBlock = true; });
  if (isBlock) {
    level = Level::Block;
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

LogicalResult Printer::printBlock(Block &block) {
  for (Operation &op : block.without_terminator())
    if (failed(printOp(&op)))
      return failure();
  return success();
}

LogicalResult Printer::declare(ValueRange values, ValueRange init) {
  for (auto [index, value] : llvm::enumerate(values)) {
    std::optional<std::string> type = cppType(value.getType());
    if (!type)
      return emitError(value.getLoc(),
                       "a value of this type has no CUDA code: ")
             << value.getType();
    std::string variable = fresh("v");
    names[value] = variable;
    line() << *type << ' ' << variable;
    if (!init.empty())
      stream << " = " << name(init[index]);
    stream << ";\n";
  }
  return success();
}

void Printer::assign(ValueRange values, ValueRange to) {
  // What is handed over may be one of the variables that are assigned.
  SmallVector<std::string> texts = namesOf(values);
  if (values.size() > 1)
    for (auto [text, target] : llvm::zip_equal(texts, to)) {
      if (text == name(target))
        continue;
      std::string copy = fresh("t");
      line() << "const " << *cppType(target.getType()) << ' ' << copy << " = "
             << bare(text) << ";\n";
      text = copy;
    }
  for (auto [text, target] : llvm::zip_equal(texts, to))
    if (text != name(target))
      line() << name(target) << " = " << bare(text) << ";\n";
}

LogicalResult Printer::printFor(scf::ForOp op) {
  if (failed(declare(op.getResults(), op.getInitArgs())))
    return failure();
  for (auto [argument, result] :
       llvm::zip_equal(op.getRegionIterArgs(), op.getResults()))
    names[argument] = name(result);
  std::string i = fresh("i");
  names[op.getInductionVar()] = i;
  std::string step = name(op.getStep());
  // ptxas spills where both a loop of unknown length and its inner are
  // unrolled.
  bool isInnermost = op.getBody()->getOps<scf::ForOp>().empty();
  if (!isInnermost && !getConstantIntValue(op.getUpperBound()))
    line() << "#pragma unroll 1\n";
  line() << "for (" << *cppType(op.getInductionVar().getType()) << ' ' << i
         << " = " << name(op.getLowerBound()) << "; " << i << " < "
         << name(op.getUpperBound()) << "; "
         << (step == "1" ? "++" + i : i + " += " + step) << ") {\n";
  ++depth;
  if (failed(printBlock(*op.getBody())))
    return failure();
  assign(op.getBody()->getTerminator()->getOperands(), op.getResults());
  --depth;
  line() << "}\n";
  return success();
}

LogicalResult Printer::printIf(scf::IfOp op) {
  if (failed(declare(op.getResults(), {})))
    return failure();
  line() << "if (" << bare(name(op.getCondition())) << ") {\n";
  for (Region *region : {&op.getThenRegion(), &op.getElseRegion()}) {
    if (region->empty())
      continue;
    if (region == &op.getElseRegion())
      line() << "} else {\n";
    ++depth;
    if (failed(printBlock(region->front())))
      return failure();
    assign(region->front().getTerminator()->getOperands(), op.getResults());
    --depth;
  }
  line() << "}\n";
  return success();
}

LogicalResult Printer::printSwitch(scf::IndexSwitchOp op) {
  if (failed(declare(op.getResults(), {})))
    return failure();
  line() << "switch (" << name(op.getArg()) << ") {\n";
  for (Region &region : op->getRegions()) {
    if (&region == &op.getDefaultRegion())
      line() << "default: {\n";
    else
      line() << "case " << op.getCases()[region.getRegionNumber() - 1]
             << ": {\n";
    ++depth;
    if (failed(printBlock(region.front())))
      return failure();
    assign(region.front().getTerminator()->getOperands(), op.getResults());
    line() << "break;\n";
    --depth;
    line() << "}\n";
  }
  line() << "}\n";
  return success();
}

LogicalResult Printer::printWhile(scf::WhileOp op) {
  // The state before the condition, and what the condition hands on.
  Block &before = op.getBefore().front(), &after = op.getAfter().front();
  if (failed(declare(before.getArguments(), op.getInits())) ||
      failed(declare(op.getResults(), {})))
    return failure();
  for (auto [argument, result] :
       llvm::zip_equal(after.getArguments(), op.getResults()))
    names[argument] = name(result);
  line() << "while (true) {\n";
  ++depth;
  if (failed(printBlock(before)))
    return failure();
  auto condition = cast<scf::ConditionOp>(before.getTerminator());
  std::string go = name(condition.getCondition());
  if (!names.contains(condition.getCondition()) || go.find(' ') != go.npos) {
    std::string variable = fresh("go");
    line() << "const bool " << variable << " = " << go << ";\n";
    go = variable;
  }
  assign(condition.getArgs(), op.getResults());
  line() << "if (!" << go << ")\n";
  line() << "  break;\n";
  if (failed(printBlock(after)))
    return failure();
  assign(after.getTerminator()->getOperands(), before.getArguments());
  --depth;
  line() << "}\n";
  return success();
}

/// The threads of a block share the iterations and meet at the end.
LogicalResult Printer::printThreads(scf::ParallelOp op) {
  if (!isUniform())
    return op.emitOpError("in a parallel loop in a parallel loop has no CUDA "
                          "code");
  std::string number = fresh("thread");
  line() << "for (Index " << number << " = threadIdx.x; " << number << " < "
         << countTrips(op).second << "; " << number << " += " << kThreads
         << ") {\n";
  ++depth;
  level = Level::Thread;
  printPositions(op, number);
  if (failed(printBlock(*op.getBody())))
    return failure();
  level = Level::Block;
  --depth;
  line() << "}\n";
  line() << "__syncthreads();\n";
  return success();
}

LogicalResult Printer::printStore(memref::StoreOp op) {
  std::string text = buffers[op.getMemRef()].at(namesOf(op.getIndices())) +
                     " = " + bare(name(op.getValueToStore())) + ";\n";
  if (!isUniform()) {
    line() << text;
    return success();
  }
  // One thread stores what all computed, when all have read what was there.
  line() << "__syncthreads();\n";
  line() << "if (threadIdx.x == 0)\n";
  line() << "  " << text;
  line() << "__syncthreads();\n";
  return success();
}

LogicalResult Printer::printLocal(Value value) {
  auto type = cast<MemRefType>(value.getType());
  std::optional<std::string> element = cppType(type.getElementType());
  if (!element || !type.hasStaticShape() || !type.getLayout().isIdentity())
    return value.getDefiningOp()->emitOpError(
        "in a kernel has no CUDA code: its size is not fixed");
  BufferName &buffer = buffers[value];
  buffer.base = fresh("local");
  for (int64_t size : type.getShape())
    buffer.sizes.push_back(std::to_string(size));
  buffer.strides = denseStrides(buffer.sizes);
  line() << (isUniform() ? "__shared__ " : "") << *element << ' ' << buffer.base
         << '[' << std::max<int64_t>(type.getNumElements(), 1) << "];\n";
  return success();
}

LogicalResult Printer::printSubView(memref::SubViewOp op) {
  const BufferName source = buffers[op.getSource()];
  SmallVector<std::string> offsets;
  for (OpFoldResult offset : op.getMixedOffsets())
    offsets.push_back(mixed(offset));
  BufferName &view = buffers[op.getResult()];
  llvm::SmallBitVector dropped = op.getDroppedDims();
  for (auto [dim, size, stride] :
       llvm::enumerate(op.getMixedSizes(), op.getMixedStrides())) {
    if (dropped.test(dim))
      continue;
    view.sizes.push_back(mixed(size));
    view.strides.push_back(product(source.strides[dim], mixed(stride)));
  }
  view.base = fresh("view");
  line() << *cppType(op.getType().getElementType()) << " *const " << view.base
         << " = " << source.base;
  if (std::string offset = source.offset(offsets); offset != "0")
    stream << " + " << offset;
  stream << ";\n";
  return success();
}

LogicalResult Printer::printView(memref::ViewOp op) {
  BufferName &view = buffers[op.getResult()];
  unsigned next = 0;
  for (int64_t size : op.getType().getShape())
    view.sizes.push_back(ShapedType::isDynamic(size)
                             ? name(op.getSizes()[next++])
                             : std::to_string(size));
  view.strides = denseStrides(view.sizes);
  view.base = fresh("view");
  std::string type = *cppType(op.getType().getElementType()) + " *";
  line() << type << "const " << view.base << " = (" << type << ")("
         << buffers[op.getSource()].base << " + " << name(op.getByteShift())
         << ");\n";
  return success();
}

LogicalResult Printer::printCollapse(memref::CollapseShapeOp op) {
  const BufferName source = buffers[op.getSrc()];
  BufferName &result = buffers[op.getResult()];
  result.base = source.base;
  for (ArrayRef<int64_t> group : op.getReassociationIndices()) {
    std::string size = "1";
    for (int64_t dim : group)
      size = product(size, source.sizes[dim]);
    bool isOne = size.find(' ') == std::string::npos;
    result.sizes.push_back(isOne ? size : "(" + size + ")");
    result.strides.push_back(source.strides[group.back()]);
  }
  return success();
}

LogicalResult Printer::printExpand(memref::ExpandShapeOp op) {
  const BufferName source = buffers[op.getSrc()];
  BufferName &result = buffers[op.getResult()];
  result.base = source.base;
  for (OpFoldResult size : op.getMixedOutputShape())
    result.sizes.push_back(mixed(size));
  result.strides.resize(result.sizes.size());
  for (auto [from, group] : llvm::enumerate(op.getReassociationIndices())) {
    std::string stride = source.strides[from];
    for (int64_t dim : llvm::reverse(group)) {
      result.strides[dim] = stride;
      stride = product(result.sizes[dim], stride);
      if (stride.find(' ') != std::string::npos)
        stride = "(" + stride + ")";
    }
  }
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
      .Default([&](Operation *other) { return printExpression(other); });
}

LogicalResult moec::cuda::printKernel(func::FuncOp kernel,
                                      raw_ostream &stream) {
  return Printer(kernel, stream).print();
}
