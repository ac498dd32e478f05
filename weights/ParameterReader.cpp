// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "weights/ParameterReader.h"
#include "dialects/moe/Moe.h"
#include "weights/ParameterNodes.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/MathExtras.h"

using namespace moec;
using llvm::createStringError;
using llvm::Twine;

ParameterReader::ParameterReader(mlir::RankedTensorType type,
                                 llvm::StringRef name)
    : type(type), name(name), elementSize(type.getElementTypeBitWidth() / 8) {}

ParameterReader::~ParameterReader() = default;

llvm::Expected<std::unique_ptr<ParameterReader>>
ParameterReader::create(mlir::Attribute value, mlir::RankedTensorType type,
                        llvm::StringRef name, SourceFiles &files,
                        Component component) {
  auto fail = [&](const Twine &why) {
    return createStringError("parameter '" + name + "': " + why);
  };
  if (!value || !type.hasStaticShape())
    return fail("expected a value and a static shape");
  if (!type.getElementType().isIntOrFloat() ||
      type.getElementTypeBitWidth() % 8)
    return fail("expected elements of whole bytes");
  std::unique_ptr<ParameterReader> reader(new ParameterReader(type, name));
  int64_t bytes = reader->elementSize;
  for (int64_t size : type.getShape())
    if (llvm::MulOverflow(bytes, size, bytes))
      return fail("the shape is too large");
  auto root = buildParameterNode(value, Shape(type.getShape()),
                                 type.getElementType(), files, component);
  if (!root)
    return fail(llvm::toString(root.takeError()));
  reader->root = std::move(*root);
  if (type.getRank()) {
    reader->numColumns = type.getShape().back();
    for (int64_t size : type.getShape().drop_back())
      reader->numRows *= size;
  }
  return reader;
}

llvm::Error ParameterReader::read(const RowBlock &block,
                                  llvm::MutableArrayRef<char> out) const {
  int64_t bytes = block.rows * block.columns * elementSize;
  if (block.row < 0 || block.rows < 0 || block.column < 0 ||
      block.columns < 0 || block.row + block.rows > numRows ||
      block.column + block.columns > numColumns ||
      bytes != static_cast<int64_t>(out.size()))
    return createStringError("parameter '" + Twine(name) +
                             "': block out of range");
  if (bytes == 0)
    return llvm::Error::success();
  return root->read(block, out.data(), block.columns * elementSize);
}

llvm::Expected<std::optional<int64_t>> moec::getValueRank(mlir::Attribute value,
                                                          SourceFiles &files) {
  if (auto source = mlir::dyn_cast<moe::SourceAttr>(value)) {
    auto tensor = files.find(source.getFile(), source.getTensor());
    if (!tensor)
      return tensor.takeError();
    return static_cast<int64_t>(tensor->entry->shape.size());
  }
  if (auto dense = mlir::dyn_cast<mlir::DenseElementsAttr>(value))
    return dense.getType().getRank();
  if (auto quantized = mlir::dyn_cast<moe::QuantizedAttr>(value)) {
    auto rank = getValueRank(quantized.getOperands()[0], files);
    // The bytes of a block are a dimension.
    if (rank && *rank && quantized.getFormat() == moe::QuantizedFormat::Mxfp4)
      **rank -= 1;
    return rank;
  }
  auto expr = mlir::dyn_cast<moe::ExprAttr>(value);
  if (!expr || expr.getOperands().empty())
    return std::nullopt;
  if (expr.getKind() == moe::ExprKind::Reshape)
    return static_cast<int64_t>(expr.getDims().size());
  auto rank = getValueRank(expr.getOperands()[0], files);
  if (rank && *rank && expr.getKind() == moe::ExprKind::Stack)
    **rank += 1;
  return rank;
}
