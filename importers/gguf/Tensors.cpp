// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "importers/gguf/Tensors.h"
#include "importers/Sources.h"
#include "importers/Try.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Path.h"

using namespace moec;
using namespace moec::gguf;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

Tensors::Tensors(const GgufFile &gguf, StringRef path,
                 mlir::MLIRContext *context)
    : file(gguf.getTensors()), files(llvm::sys::path::parent_path(path)),
      fileName(llvm::sys::path::filename(path)), context(context) {}

bool Tensors::has(const Twine &name) const {
  return file.find(name.str()) != nullptr;
}

bool Tensors::hasPrefix(StringRef prefix) const {
  return llvm::any_of(file.getTensors(), [&](const auto &tensor) {
    return tensor.getKey().starts_with(prefix);
  });
}

llvm::ArrayRef<int64_t> Tensors::getShape(const Twine &name) const {
  const TensorEntry *entry = file.find(name.str());
  return entry ? llvm::ArrayRef<int64_t>(entry->shape)
               : llvm::ArrayRef<int64_t>();
}

Expected<ParameterSpec> Tensors::get(const Twine &name,
                                     llvm::ArrayRef<int64_t> shape) {
  return makeSource(files, fileName, name.str(), shape, context);
}

Expected<OptionalParameter> Tensors::find(const Twine &name,
                                          llvm::ArrayRef<int64_t> shape) {
  if (!has(name))
    return std::nullopt;
  ParameterSpec found;
  MOEC_TRY(found, get(name, shape));
  return found;
}

Expected<ParameterSpec> Tensors::getIntegers(const Twine &name,
                                             llvm::ArrayRef<int64_t> shape) {
  return makeIntegerSource(files, fileName, name.str(), shape, context);
}

Expected<std::vector<float>> Tensors::readVector(const Twine &name,
                                                 int64_t size) const {
  const TensorEntry *entry = file.find(name.str());
  if (!entry || entry->dtype != "F32" ||
      llvm::ArrayRef<int64_t>(entry->shape) != llvm::ArrayRef<int64_t>({size}))
    return fail(name, "expected " + Twine(size) + " numbers of type F32");
  std::vector<float> numbers(size);
  llvm::MutableArrayRef<char> bytes(reinterpret_cast<char *>(numbers.data()),
                                    size * sizeof(float));
  if (llvm::Error error = file.read(*entry, 0, bytes))
    return error;
  return numbers;
}

llvm::Error Tensors::fail(const Twine &name, const Twine &why) const {
  return llvm::createStringError(Twine(file.getPath()) + ": tensor '" + name +
                                 "': " + why);
}
