// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "weights/QuantizedOperands.h"
#include <vector>

using namespace moec;
using llvm::createStringError;
using llvm::Error;
using llvm::Expected;
using llvm::Twine;

Error FloatOperand::read(const RowBlock &block, float *out) const {
  int64_t rowBytes = block.columns * node->elementSize;
  std::vector<char> bytes(block.rows * rowBytes);
  if (Error error = node->read(block, bytes.data(), rowBytes))
    return error;
  widenFloats(type, bytes.data(), block.rows * block.columns, out);
  return Error::success();
}

Error QuantizedOperands::fail(const Twine &text) const {
  return createStringError("#moe.quantized<" +
                           stringifyQuantizedFormat(attr.getFormat()) +
                           ">: " + text);
}

Expected<ParameterNodePtr>
QuantizedOperands::open(size_t index, mlir::Type type,
                        llvm::StringRef dtype) const {
  auto stored = getStoredType(attr.getOperands()[index], files);
  if (!stored)
    return stored.takeError();
  if (*stored != type)
    return fail("operand " + Twine(index) + " has dtype " +
                getSafetensorsDtype(*stored) + ", expected " + dtype);
  return openOperand(attr.getOperands()[index], type, files);
}

Expected<FloatOperand> QuantizedOperands::openFloats(size_t index) const {
  auto type = getStoredType(attr.getOperands()[index], files);
  if (!type)
    return type.takeError();
  if (!canWiden(*type))
    return fail("operand " + Twine(index) + " has dtype " +
                getSafetensorsDtype(*type) + ", expected floats");
  auto node = openOperand(attr.getOperands()[index], *type, files);
  if (!node)
    return node.takeError();
  return FloatOperand{std::move(*node), *type};
}

Error QuantizedOperands::expectRows(size_t index,
                                    llvm::ArrayRef<int64_t> found) const {
  if (found.size() >= 2)
    return Error::success();
  return fail("operand " + Twine(index) + " has rank " + Twine(found.size()) +
              ", expected at least 2");
}

Error QuantizedOperands::expectShape(size_t index,
                                     llvm::ArrayRef<int64_t> found,
                                     llvm::ArrayRef<int64_t> expected) const {
  if (found == expected)
    return Error::success();
  auto print = [](llvm::ArrayRef<int64_t> shape) {
    std::string text = "[";
    for (auto [i, size] : llvm::enumerate(shape))
      text += (i ? ", " : "") + std::to_string(size);
    return text + "]";
  };
  return fail("operand " + Twine(index) + " has shape " + print(found) +
              ", expected " + print(expected));
}
