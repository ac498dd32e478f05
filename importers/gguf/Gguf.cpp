// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "importers/gguf/Gguf.h"
#include "importers/LayerBuilder.h"
#include "importers/NearestNames.h"
#include "importers/Try.h"
#include "importers/gguf/Decoder.h"

using namespace moec;
using namespace moec::gguf;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

static Error unknown(const Metadata &metadata) {
  std::vector<StringRef> names;
  for (const Architecture &architecture : getArchitectures())
    names.push_back(architecture.name);
  StringRef name = metadata.getArchitecture();
  return llvm::createStringError(
      Twine(metadata.getPath()) + ": key 'general.architecture': '" + name +
      "' is not known; " + listNearest(name, names) +
      "; a JSON description with 'weights.tensors' can name this model's "
      "tensors (importers/json/description.fbs)");
}

Expected<mlir::OwningOpRef<mlir::ModuleOp>>
moec::gguf::importFile(StringRef path, const ImportOptions &options,
                       mlir::MLIRContext &context) {
  Expected<GgufFile> file = GgufFile::open(path);
  if (!file)
    return file.takeError();
  Expected<Metadata> metadata = Metadata::read(*file);
  if (!metadata)
    return metadata.takeError();
  const Architecture *architecture =
      findArchitecture(metadata->getArchitecture());
  if (!architecture)
    return unknown(*metadata);
  Model model{*architecture, *metadata, Tensors(*file, path, &context)};
  int64_t layers;
  MOEC_TRY(layers, countLayers(model));
  std::vector<int64_t> sparse = findMoeLayers(model, layers);
  if (sparse.empty())
    return llvm::createStringError(path + ": no layer has experts: expected "
                                          "tensors 'blk.N.ffn_gate_inp.weight' "
                                          "and 'blk.N.ffn_up_exps.weight'");
  mlir::OwningOpRef<mlir::ModuleOp> module =
      mlir::ModuleOp::create(mlir::UnknownLoc::get(&context));
  for (int64_t number : sparse) {
    LayerSpec layer;
    MOEC_TRY(layer, readLayer(model, number));
    buildMoeLayer(*module, layer);
  }
  if (options.scope == ImportScope::Model)
    if (Error error = importDecoder(model, layers, *module))
      return error;
  return module;
}
