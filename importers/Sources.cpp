// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "importers/Sources.h"
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

llvm::Expected<ParameterSpec> moec::makeSource(SourceFiles &files,
                                               StringRef file, StringRef tensor,
                                               llvm::ArrayRef<int64_t> shape,
                                               mlir::MLIRContext *context) {
  auto source = files.find(file, tensor);
  if (!source)
    return source.takeError();
  std::string where =
      (source->file->getPath() + ": tensor '" + tensor + "'").str();
  if (llvm::ArrayRef<int64_t>(source->entry->shape) != shape)
    return createStringError(Twine(where) + ": expected shape " +
                             describeShape(shape) + ", found " +
                             describeShape(source->entry->shape));
  mlir::Type element = getElementType(source->entry->dtype, context);
  if (!element || !(element.isF32() || element.isF16() || element.isBF16()))
    return createStringError(Twine(where) +
                             ": expected dtype F32, F16 or BF16, found " +
                             source->entry->dtype);
  auto value =
      moe::SourceAttr::get(context, mlir::StringAttr::get(context, file),
                           mlir::StringAttr::get(context, tensor));
  return ParameterSpec{value, element};
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

ParameterSpec moec::makeSlice(const ParameterSpec &whole, int64_t dim,
                              int64_t offset, int64_t size) {
  mlir::Attribute slice =
      moe::ExprAttr::get(whole.value.getContext(), moe::ExprKind::Slice,
                         {whole.value}, {dim, offset, size});
  return {slice, whole.element};
}
