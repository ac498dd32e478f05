// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/driver/EmitObject.h"
#include "codegen/artifact/TemporaryFile.h"
#include "codegen/cpu/Linker.h"
#include "codegen/object/Header.h"
#include "codegen/object/ObjectFile.h"
#include "codegen/object/Packing.h"
#include "codegen/object/Wrappers.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "weights/ParameterStream.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using llvm::Error;

using namespace moec;

static Error toError(const std::string &text) {
  return text.empty() ? Error::success() : llvm::createStringError(text);
}

llvm::Expected<object::Weight> ObjectEmission::describe(StringRef name) {
  auto global = module.lookupSymbol<ml_program::GlobalOp>(name);
  auto type = global ? dyn_cast<RankedTensorType>(global.getType())
                     : RankedTensorType();
  if (!type)
    return llvm::createStringError("parameter '" + name +
                                   "': expected an ml_program.global of a "
                                   "ranked tensor type");
  if (Error error = checkParameter(global.getValueAttr(), type, name, files))
    return error;
  object::Weight weight;
  weight.name = name.str();
  llvm::raw_string_ostream(weight.layout) << type;
  weight.source = object::describeSource(type, global.getValueAttr());
  weight.pack = object::describePacking(type, global.getValueAttr());
  weight.size = weight.pack.size;
  return weight;
}

std::vector<std::string>
ObjectEmission::extend(llvm::Module &code,
                       llvm::ArrayRef<cpu::FunctionSignature> functions) {
  auto made = object::makeInterface(
      cpu::cName(llvm::sys::path::stem(options.output)), options.weights,
      functions, [&](StringRef name) { return describe(name); });
  if (!made) {
    wrong = llvm::toString(made.takeError());
    return {};
  }
  interface = std::move(*made);
  interface.abi = options.abi;
  auto names = object::addWrappers(code, interface);
  if (!names) {
    wrong = llvm::toString(names.takeError());
    return {};
  }
  return *names;
}

Error ObjectEmission::check() { return toError(wrong); }

Error ObjectEmission::stream(
    const object::Weight &weight,
    llvm::function_ref<Error(llvm::ArrayRef<char>)> sink) {
  auto global = module.lookupSymbol<ml_program::GlobalOp>(weight.name);
  return streamParameter(global.getValueAttr(),
                         cast<RankedTensorType>(global.getType()), weight.name,
                         files, sink);
}

Error ObjectEmission::write(const cpu::CpuCode &code) {
  SmallString<128> headerPath(options.output);
  llvm::sys::path::replace_extension(headerPath, ".h");
  artifact::TemporaryFile header, file;
  std::string text = object::makeHeader(interface, code.level);
  if (Error error = toError(header.open(headerPath.str().str())))
    return error;
  if (Error error = toError(header.write(text.data(), text.size())))
    return error;

  // The linker reads the object from a file beside its output.
  bool isShared = options.emit == EmitKind::Shared;
  SmallString<128> objectPath(options.output);
  if (isShared)
    if (std::error_code failure = llvm::sys::fs::createUniqueFile(
            options.output + ".tmp-%%%%%%%%.o", objectPath))
      return llvm::createStringError(options.output +
                                     ": cannot create: " + failure.message());
  llvm::FileRemover remover(objectPath, isShared);
  auto streamWeight =
      [&](const object::Weight &weight,
          llvm::function_ref<Error(llvm::ArrayRef<char>)> sink) {
        return stream(weight, sink);
      };
  artifact::TemporaryFile weights;
  SmallString<128> weightsPath(options.output);
  llvm::sys::path::replace_extension(weightsPath, ".weights");
  bool hasFile = options.weights == object::WeightsPlace::File;
  if (hasFile) {
    if (Error error = toError(weights.open(weightsPath.str().str())))
      return error;
    if (Error error = object::writeWeights(weights, interface, streamWeight))
      return error;
  }
  if (Error error = toError(file.open(objectPath.str().str())))
    return error;
  if (Error error =
          object::writeObject(file, code.object, interface, streamWeight))
    return error;
  if (Error error = toError(file.keep()))
    return error;
  if (std::string words;
      isShared &&
      !cpu::linkSharedObjectFile(objectPath.str().str(), options.output, words))
    return llvm::createStringError(words);
  Error error = toError(header.keep());
  if (!error && hasFile)
    error = toError(weights.keep());
  if (error) {
    llvm::sys::fs::remove(options.output);
    llvm::sys::fs::remove(headerPath);
  }
  return error;
}
