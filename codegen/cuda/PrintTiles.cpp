// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tiles are a call of device/MatmulTiles.cuh with its region as a lambda.

#include "codegen/cuda/Expressions.h"
#include "codegen/cuda/Printer.h"

using namespace mlir;
using namespace moec::cuda;

LogicalResult Printer::printMultiplyTiles(MultiplyTilesOp op) {
  auto weight = cast<MemRefType>(op.getRhs()[0].getType());
  std::string type = *cppType(weight.getElementType());
  std::string weights = fresh("weights");
  line() << "const " << type << " *const " << weights << "[] = {";
  llvm::interleaveComma(op.getRhs(), stream,
                        [&](Value value) { stream << buffers[value].base; });
  stream << "};\n";
  line() << "multiplyTiles<TileShape<" << type << ", " << op.getRhs().size();
  for (int64_t size : op.getTile())
    stream << ", " << size;
  stream << ">, " << (op.getGather() ? "true" : "false") << ", "
         << weight.getShape().back() << ", " << weight.getShape().end()[-2]
         << ">(\n";
  line() << "    " << buffers[op.getLhs()].base << ", " << weights << ", int("
         << name(op.getNumGroups()) << "), int(" << name(op.getRows()) << ")";
  for (unsigned table = 0; table < 3; ++table)
    stream << ", "
           << (op.getTables().empty() ? "nullptr"
                                      : buffers[op.getTables()[table]].base);
  stream << ",\n";
  line() << "    [&](";
  llvm::interleaveComma(
      op.getEpilogue().getArguments(), stream, [&](BlockArgument argument) {
        names[argument] = fresh(argument.getType().isIndex() ? "i" : "v");
        stream << *cppType(argument.getType()) << ' ' << names[argument];
      });
  stream << ") {\n";
  depth += 3;
  level = Level::Thread;
  for (Operation &inner : op.getEpilogue().front())
    if (failed(printOp(&inner)))
      return failure();
  level = Level::Block;
  depth -= 3;
  line() << "    });\n";
  return success();
}
