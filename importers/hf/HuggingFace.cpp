// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "importers/hf/HuggingFace.h"
#include "importers/LayerBuilder.h"
#include "importers/hf/Decoder.h"
#include "importers/hf/LayerWeights.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Path.h"

using namespace moec;
using namespace moec::hf;
using llvm::Expected;
using llvm::StringRef;

Expected<mlir::OwningOpRef<mlir::ModuleOp>>
moec::hf::importDirectory(StringRef directory, const ImportOptions &options,
                          mlir::MLIRContext &context) {
  llvm::SmallString<256> path(directory);
  llvm::sys::path::append(path, "config.json");
  auto config = Config::open(path);
  if (!config)
    return config.takeError();
  auto model = readModelConfig(*config);
  if (!model)
    return model.takeError();
  auto quantization = readQuantization(*config);
  if (!quantization)
    return quantization.takeError();
  // What is wrong with the configuration is said before weights are looked at.
  std::vector<std::pair<const LayerStack *, LayerSpec>> layers;
  for (const LayerStack &stack : model->stacks)
    for (int64_t number : stack.layers) {
      auto layer = readLayerConfig(*model, number);
      if (!layer)
        return layer.takeError();
      layer->name = stack.name + "layers." + std::to_string(number);
      layers.push_back({&stack, std::move(*layer)});
    }
  auto checkpoint = Checkpoint::open(directory, &context);
  if (!checkpoint)
    return checkpoint.takeError();
  checkpoint->setQuantization(*quantization);
  mlir::OwningOpRef<mlir::ModuleOp> module =
      mlir::ModuleOp::create(mlir::UnknownLoc::get(&context));
  size_t index = 0;
  for (const LayerStack &stack : model->stacks)
    for (int64_t number : stack.layers) {
      LayerSpec &layer = layers[index++].second;
      if (llvm::Error error =
              readLayerWeights(*checkpoint, *model, stack.name, number, layer))
        return error;
      buildMoeLayer(*module, layer);
    }
  if (options.scope == ImportScope::Model)
    if (llvm::Error error = importDecoder(directory, *checkpoint, *module))
      return error;
  return module;
}
