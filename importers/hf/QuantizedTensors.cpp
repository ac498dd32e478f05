// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The tensors that stand for a quantised weight, by their names.

#include "importers/Sources.h"
#include "importers/hf/Checkpoint.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/MathExtras.h"

using namespace moec;
using hf::QuantizationMethod;
using llvm::createStringError;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

bool Checkpoint::isBlocks(StringRef tensor) const {
  return quantization.method == QuantizationMethod::Mxfp4 &&
         !hasTensor(tensor) && hasTensor((tensor + "_blocks").str());
}

bool Checkpoint::has(StringRef tensor) const {
  if (hasTensor(tensor) || isBlocks(tensor))
    return true;
  return tensor.consume_back(".weight") &&
         quantization.method != QuantizationMethod::None &&
         (hasTensor((tensor + ".qweight").str()) ||
          hasTensor((tensor + ".weight_packed").str()));
}

mlir::Attribute Checkpoint::makeSourceAttr(StringRef tensor) const {
  return moe::SourceAttr::get(
      context, mlir::StringAttr::get(context, fileOf.find(tensor)->second),
      mlir::StringAttr::get(context, tensor));
}

ParameterSpec
Checkpoint::makeQuantized(moe::QuantizedFormat format,
                          llvm::ArrayRef<mlir::Attribute> operands,
                          llvm::ArrayRef<int64_t> block) const {
  return {moe::QuantizedAttr::get(context, format, operands, block),
          mlir::Float32Type::get(context)};
}

static std::string describe(llvm::ArrayRef<int64_t> shape) {
  std::string text = "[";
  for (int64_t size : shape)
    text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  return text + "]";
}

Error Checkpoint::expectTensor(StringRef tensor, StringRef dtype,
                               llvm::ArrayRef<int64_t> shape) const {
  auto file = fileOf.find(tensor);
  if (file == fileOf.end())
    return createStringError(Twine(path) + ": no tensor '" + tensor + "'");
  auto source = files->find(file->second, tensor);
  if (!source)
    return source.takeError();
  StringRef stored = source->entry->dtype;
  bool isFloat =
      llvm::is_contained({"F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"}, stored);
  if (dtype.empty() ? !isFloat : stored != dtype)
    return createStringError(
        source->file->getPath() + ": tensor '" + tensor + "': expected dtype " +
        (dtype.empty() ? "F32, F16 or BF16" : dtype) + ", found " + stored);
  llvm::ArrayRef<int64_t> found = source->entry->shape;
  if (found == shape)
    return Error::success();
  return createStringError(source->file->getPath() + ": tensor '" + tensor +
                           "': expected shape " + describe(shape) + ", found " +
                           describe(found));
}

/// NAME_blocks [.., N, K / 32, 16] and NAME_scales [.., N, K / 32].
Expected<ParameterSpec>
Checkpoint::getBlocks(StringRef tensor, llvm::ArrayRef<int64_t> shape) const {
  std::string blocks = (tensor + "_blocks").str();
  std::string scales = (tensor + "_scales").str();
  if (shape.back() % 32)
    return createStringError(Twine(path) + ": tensor '" + blocks +
                             "': expected a depth in blocks of 32, found " +
                             Twine(shape.back()));
  llvm::SmallVector<int64_t> wanted(shape);
  wanted.back() /= 32;
  if (Error error = expectTensor(scales, "U8", wanted))
    return error;
  wanted.push_back(16);
  if (Error error = expectTensor(blocks, "U8", wanted))
    return error;
  return makeQuantized(moe::QuantizedFormat::Mxfp4,
                       {makeSourceAttr(blocks), makeSourceAttr(scales)}, {});
}

/// The weight, and its scales: one for each tile, for each row, or only one.
Expected<ParameterSpec>
Checkpoint::getFloat8(StringRef tensor, llvm::ArrayRef<int64_t> shape) const {
  if (Error error = expectTensor(tensor, "F8_E4M3", shape))
    return error;
  std::string scales;
  for (const char *suffix : {"_scale_inv", "_scale"})
    if (scales.empty() && hasTensor((tensor + suffix).str()))
      scales = (tensor + suffix).str();
  if (scales.empty())
    return makeQuantized(moe::QuantizedFormat::Float, {makeSourceAttr(tensor)},
                         {});
  llvm::ArrayRef<int64_t> found = getShape(scales);
  if (Error error = expectTensor(scales, "", found))
    return error;
  llvm::ArrayRef<int64_t> stack = shape.drop_back(2);
  int64_t rows = shape[shape.size() - 2], depth = shape.back();
  ParameterSpec value = {makeSourceAttr(scales),
                         mlir::Float32Type::get(context)};
  llvm::SmallVector<int64_t> tiles(stack);
  llvm::SmallVector<int64_t, 2> block;
  if (found.size() == shape.size() && found.drop_back(2) == stack) {
    llvm::ArrayRef<int64_t> counts = found.take_back(2);
    if (counts[0] == rows && counts[1] == 1)
      block = {1, depth};
    else
      block = {quantization.tile[0], quantization.tile[1]};
    if (llvm::divideCeil(rows, block[0]) != static_cast<uint64_t>(counts[0]) ||
        llvm::divideCeil(depth, block[1]) != static_cast<uint64_t>(counts[1]))
      return createStringError(Twine(path) + ": tensor '" + scales +
                               "': expected a scale for each tile of " +
                               describe(block) + " of " + describe(shape) +
                               ", found " + describe(found));
    return makeQuantized(moe::QuantizedFormat::Fp8E4M3,
                         {makeSourceAttr(tensor), value.value}, block);
  }
  bool single = llvm::all_of(found, [](int64_t size) { return size == 1; });
  bool perRow = found.size() + 1 == shape.size() && found.back() == rows &&
                found.drop_back() == stack;
  bool perMatrix = !single && found == stack;
  if ((!single || !stack.empty()) && !perRow && !perMatrix)
    return createStringError(Twine(path) + ": tensor '" + scales +
                             "': expected a scale for each tile, each row or "
                             "the whole of " +
                             describe(shape) + ", found " + describe(found));
  tiles.append({perRow ? rows : 1, 1});
  return makeQuantized(
      moe::QuantizedFormat::Fp8E4M3,
      {makeSourceAttr(tensor), makeReshape(value, tiles).value},
      perRow ? llvm::ArrayRef<int64_t>({1, depth})
             : llvm::ArrayRef<int64_t>({rows, depth}));
}

/// GPTQ and AWQ (BASE.qweight, qzeros, scales), compressed-tensors
/// (BASE.weight_packed, weight_scale).
Expected<ParameterSpec>
Checkpoint::getPacked(StringRef base, llvm::ArrayRef<int64_t> shape) const {
  auto name = [&](StringRef part) { return (base + "." + part).str(); };
  if (shape.size() != 2)
    return createStringError(Twine(path) + ": tensor '" + name("qweight") +
                             "': expected to stand for a matrix");
  int64_t rows = shape[0], depth = shape[1];
  bool packed = hasTensor(name("weight_packed"));
  bool awq = quantization.method == QuantizationMethod::Awq;
  if (packed != (quantization.method == QuantizationMethod::Packed) ||
      quantization.method == QuantizationMethod::Fp8 ||
      quantization.method == QuantizationMethod::Mxfp4)
    return createStringError(
        Twine(path) + ": tensor '" +
        name(packed ? "weight_packed" : "qweight") +
        "': quantization_config names a method with other tensors");
  std::string scales = name(packed ? "weight_scale" : "scales");
  llvm::ArrayRef<int64_t> found = getShape(scales);
  int64_t groups = found.size() == 2 ? found[packed ? 1 : 0] : 0;
  if (groups < 1 || groups > depth || depth % 8 || (!packed && rows % 8) ||
      depth % groups)
    return createStringError(Twine(path) + ": tensor '" + scales +
                             "': expected scales of groups that divide " +
                             describe(shape) + ", found " + describe(found));
  llvm::SmallVector<mlir::Attribute> operands;
  auto add = [&](StringRef part, StringRef dtype,
                 llvm::ArrayRef<int64_t> wanted) -> Error {
    if (Error error = expectTensor(name(part), dtype, wanted))
      return error;
    operands.push_back(makeSourceAttr(name(part)));
    return Error::success();
  };
  int64_t group = depth / groups;
  if (packed) {
    if (hasTensor(name("weight_g_idx")))
      return createStringError(Twine(path) + ": tensor '" +
                               name("weight_g_idx") +
                               "': expected groups in the order of the depth; "
                               "groups by activation order are read from gptq "
                               "checkpoints only");
    if (Error error = add("weight_packed", "I32", {rows, depth / 8}))
      return error;
    if (Error error = add("weight_scale", "", {rows, groups}))
      return error;
    if (hasTensor(name("weight_zero_point")))
      if (Error error =
              add("weight_zero_point", "I32",
                  {static_cast<int64_t>(llvm::divideCeil(rows, 8)), groups}))
        return error;
    return makeQuantized(moe::QuantizedFormat::Int4Packed, operands, {group});
  }
  if (Error error = awq ? add("qweight", "I32", {depth, rows / 8})
                        : add("qweight", "I32", {depth / 8, rows}))
    return error;
  if (Error error = add("qzeros", "I32", {groups, rows / 8}))
    return error;
  if (Error error = add("scales", "", {groups, rows}))
    return error;
  if (awq)
    return makeQuantized(moe::QuantizedFormat::Awq, operands, {group});
  if (quantization.activationOrder && hasTensor(name("g_idx")))
    if (Error error = add("g_idx", "I32", {depth}))
      return error;
  return makeQuantized(quantization.method == QuantizationMethod::GptqV2
                           ? moe::QuantizedFormat::GptqV2
                           : moe::QuantizedFormat::Gptq,
                       operands, {group});
}
