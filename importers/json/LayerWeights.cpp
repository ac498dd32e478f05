// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "importers/json/LayerWeights.h"
#include "importers/Sources.h"
#include "importers/Try.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/Twine.h"
#include <cmath>

using namespace moec;
using namespace moec::json;
using llvm::createStringError;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

Error moec::json::fillRandomWeights(LayerSpec &layer,
                                    const description::Random &random,
                                    description::Precision precision,
                                    bool gated, mlir::MLIRContext &context) {
  constexpr int64_t kMaxSeed = int64_t(1) << 59;
  int64_t seed = random.seed();
  double std = random.std();
  if (seed <= -kMaxSeed || seed >= kMaxSeed)
    return createStringError("field 'seed' is beyond 59 bits");
  if (!(std >= 0.0) || std::isinf(std))
    return createStringError("field 'std' is not a number of at least 0");
  mlir::Builder builder(&context);
  mlir::Type element = precision == description::Precision::f32
                           ? mlir::Type(builder.getF32Type())
                       : precision == description::Precision::f16
                           ? mlir::Type(builder.getF16Type())
                           : mlir::Type(builder.getBF16Type());
  auto make = [&](int64_t index) {
    auto value = moe::RandomAttr::get(&context, 8 * seed + index,
                                      builder.getF64FloatAttr(std));
    return ParameterSpec{value, element};
  };
  layer.router.weight = make(0);
  layer.expert.gate = make(1);
  layer.expert.up = make(2);
  layer.expert.down = make(3);
  if (layer.shared) {
    layer.shared->network.gate = make(4);
    layer.shared->network.up = make(5);
    layer.shared->network.down = make(6);
    if (gated)
      layer.shared->gate = make(7);
  }
  return Error::success();
}

namespace {

/// Looks tensors up by the patterns of the description.
class TensorReader {
public:
  TensorReader(const LayerSpec &layer, StringRef file, SourceFiles &files,
               mlir::MLIRContext &context)
      : layer(layer), file(file), files(files), context(context) {}

  /// The tensor that `pattern` names, or the stack of one for each expert.
  Expected<ParameterSpec> read(StringRef field,
                               const flatbuffers::String *pattern,
                               llvm::ArrayRef<int64_t> shape, bool perExpert) {
    if (!pattern)
      return createStringError("expected field '" + field + "', found none");
    std::string name = replace(pattern->string_view(), "{name}", layer.name);
    if (!perExpert)
      return makeSource(files, file, name, shape, &context);
    if (StringRef(name).contains("{e}"))
      return readStack(name, shape);
    llvm::SmallVector<int64_t> whole = {layer.experts};
    whole.append(shape.begin(), shape.end());
    return makeSource(files, file, name, whole, &context);
  }

private:
  static std::string replace(StringRef text, StringRef what, StringRef with) {
    auto [before, after] = text.split(what);
    return text.contains(what) ? (before + with + after).str() : text.str();
  }

  Expected<ParameterSpec> readStack(StringRef pattern,
                                    llvm::ArrayRef<int64_t> shape) {
    llvm::SmallVector<ParameterSpec> parts;
    for (int64_t expert = 0; expert < layer.experts; ++expert) {
      std::string tensor = replace(pattern, "{e}", std::to_string(expert));
      auto part = makeSource(files, file, tensor, shape, &context);
      if (!part)
        return part;
      if (!parts.empty() && part->element != parts[0].element)
        return createStringError(
            "tensor '" + llvm::Twine(tensor) + "': expected dtype " +
            getSafetensorsDtype(parts[0].element) + ", found " +
            getSafetensorsDtype(part->element));
      parts.push_back(*part);
    }
    return makeStack(parts);
  }

  const LayerSpec &layer;
  StringRef file;
  SourceFiles &files;
  mlir::MLIRContext &context;
};

} // namespace

Error moec::json::fillTensorWeights(LayerSpec &layer,
                                    const description::Tensors &tensors,
                                    bool gated, SourceFiles &files,
                                    mlir::MLIRContext &context) {
  if (!tensors.file())
    return createStringError("expected field 'file', found none");
  TensorReader reader(layer, tensors.file()->string_view(), files, context);
  int64_t size = layer.expert.size, hidden = layer.hidden;
  MOEC_TRY(layer.router.weight, reader.read("router", tensors.router(),
                                            {layer.experts, hidden}, false));
  if (tensors.gate_up()) {
    if (tensors.gate() || tensors.up())
      return createStringError("expected 'gate_up' or 'gate' and 'up'");
    // Of one expert's matrix the gate is the first half; experts come before.
    ParameterSpec both;
    MOEC_TRY(both, reader.read("gate_up", tensors.gate_up(), {2 * size, hidden},
                               true));
    layer.expert.gate = makeSlice(both, /*dim=*/1, 0, size);
    layer.expert.up = makeSlice(both, /*dim=*/1, size, size);
  } else {
    MOEC_TRY(layer.expert.gate,
             reader.read("gate", tensors.gate(), {size, hidden}, true));
    MOEC_TRY(layer.expert.up,
             reader.read("up", tensors.up(), {size, hidden}, true));
  }
  MOEC_TRY(layer.expert.down,
           reader.read("down", tensors.down(), {hidden, size}, true));
  if (!layer.shared)
    return Error::success();
  int64_t shared = layer.shared->network.size;
  MOEC_TRY(layer.shared->network.gate,
           reader.read("shared_gate", tensors.shared_gate(), {shared, hidden},
                       false));
  MOEC_TRY(
      layer.shared->network.up,
      reader.read("shared_up", tensors.shared_up(), {shared, hidden}, false));
  MOEC_TRY(layer.shared->network.down,
           reader.read("shared_down", tensors.shared_down(), {hidden, shared},
                       false));
  if (gated) {
    MOEC_TRY(layer.shared->gate,
             reader.read("shared_switch", tensors.shared_switch(), {1, hidden},
                         false));
  }
  return Error::success();
}
