// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/object/ObjectFile.h"
#include "codegen/artifact/TemporaryFile.h"
#include "llvm/Object/ELF.h"
#include "llvm/Support/MathExtras.h"

using namespace moec::object;
using llvm::Error;
using llvm::StringRef;

static Error toError(const std::string &text) {
  return text.empty() ? Error::success() : llvm::createStringError(text);
}

/// Lets the section of weights be `size` bytes at `offset` of the file.
static Error moveWeights(std::string &object, uint64_t offset, uint64_t size) {
  using File = llvm::object::ELF64LEFile;
  llvm::Expected<File> file = File::create(object);
  if (!file)
    return file.takeError();
  auto sections = file->sections();
  if (!sections)
    return sections.takeError();
  for (const File::Elf_Shdr &section : *sections) {
    llvm::Expected<StringRef> name = file->getSectionName(section);
    if (!name)
      return name.takeError();
    if (*name != weightsSection)
      continue;
    // It lies in `object`, which is ours.
    auto &header = const_cast<File::Elf_Shdr &>(section);
    header.sh_offset = offset;
    header.sh_size = size;
    return Error::success();
  }
  return llvm::createStringError("the object has no section of weights");
}

Error moec::object::writeWeights(artifact::TemporaryFile &file,
                                 const Interface &interface,
                                 StreamWeight stream) {
  uint64_t position = 0;
  static const char zeros[weightAlignment] = {};
  for (const Weight &weight : interface.weights) {
    if (Error error = toError(file.write(zeros, weight.offset - position)))
      return error;
    position = weight.offset;
    if (Error error = stream(weight, [&](llvm::ArrayRef<char> bytes) {
          position += bytes.size();
          return toError(file.write(bytes.data(), bytes.size()));
        }))
      return error;
    if (position != weight.offset + weight.size)
      return llvm::createStringError("weight '" + weight.name + "' has " +
                                     std::to_string(position - weight.offset) +
                                     " bytes, its shape needs " +
                                     std::to_string(weight.size));
  }
  return Error::success();
}

Error moec::object::writeObject(artifact::TemporaryFile &file,
                                std::string object, const Interface &interface,
                                StreamWeight stream) {
  if (interface.place != WeightsPlace::Linked || interface.weights.empty())
    return toError(file.write(object.data(), object.size()));

  object.resize(llvm::alignTo(object.size(), weightAlignment));
  if (Error error =
          moveWeights(object, object.size(), interface.getWeightsSize()))
    return error;
  if (Error error = toError(file.write(object.data(), object.size())))
    return error;
  return writeWeights(file, interface, stream);
}
