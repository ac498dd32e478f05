// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "importers/hf/Checkpoint.h"
#include "importers/Config.h"
#include "importers/Sources.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace moec;
using llvm::createStringError;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

static std::string join(StringRef directory, StringRef name) {
  llvm::SmallString<256> path(directory);
  llvm::sys::path::append(path, name);
  return path.str().str();
}

Expected<Checkpoint> Checkpoint::open(StringRef directory,
                                      mlir::MLIRContext *context) {
  Checkpoint checkpoint(directory, context);
  constexpr StringRef kSingle = "model.safetensors";
  std::string single = join(directory, kSingle);
  std::string index = single + ".index.json";
  if (llvm::sys::fs::exists(single)) {
    checkpoint.path = single;
    auto file = checkpoint.files->open(kSingle);
    if (!file)
      return file.takeError();
    for (const auto &tensor : (*file)->getTensors())
      checkpoint.fileOf[tensor.getKey()] = kSingle.str();
    return checkpoint;
  }
  if (!llvm::sys::fs::exists(index))
    return createStringError(directory +
                             ": expected model.safetensors or "
                             "model.safetensors.index.json, found neither");
  checkpoint.path = index;
  if (llvm::Error error = checkpoint.readIndex())
    return error;
  return checkpoint;
}

llvm::Error Checkpoint::readIndex() {
  auto text = readTextFile(path);
  if (!text)
    return text.takeError();
  auto root = parseJson(*text, path, /*maxDepth=*/16);
  if (!root)
    return root.takeError();
  auto map = root->find("weight_map");
  if (!root->is_object() || map == root->end() || !map->is_object())
    return createStringError(Twine(path) + ": expected an object 'weight_map'");
  for (const auto &[tensor, file] : map->items()) {
    bool isName = file.is_string();
    std::string name = isName ? file.get<std::string>() : "";
    if (name.empty() || name.find('/') != std::string::npos || name == "..")
      return createStringError(Twine(path) + ": tensor '" + tensor +
                               "': expected the name of a file in the same "
                               "directory, found " +
                               describeJson(file));
    fileOf[tensor] = name;
  }
  return llvm::Error::success();
}

Expected<ParameterSpec> Checkpoint::get(StringRef tensor,
                                        llvm::ArrayRef<int64_t> shape) {
  if (isBlocks(tensor))
    return getBlocks(tensor, shape);
  StringRef base = tensor;
  bool isWeight = base.consume_back(".weight");
  if (isWeight && (hasTensor((base + ".qweight").str()) ||
                   hasTensor((base + ".weight_packed").str())))
    return getPacked(base, shape);
  auto file = fileOf.find(tensor);
  if (file == fileOf.end())
    return createStringError(Twine(path) + ": no tensor '" + tensor + "'");
  auto source = files->find(file->second, tensor);
  if (!source)
    return source.takeError();
  if (quantization.method != hf::QuantizationMethod::None && shape.size() > 1 &&
      source->entry->dtype == "F8_E4M3")
    return getFloat8(tensor, shape);
  return makeSource(*files, file->second, tensor, shape, context);
}

Expected<ParameterSpec>
Checkpoint::getStack(llvm::ArrayRef<std::string> tensors,
                     llvm::ArrayRef<int64_t> shape) {
  llvm::SmallVector<ParameterSpec> parts;
  for (StringRef tensor : tensors) {
    auto part = get(tensor, shape);
    if (!part)
      return part;
    if (!parts.empty() && part->element != parts[0].element)
      return createStringError(files->getDirectory() + "/" + fileOf[tensor] +
                               ": tensor '" + tensor + "': expected dtype " +
                               getSafetensorsDtype(parts[0].element) +
                               " like '" + tensors[0] + "', found " +
                               getSafetensorsDtype(part->element));
    parts.push_back(*part);
  }
  return makeStack(parts);
}

llvm::ArrayRef<int64_t> Checkpoint::getShape(StringRef tensor) const {
  auto file = fileOf.find(tensor);
  if (file == fileOf.end())
    return {};
  auto source = files->find(file->second, tensor);
  if (source)
    return source->entry->shape;
  llvm::consumeError(source.takeError());
  return {};
}

Expected<ParameterSpec> Checkpoint::getIntegers(StringRef tensor,
                                                llvm::ArrayRef<int64_t> shape) {
  auto file = fileOf.find(tensor);
  if (file == fileOf.end())
    return createStringError(Twine(path) + ": no tensor '" + tensor + "'");
  return makeIntegerSource(*files, file->second, tensor, shape, context);
}
