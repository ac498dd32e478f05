// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/driver/ArtifactStates.h"
#include "dialects/moe/Moe.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

void moec::addStates(artifact::ArtifactWriter &writer,
                     ArrayRef<cpu::FunctionSignature> functions,
                     ModuleOp module) {
  llvm::StringSet<> seen;
  for (const cpu::FunctionSignature &function : functions)
    for (const cpu::TensorSignature &state : function.states) {
      if (!seen.insert(state.name).second)
        continue;
      auto global = module.lookupSymbol<ml_program::GlobalOp>(state.name);
      auto attribute = cast<moe::StateAttr>(global.getValueAttr());
      artifact::StateSpec spec;
      spec.name = state.name;
      spec.dtype = state.dtype;
      unsigned next = 0;
      for (const cpu::Dimension &dim : state.dims)
        spec.dims.push_back(
            {dim.symbol.empty() ? dim.size : attribute.getSizes()[next++],
             dim.symbol});
      if (StringAttr counts = attribute.getCounts())
        spec.counts = counts.str();
      writer.addState(std::move(spec));
    }
}
