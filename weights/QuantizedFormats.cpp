// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The formats of blocks: GGUF's, FP8 with scales of tiles, MXFP4.

#include "weights/QuantizedOperands.h"
#include "weights/encodings/Floats.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/MathExtras.h"
#include <vector>

using namespace moec;
using llvm::createStringError;
using llvm::Error;
using llvm::Expected;
using llvm::Twine;

namespace {

using TensorPtr = std::unique_ptr<QuantizedTensor>;

/// Blocks of a GGUF file.
class GgmlTensor final : public QuantizedTensor {
public:
  GgmlTensor(SourceTensor source, GgmlFormat format)
      : QuantizedTensor(Shape(source.entry->shape), getGgmlBlock(format).form),
        source(source), format(format), stored(getGgmlBlock(format)) {}

  Error read(const RowBlock &block, BlockRow out) const override {
    // Stored blocks may be longer than those that share a scale.
    int64_t first = block.column / stored.elements;
    int64_t count =
        llvm::divideCeil(block.column + block.columns, stored.elements) - first;
    int64_t rowBytes = getDepth() / stored.elements * stored.bytes;
    int64_t decoded = count * stored.elements;
    int64_t perRow = decoded / form.block, wanted = numScales(block.columns);
    int64_t skipped = block.column - first * stored.elements;
    std::vector<char> bytes(count * stored.bytes);
    std::vector<uint8_t> codes(decoded);
    std::vector<float> factors(2 * perRow);
    BlockRow row{codes.data(), factors.data(), factors.data() + perRow};
    for (int64_t i = 0; i < block.rows; ++i) {
      if (Error error = source.file->read(
              *source.entry, (block.row + i) * rowBytes + first * stored.bytes,
              bytes))
        return error;
      decodeGgml(format, reinterpret_cast<const uint8_t *>(bytes.data()), count,
                 row);
      std::memcpy(out.codes + i * block.columns, row.codes + skipped,
                  block.columns);
      int64_t from = skipped / form.block;
      std::memcpy(out.scales + i * wanted, row.scales + from, wanted * 4);
      if (form.hasOffset)
        std::memcpy(out.offsets + i * wanted, row.offsets + from, wanted * 4);
    }
    return Error::success();
  }

private:
  SourceTensor source;
  GgmlFormat format;
  GgmlBlock stored;
};

/// FP8 with a scale for each tile.
class Fp8Tensor final : public QuantizedTensor {
public:
  Fp8Tensor(ParameterNodePtr codes, FloatOperand scales, int64_t tileRows,
            int64_t tileColumns)
      : QuantizedTensor(codes->shape, {CodeKind::Float8E4M3, tileColumns}),
        codes(std::move(codes)), scales(std::move(scales)), tileRows(tileRows) {
  }

  Error read(const RowBlock &block, BlockRow out) const override {
    if (Error error = codes->read(block, reinterpret_cast<char *>(out.codes),
                                  block.columns))
      return error;
    int64_t rows = shape[shape.size() - 2];
    int64_t perRow = numScales(block.columns);
    for (int64_t i = 0; i < block.rows; ++i) {
      int64_t row = block.row + i;
      int64_t tile =
          row / rows * llvm::divideCeil(rows, tileRows) + row % rows / tileRows;
      bool same = i != 0 && row % rows % tileRows != 0;
      float *to = out.scales + i * perRow;
      if (same)
        std::memcpy(to, to - perRow, perRow * 4);
      else if (Error error = scales.read(
                   {tile, 1, block.column / form.block, perRow}, to))
        return error;
    }
    return Error::success();
  }

private:
  ParameterNodePtr codes;
  FloatOperand scales;
  int64_t tileRows;
};

/// MXFP4 as two tensors, pairs of elements in a byte.
class Mxfp4Tensor final : public QuantizedTensor {
public:
  Mxfp4Tensor(Shape shape, ParameterNodePtr blocks, ParameterNodePtr scales)
      : QuantizedTensor(std::move(shape), {CodeKind::Int8, 32}),
        blocks(std::move(blocks)), scales(std::move(scales)) {}

  Error read(const RowBlock &block, BlockRow out) const override {
    int64_t perRow = getDepth() / 32, count = block.columns / 32;
    std::vector<char> bytes(count * 16), exponents(count);
    for (int64_t i = 0; i < block.rows; ++i) {
      int64_t row = block.row + i, first = block.column / 32;
      if (Error error = blocks->read({row * perRow + first, count, 0, 16},
                                     bytes.data(), 16))
        return error;
      if (Error error =
              scales->read({row, 1, first, count}, exponents.data(), count))
        return error;
      uint8_t *codes = out.codes + i * block.columns;
      for (int64_t at = 0; at < count * 16; ++at) {
        auto pair = static_cast<uint8_t>(bytes[at]);
        codes[2 * at] = kDoubledE2M1[pair & 15];
        codes[2 * at + 1] = kDoubledE2M1[pair >> 4];
      }
      for (int64_t at = 0; at < count; ++at)
        out.scales[i * count + at] =
            0.5f * widenE8M0(static_cast<uint8_t>(exponents[at]));
    }
    return Error::success();
  }

private:
  ParameterNodePtr blocks, scales;
};

} // namespace

static Expected<TensorPtr> openGgml(const QuantizedOperands &operands,
                                    GgmlFormat format) {
  moe::QuantizedAttr attr = operands.getAttr();
  auto source = mlir::dyn_cast<moe::SourceAttr>(attr.getOperands()[0]);
  if (!source)
    return operands.fail("expected a #moe.source as operand");
  auto tensor = operands.getFiles().find(source.getFile(), source.getTensor());
  if (!tensor)
    return tensor.takeError();
  GgmlBlock block = getGgmlBlock(format);
  llvm::StringRef wanted = attr.getFormat() == moe::QuantizedFormat::GgmlMxfp4
                               ? "mxfp4"
                               : stringifyQuantizedFormat(attr.getFormat());
  const TensorEntry &entry = *tensor->entry;
  // Files without these types hold other bytes under the name.
  if (!wanted.equals_insensitive(entry.dtype))
    return createStringError(
        tensor->file->getPath() + ": tensor '" + source.getTensor().getValue() +
        "': expected dtype " + wanted.upper() + ", found " + entry.dtype);
  int64_t bytes = block.bytes;
  bool whole = !entry.shape.empty() && entry.shape.back() % block.elements == 0;
  for (auto [i, size] : llvm::enumerate(entry.shape))
    whole = whole && !llvm::MulOverflow(bytes,
                                        i + 1 == entry.shape.size()
                                            ? size / block.elements
                                            : size,
                                        bytes);
  if (!whole || static_cast<uint64_t>(bytes) != entry.size)
    return createStringError(
        tensor->file->getPath() + ": tensor '" + source.getTensor().getValue() +
        "': expected whole blocks of " + Twine(block.elements) + " elements");
  return std::make_unique<GgmlTensor>(*tensor, format);
}

static Expected<TensorPtr> openFp8(const QuantizedOperands &operands) {
  moe::QuantizedAttr attr = operands.getAttr();
  auto codes = operands.open(0, mlir::Float8E4M3FNType::get(attr.getContext()),
                             "F8_E4M3");
  if (!codes)
    return codes.takeError();
  auto scales = operands.openFloats(1);
  if (!scales)
    return scales.takeError();
  Shape shape = (*codes)->shape;
  if (Error error = operands.expectRows(0, shape))
    return error;
  llvm::ArrayRef<int64_t> tile = attr.getBlock();
  Shape wanted = shape;
  for (int dim : {0, 1}) {
    int64_t &size = wanted[shape.size() - 2 + dim];
    size = llvm::divideCeil(size, tile[dim]);
  }
  if (Error error = operands.expectShape(1, scales->node->shape, wanted))
    return error;
  return std::make_unique<Fp8Tensor>(std::move(*codes), std::move(*scales),
                                     tile[0], tile[1]);
}

static Expected<TensorPtr> openMxfp4(const QuantizedOperands &operands) {
  moe::QuantizedAttr attr = operands.getAttr();
  mlir::Type byte =
      mlir::IntegerType::get(attr.getContext(), 8, mlir::IntegerType::Unsigned);
  auto blocks = operands.open(0, byte, "U8");
  if (!blocks)
    return blocks.takeError();
  auto scales = operands.open(1, byte, "U8");
  if (!scales)
    return scales.takeError();
  Shape shape = (*scales)->shape;
  Shape wanted = shape;
  wanted.push_back(16);
  if (shape.empty())
    return operands.fail("operand 1 has rank 0, expected at least 1");
  if (Error error = operands.expectShape(0, (*blocks)->shape, wanted))
    return error;
  if (llvm::MulOverflow(shape.back(), int64_t(32), shape.back()))
    return operands.fail("operand 1 is too large");
  return std::make_unique<Mxfp4Tensor>(shape, std::move(*blocks),
                                       std::move(*scales));
}

Expected<TensorPtr> moec::openQuantized(moe::QuantizedAttr attr,
                                        SourceFiles &files) {
  QuantizedOperands operands(attr, files);
  switch (attr.getFormat()) {
  case moe::QuantizedFormat::Float:
    return operands.fail("has no blocks");
  case moe::QuantizedFormat::Fp8E4M3:
    return openFp8(operands);
  case moe::QuantizedFormat::Mxfp4:
    return openMxfp4(operands);
  case moe::QuantizedFormat::Gptq:
  case moe::QuantizedFormat::GptqV2:
  case moe::QuantizedFormat::Awq:
  case moe::QuantizedFormat::Int4Packed:
    return openPackedWords(operands);
  case moe::QuantizedFormat::UintPacked:
    return openPackedBytes(operands);
  case moe::QuantizedFormat::Q8_0:
    return openGgml(operands, GgmlFormat::Q8_0);
  case moe::QuantizedFormat::Q4_0:
    return openGgml(operands, GgmlFormat::Q4_0);
  case moe::QuantizedFormat::Q4K:
    return openGgml(operands, GgmlFormat::Q4K);
  case moe::QuantizedFormat::Q5K:
    return openGgml(operands, GgmlFormat::Q5K);
  case moe::QuantizedFormat::Q6K:
    return openGgml(operands, GgmlFormat::Q6K);
  case moe::QuantizedFormat::GgmlMxfp4:
    return openGgml(operands, GgmlFormat::Mxfp4);
  }
  llvm_unreachable("unknown format");
}
