// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/driver/ArtifactParameters.h"
#include "codegen/cpu/Signature.h"
#include "dialects/grouped/Grouped.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/SymbolTable.h"
#include "weights/ParameterStream.h"

using namespace mlir;
using llvm::Error;

namespace {

llvm::Expected<ml_program::GlobalOp> findGlobal(ModuleOp module,
                                                StringRef name) {
  auto global = module.lookupSymbol<ml_program::GlobalOp>(name);
  if (!global || !isa<RankedTensorType>(global.getType()))
    return llvm::createStringError("parameter '" + name +
                                   "': expected an ml_program.global of a "
                                   "ranked tensor type");
  return global;
}

/// The weights of the source module that `global` stores.
llvm::Expected<std::vector<moec::artifact::Part>>
getParts(ml_program::GlobalOp global, ModuleOp source) {
  std::vector<moec::artifact::Part> parts;
  auto add = [&](StringRef name) -> Error {
    auto original = findGlobal(source, name);
    if (!original)
      return original.takeError();
    ArrayRef<int64_t> shape =
        cast<RankedTensorType>(original->getType()).getShape();
    parts.push_back({name.str(), {shape.begin(), shape.end()}});
    return Error::success();
  };
  auto packed =
      dyn_cast_or_null<moec::grouped::PackedAttr>(global.getValueAttr());
  if (!packed) {
    if (Error error = add(global.getSymName()))
      return error;
    return parts;
  }
  for (StringAttr name : packed.getNames())
    if (Error error = add(name.getValue()))
      return error;
  return parts;
}

/// Everything the table says about `global`.
llvm::Expected<moec::artifact::ParameterSpec>
describe(ml_program::GlobalOp global, ModuleOp source) {
  auto type = cast<RankedTensorType>(global.getType());
  moec::artifact::ParameterSpec spec;
  spec.name = global.getSymName().str();
  std::optional<int32_t> dtype = moec::cpu::getDtype(type.getElementType());
  if (!dtype)
    return llvm::createStringError("parameter '" + spec.name +
                                   "': its element type cannot be stored");
  spec.dtype = *dtype;
  spec.dims = {type.getShape().begin(), type.getShape().end()};
  spec.isMutable = static_cast<bool>(global.getIsMutable());
  if (auto packed =
          dyn_cast_or_null<moec::grouped::PackedAttr>(global.getValueAttr())) {
    spec.encoding = moec::artifact::Encoding::Panels;
    if (moec::grouped::BlocksAttr blocks = packed.getPanels().getBlocks()) {
      spec.encoding = moec::artifact::Encoding::BlockPanels;
      spec.block = {moec::artifact::BlockCode(blocks.getCode()),
                    blocks.getHalf(), blocks.getOffset(), MOEC_DTYPE_F32};
      auto part = source.lookupSymbol<ml_program::GlobalOp>(
          packed.getNames().front().getValue());
      if (part)
        spec.block.dtype =
            moec::cpu::getDtype(
                cast<RankedTensorType>(part.getType()).getElementType())
                .value_or(MOEC_DTYPE_F32);
    }
    spec.groups = type.getDimSize(0);
    spec.columns = packed.getPanels().getColumns();
    spec.depth = packed.getPanels().getDepth();
  }
  auto parts = getParts(global, source);
  if (!parts)
    return parts.takeError();
  spec.parts = std::move(*parts);
  return spec;
}

} // namespace

Error moec::addParameters(artifact::ArtifactWriter &writer,
                          ArrayRef<StringRef> names, ModuleOp compiled,
                          ModuleOp source, SourceFiles &files) {
  for (StringRef name : names) {
    auto global = findGlobal(compiled, name);
    if (!global)
      return global.takeError();
    auto spec = describe(*global, source);
    if (!spec)
      return spec.takeError();
    Attribute value = global->getValueAttr();
    auto type = cast<RankedTensorType>(global->getType());
    if (Error error = checkParameter(value, type, name, files))
      return error;
    writer.addParameter(
        std::move(*spec), [value, type, name = name.str(),
                           &files](const artifact::ByteSink &sink) {
          Error error = streamParameter(
              value, type, name, files, [&](ArrayRef<char> bytes) -> Error {
                if (sink(bytes.data(), bytes.size()))
                  return Error::success();
                return llvm::createStringError("stopped");
              });
          return error ? llvm::toString(std::move(error)) : std::string();
        });
  }
  return Error::success();
}
