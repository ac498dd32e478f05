// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "weights/SourceFiles.h"
#include "mlir/IR/Builders.h"
#include "weights/Gguf.h"
#include "weights/Onnx.h"
#include "weights/Safetensors.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Path.h"

using namespace moec;
using llvm::createStringError;
using llvm::Twine;

/// Opens a file in the format that its extension names.
static llvm::Expected<std::unique_ptr<TensorFile>>
openTensorFile(llvm::StringRef path) {
  llvm::StringRef extension = llvm::sys::path::extension(path);
  auto take = [](auto file) -> llvm::Expected<std::unique_ptr<TensorFile>> {
    if (!file)
      return file.takeError();
    return file->takeTensors();
  };
  if (extension == ".gguf")
    return take(GgufFile::open(path));
  if (extension == ".onnx")
    return take(OnnxFile::open(path));
  return openSafetensors(path);
}

llvm::Expected<const TensorFile *> SourceFiles::open(llvm::StringRef name) {
  auto found = files.find(name);
  if (found != files.end())
    return found->second.get();
  bool escapes =
      llvm::any_of(llvm::make_range(llvm::sys::path::begin(name),
                                    llvm::sys::path::end(name)),
                   [](llvm::StringRef component) { return component == ".."; });
  if (name.empty() || name.contains('\0') || escapes ||
      llvm::sys::path::is_absolute(name))
    return createStringError(Twine("weight file '") + name +
                             "': expected a path inside the model's directory");
  llvm::SmallString<256> path(directory);
  llvm::sys::path::append(path, name);
  auto file = openTensorFile(path);
  if (!file)
    return file.takeError();
  return (files[name] = std::move(*file)).get();
}

llvm::Expected<SourceTensor> SourceFiles::find(llvm::StringRef fileName,
                                               llvm::StringRef tensor) {
  auto file = open(fileName);
  if (!file)
    return file.takeError();
  const TensorEntry *entry = (*file)->find(tensor);
  if (!entry)
    return createStringError((*file)->getPath() + ": no tensor '" + tensor +
                             "'");
  return SourceTensor{*file, entry};
}

mlir::Type moec::getElementType(llvm::StringRef dtype,
                                mlir::MLIRContext *context) {
  mlir::Builder builder(context);
  return llvm::StringSwitch<mlir::Type>(dtype)
      .Case("F64", builder.getF64Type())
      .Case("F32", builder.getF32Type())
      .Case("F16", builder.getF16Type())
      .Case("BF16", builder.getBF16Type())
      .Case("F8_E4M3", mlir::Float8E4M3FNType::get(context))
      .Case("F8_E5M2", mlir::Float8E5M2Type::get(context))
      .Case("I64", builder.getI64Type())
      .Case("I32", builder.getI32Type())
      .Case("I16", builder.getIntegerType(16))
      .Case("I8", builder.getI8Type())
      .Case("U8", builder.getIntegerType(8, /*isSigned=*/false))
      .Default(mlir::Type());
}

llvm::StringRef moec::getSafetensorsDtype(mlir::Type type) {
  for (llvm::StringRef dtype : {"F64", "F32", "F16", "BF16", "F8_E4M3",
                                "F8_E5M2", "I64", "I32", "I16", "I8", "U8"})
    if (getElementType(dtype, type.getContext()) == type)
      return dtype;
  return {};
}
