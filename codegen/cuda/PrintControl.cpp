// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Blocks, loops and branches.

#include "codegen/cuda/Cuda.h"
#include "codegen/cuda/Expressions.h"
#include "codegen/cuda/Printer.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace moec::cuda;

std::string moec::cuda::bare(const std::string &text) {
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
