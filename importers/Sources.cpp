// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "importers/Sources.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/Twine.h"

using namespace moec;
using llvm::createStringError;
using llvm::StringRef;
using llvm::Twine;

static std::string describeShape(llvm::ArrayRef<int64_t> shape) {
  std::string text = "[";
  for (int64_t size : shape)
    text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  return text + "]";
}

/// The format of a block type of GGUF files.
static std::optional<moe::QuantizedFormat> findBlockFormat(StringRef dtype) {
  using moe::QuantizedFormat;
  return llvm::StringSwitch<std::optional<QuantizedFormat>>(dtype)
      .Case("Q8_0", QuantizedFormat::Q8_0)
      .Case("Q4_0", QuantizedFormat::Q4_0)
      .Case("Q4_K", QuantizedFormat::Q4K)
      .Case("Q5_K", QuantizedFormat::Q5K)
      .Case("Q6_K", QuantizedFormat::Q6K)
      .Case("MXFP4", QuantizedFormat::GgmlMxfp4)
      .Default(std::nullopt);
}

static llvm::Expected<ParameterSpec>
makeTyped(SourceFiles &files, StringRef file, StringRef tensor,
          llvm::ArrayRef<int64_t> shape, mlir::MLIRContext *context,
          StringRef dtypes, bool allowsBlocks,
          llvm::function_ref<bool(mlir::Type)> isOne) {
  auto source = files.find(file, tensor);
  if (!source)
    return source.takeError();
  std::string where =
      (source->file->getPath() + ": tensor '" + tensor + "'").str();
  if (llvm::ArrayRef<int64_t>(source->entry->shape) != shape)
    return createStringError(Twine(where) + ": expected shape " +
                             describeShape(shape) + ", found " +
                             describeShape(source->entry->shape));
  auto value =
      moe::SourceAttr::get(context, mlir::StringAttr::get(context, file),
                           mlir::StringAttr::get(context, tensor));
  if (auto format = findBlockFormat(source->entry->dtype);
      format && allowsBlocks)
    return ParameterSpec{
        moe::QuantizedAttr::get(context, *format,
                                llvm::ArrayRef<mlir::Attribute>(value),
                                llvm::ArrayRef<int64_t>()),
        mlir::Float32Type::get(context)};
  mlir::Type element = getElementType(source->entry->dtype, context);
  if (!element || !isOne(element))
    return createStringError(Twine(where) + ": expected dtype " + dtypes +
                             ", found " + source->entry->dtype);
  return ParameterSpec{value, element};
}

llvm::Expected<ParameterSpec> moec::makeSource(SourceFiles &files,
                                               StringRef file, StringRef tensor,
                                               llvm::ArrayRef<int64_t> shape,
                                               mlir::MLIRContext *context) {
  bool isGguf = file.ends_with(".gguf");
  return makeTyped(files, file, tensor, shape, context,
                   isGguf ? "F32, F16, BF16, Q8_0, Q4_0, Q4_K, Q5_K, Q6_K or "
                            "MXFP4"
                          : "F32, F16 or BF16",
                   isGguf, [](mlir::Type type) {
                     return type.isF32() || type.isF16() || type.isBF16();
                   });
}

llvm::Expected<ParameterSpec>
moec::makeIntegerSource(SourceFiles &files, StringRef file, StringRef tensor,
                        llvm::ArrayRef<int64_t> shape,
                        mlir::MLIRContext *context) {
  return makeTyped(files, file, tensor, shape, context, "I32 or I64",
                   /*allowsBlocks=*/false, [](mlir::Type type) {
                     return type.isInteger(32) || type.isInteger(64);
                   });
}

ParameterSpec moec::makeStack(llvm::ArrayRef<ParameterSpec> parts) {
  llvm::SmallVector<mlir::Attribute> values;
  for (const ParameterSpec &part : parts)
    values.push_back(part.value);
  mlir::Attribute stack =
      moe::ExprAttr::get(parts[0].value.getContext(), moe::ExprKind::Stack,
                         values, llvm::ArrayRef<int64_t>());
  return {stack, parts[0].element};
}

static ParameterSpec makeExpr(moe::ExprKind kind, const ParameterSpec &value,
                              llvm::ArrayRef<int64_t> dims) {
  mlir::Attribute expr =
      moe::ExprAttr::get(value.value.getContext(), kind, {value.value}, dims);
  return {expr, value.element};
}

ParameterSpec moec::makeSlice(const ParameterSpec &whole, int64_t dim,
                              int64_t offset, int64_t size, int64_t step) {
  if (step == 1)
    return makeExpr(moe::ExprKind::Slice, whole, {dim, offset, size});
  return makeExpr(moe::ExprKind::Slice, whole, {dim, offset, size, step});
}

ParameterSpec moec::makeTranspose(const ParameterSpec &value,
                                  llvm::ArrayRef<int64_t> permutation) {
  return makeExpr(moe::ExprKind::Transpose, value, permutation);
}

ParameterSpec moec::makeReshape(const ParameterSpec &value,
                                llvm::ArrayRef<int64_t> shape) {
  return makeExpr(moe::ExprKind::Reshape, value, shape);
}
