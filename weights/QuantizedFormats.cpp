// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The formats of quantised tensors in checkpoints, one class for each way that
// bytes are laid out.

#include "weights/QuantizedNode.h"
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

/// A tensor of floats that is read as f32.
struct FloatOperand {
  ParameterNodePtr node;
  mlir::Type type;

  Error read(const RowBlock &block, float *out) const {
    int64_t rowBytes = block.columns * node->elementSize;
    std::vector<char> bytes(block.rows * rowBytes);
    if (Error error = node->read(block, bytes.data(), rowBytes))
      return error;
    widenFloats(type, bytes.data(), block.rows * block.columns, out);
    return Error::success();
  }
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

/// Words of 8 codes of 4 bits: [K / 8, N] (GPTQ), [K, N / 8] (AWQ) or [N, K /
/// 8].
enum class WordOrder { AlongDepth, AlongColumns, RowMajor };

/// The code in bits 4i of an AWQ word belongs to column kAwqOrder[i].
constexpr int kAwqOrder[8] = {0, 2, 4, 6, 1, 3, 5, 7};

struct WordTensorParts {
  WordOrder order;
  ParameterNodePtr words;
  FloatOperand scales;
  /// Null: 8 everywhere.
  ParameterNodePtr zeros;
  int64_t zeroShift = 0; ///< added to stored zero points
  /// The group of each depth element; null: they are in order.
  ParameterNodePtr groupOf;
};

/// The code of `column` (of its word) in an AWQ word.
int awqShift(int64_t column) {
  return 4 * static_cast<int>(llvm::find(kAwqOrder, column % 8) - kAwqOrder);
}

class WordTensor final : public QuantizedTensor {
public:
  WordTensor(Shape shape, BlockForm form, int64_t groupSize,
             WordTensorParts parts)
      : QuantizedTensor(std::move(shape), form), groupSize(groupSize),
        parts(std::move(parts)) {}

  Error read(const RowBlock &block, BlockRow out) const override {
    if (Error error = readCodes(block, out.codes))
      return error;
    return readGroups(block, out);
  }

private:
  Error readWords(const ParameterReader::Node &node, const RowBlock &block,
                  std::vector<uint32_t> &words) const {
    words.resize(block.rows * block.columns);
    return node.read(block, reinterpret_cast<char *>(words.data()),
                     block.columns * 4);
  }

  Error readCodes(const RowBlock &block, uint8_t *codes) const {
    // A symmetric format's codes carry the sign.
    int bias = form.hasOffset ? 0 : 8;
    std::vector<uint32_t> words;
    int64_t column = block.row, depth = block.column;
    if (parts.order == WordOrder::AlongColumns) {
      int64_t first = column / 8;
      int64_t count = (column + block.rows + 7) / 8 - first;
      if (Error error = readWords(*parts.words,
                                  {depth, block.columns, first, count}, words))
        return error;
      for (int64_t k = 0; k < block.columns; ++k)
        for (int64_t n = 0; n < block.rows; ++n)
          codes[n * block.columns + k] =
              (words[k * count + (column + n) / 8 - first] >>
                   awqShift(column + n) &
               15) -
              bias;
      return Error::success();
    }
    bool along = parts.order == WordOrder::AlongDepth;
    int64_t first = depth / 8;
    int64_t count = (depth + block.columns + 7) / 8 - first;
    RowBlock from = along ? RowBlock{first, count, column, block.rows}
                          : RowBlock{column, block.rows, first, count};
    if (Error error = readWords(*parts.words, from, words))
      return error;
    for (int64_t n = 0; n < block.rows; ++n)
      for (int64_t k = 0; k < block.columns; ++k) {
        int64_t word = (depth + k) / 8 - first;
        uint32_t bits = words[along ? word * block.rows + n : n * count + word];
        codes[n * block.columns + k] =
            (bits >> (depth + k) % 8 * 4 & 15) - bias;
      }
    return Error::success();
  }

  /// The zero point of a group and a column out of the words that were read.
  static int zeroAt(WordOrder order, const std::vector<uint32_t> &words,
                    int64_t count, int64_t group, int64_t word, int64_t column,
                    int64_t groups) {
    if (order == WordOrder::RowMajor)
      return words[word * groups + group] >> column % 8 * 4 & 15;
    int shift = order == WordOrder::AlongColumns
                    ? awqShift(column)
                    : static_cast<int>(column % 8 * 4);
    return words[group * count + word] >> shift & 15;
  }

  Error readGroups(const RowBlock &block, BlockRow out) const {
    int64_t perRow = numScales(block.columns);
    int64_t column = block.row, rows = block.rows;
    bool rowMajor = parts.order == WordOrder::RowMajor;
    // With g_idx any group may be named.
    int64_t groups = getDepth() / groupSize;
    int64_t firstGroup = parts.groupOf ? 0 : block.column / groupSize;
    int64_t numGroups = parts.groupOf ? groups : perRow;
    std::vector<float> scales(numGroups * rows);
    if (Error error = parts.scales.read(
            rowMajor ? RowBlock{column, rows, firstGroup, numGroups}
                     : RowBlock{firstGroup, numGroups, column, rows},
            scales.data()))
      return error;
    std::vector<uint32_t> zeros;
    int64_t firstWord = column / 8;
    int64_t count = (column + rows + 7) / 8 - firstWord;
    if (parts.zeros)
      if (Error error = readWords(
              *parts.zeros,
              rowMajor ? RowBlock{firstWord, count, firstGroup, numGroups}
                       : RowBlock{firstGroup, numGroups, firstWord, count},
              zeros))
        return error;
    std::vector<int32_t> groupOf(block.columns);
    if (parts.groupOf)
      if (Error error = parts.groupOf->read(
              {0, 1, block.column, block.columns},
              reinterpret_cast<char *>(groupOf.data()), block.columns * 4))
        return error;
    for (int64_t n = 0; n < rows; ++n)
      for (int64_t at = 0; at < perRow; ++at) {
        int64_t group = parts.groupOf ? groupOf[at] : at;
        float scale =
            scales[rowMajor ? n * numGroups + group : group * rows + n];
        out.scales[n * perRow + at] = scale;
        if (!form.hasOffset)
          continue;
        int zero = parts.zeros ? zeroAt(parts.order, zeros, count, group,
                                        (column + n) / 8 - firstWord,
                                        column + n, numGroups) +
                                     static_cast<int>(parts.zeroShift)
                               : 8;
        out.offsets[n * perRow + at] = -(scale * static_cast<float>(zero));
      }
    return Error::success();
  }

  int64_t groupSize;
  WordTensorParts parts;
};

/// Opens the operands of one attribute.
struct Opener {
  moe::QuantizedAttr attr;
  SourceFiles &files;

  Expected<TensorPtr> open();

private:
  Error fail(const Twine &text) const {
    return createStringError("#moe.quantized<" +
                             stringifyQuantizedFormat(attr.getFormat()) +
                             ">: " + text);
  }
  Expected<ParameterNodePtr> operand(size_t index, mlir::Type type,
                                     llvm::StringRef dtype) const;
  Expected<FloatOperand> floats(size_t index) const;
  Error expectShape(size_t index, llvm::ArrayRef<int64_t> found,
                    llvm::ArrayRef<int64_t> expected) const;

  Expected<TensorPtr> openGgml(GgmlFormat format) const;
  Expected<TensorPtr> openFp8() const;
  Expected<TensorPtr> openMxfp4() const;
  Expected<TensorPtr> openWords(WordOrder order) const;
};

Expected<ParameterNodePtr> Opener::operand(size_t index, mlir::Type type,
                                           llvm::StringRef dtype) const {
  auto stored = getStoredType(attr.getOperands()[index], files);
  if (!stored)
    return stored.takeError();
  if (*stored != type)
    return fail("operand " + Twine(index) + " has dtype " +
                getSafetensorsDtype(*stored) + ", expected " + dtype);
  return openOperand(attr.getOperands()[index], type, files);
}

Expected<FloatOperand> Opener::floats(size_t index) const {
  auto type = getStoredType(attr.getOperands()[index], files);
  if (!type)
    return type.takeError();
  if (!canWiden(*type))
    return fail("operand " + Twine(index) + " has dtype " +
                getSafetensorsDtype(*type) + ", expected floats");
  auto node = openOperand(attr.getOperands()[index], *type, files);
  if (!node)
    return node.takeError();
  return FloatOperand{std::move(*node), *type};
}

Error Opener::expectShape(size_t index, llvm::ArrayRef<int64_t> found,
                          llvm::ArrayRef<int64_t> expected) const {
  if (found == expected)
    return Error::success();
  auto print = [](llvm::ArrayRef<int64_t> shape) {
    std::string text = "[";
    for (auto [i, size] : llvm::enumerate(shape))
      text += (i ? ", " : "") + std::to_string(size);
    return text + "]";
  };
  return fail("operand " + Twine(index) + " has shape " + print(found) +
              ", expected " + print(expected));
}

Expected<TensorPtr> Opener::openGgml(GgmlFormat format) const {
  auto source = mlir::dyn_cast<moe::SourceAttr>(attr.getOperands()[0]);
  if (!source)
    return fail("expected a #moe.source as operand");
  auto tensor = files.find(source.getFile(), source.getTensor());
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

Expected<TensorPtr> Opener::openFp8() const {
  auto codes =
      operand(0, mlir::Float8E4M3FNType::get(attr.getContext()), "F8_E4M3");
  if (!codes)
    return codes.takeError();
  auto scales = floats(1);
  if (!scales)
    return scales.takeError();
  Shape shape = (*codes)->shape;
  if (shape.size() < 2)
    return fail("operand 0 has rank " + Twine(shape.size()) +
                ", expected at least 2");
  llvm::ArrayRef<int64_t> tile = attr.getBlock();
  Shape wanted = shape;
  for (int dim : {0, 1}) {
    int64_t &size = wanted[shape.size() - 2 + dim];
    size = llvm::divideCeil(size, tile[dim]);
  }
  if (Error error = expectShape(1, scales->node->shape, wanted))
    return error;
  return std::make_unique<Fp8Tensor>(std::move(*codes), std::move(*scales),
                                     tile[0], tile[1]);
}

Expected<TensorPtr> Opener::openMxfp4() const {
  mlir::Type byte =
      mlir::IntegerType::get(attr.getContext(), 8, mlir::IntegerType::Unsigned);
  auto blocks = operand(0, byte, "U8");
  if (!blocks)
    return blocks.takeError();
  auto scales = operand(1, byte, "U8");
  if (!scales)
    return scales.takeError();
  Shape shape = (*scales)->shape;
  Shape wanted = shape;
  wanted.push_back(16);
  if (shape.empty())
    return fail("operand 1 has rank 0, expected at least 1");
  if (Error error = expectShape(0, (*blocks)->shape, wanted))
    return error;
  if (llvm::MulOverflow(shape.back(), int64_t(32), shape.back()))
    return fail("operand 1 is too large");
  return std::make_unique<Mxfp4Tensor>(shape, std::move(*blocks),
                                       std::move(*scales));
}

Expected<TensorPtr> Opener::openWords(WordOrder order) const {
  mlir::Type word = mlir::IntegerType::get(attr.getContext(), 32);
  bool rowMajor = order == WordOrder::RowMajor;
  size_t zerosAt = rowMajor ? 2 : 1, scalesAt = rowMajor ? 1 : 2;
  WordTensorParts parts;
  parts.order = order;
  auto words = operand(0, word, "I32");
  if (!words)
    return words.takeError();
  auto scales = floats(scalesAt);
  if (!scales)
    return scales.takeError();
  if ((*words)->shape.size() != 2)
    return fail("operand 0 has rank " + Twine((*words)->shape.size()) +
                ", expected 2");
  // [columns, depth]
  Shape shape{(*words)->shape[rowMajor ? 0 : 1],
              (*words)->shape[rowMajor ? 1 : 0]};
  int64_t &packed = shape[order == WordOrder::AlongColumns ? 0 : 1];
  if (llvm::MulOverflow(packed, int64_t(8), packed))
    return fail("operand 0 is too large");
  int64_t size = attr.getBlock()[0];
  if (shape[1] % size != 0)
    return fail("a depth of " + Twine(shape[1]) +
                " does not split into groups of " + Twine(size));
  int64_t groups = shape[1] / size;
  auto oriented = [&](int64_t columns) {
    return rowMajor ? Shape{columns, groups} : Shape{groups, columns};
  };
  if (Error error =
          expectShape(scalesAt, scales->node->shape, oriented(shape[0])))
    return error;
  BlockForm form{CodeKind::Int8, size, false};
  if (attr.getOperands().size() > zerosAt) {
    auto zeros = operand(zerosAt, word, "I32");
    if (!zeros)
      return zeros.takeError();
    if (Error error = expectShape(zerosAt, (*zeros)->shape,
                                  oriented(llvm::divideCeil(shape[0], 8))))
      return error;
    parts.zeros = std::move(*zeros);
    form.hasOffset = true;
  }
  if (!rowMajor && attr.getOperands().size() > 3) {
    auto groupOf = operand(3, word, "I32");
    if (!groupOf)
      return groupOf.takeError();
    if (Error error = expectShape(3, (*groupOf)->shape, {shape[1]}))
      return error;
    parts.groupOf = std::move(*groupOf);
    std::vector<int32_t> numbers(shape[1]);
    if (Error error = parts.groupOf->read(
            {0, 1, 0, shape[1]}, reinterpret_cast<char *>(numbers.data()),
            shape[1] * 4))
      return error;
    for (int32_t group : numbers)
      if (group < 0 || group >= groups)
        return fail("operand 3 has group " + Twine(group) +
                    ", expected one below " + Twine(groups));
    form.block = 1;
  }
  parts.words = std::move(*words);
  parts.scales = std::move(*scales);
  parts.zeroShift = attr.getFormat() == moe::QuantizedFormat::Gptq;
  return std::make_unique<WordTensor>(shape, form, size, std::move(parts));
}

Expected<TensorPtr> Opener::open() {
  switch (attr.getFormat()) {
  case moe::QuantizedFormat::Float:
    return fail("has no blocks");
  case moe::QuantizedFormat::Fp8E4M3:
    return openFp8();
  case moe::QuantizedFormat::Mxfp4:
    return openMxfp4();
  case moe::QuantizedFormat::Gptq:
  case moe::QuantizedFormat::GptqV2:
    return openWords(WordOrder::AlongDepth);
  case moe::QuantizedFormat::Awq:
    return openWords(WordOrder::AlongColumns);
  case moe::QuantizedFormat::Int4Packed:
    return openWords(WordOrder::RowMajor);
  case moe::QuantizedFormat::Q8_0:
    return openGgml(GgmlFormat::Q8_0);
  case moe::QuantizedFormat::Q4_0:
    return openGgml(GgmlFormat::Q4_0);
  case moe::QuantizedFormat::Q4K:
    return openGgml(GgmlFormat::Q4K);
  case moe::QuantizedFormat::Q5K:
    return openGgml(GgmlFormat::Q5K);
  case moe::QuantizedFormat::Q6K:
    return openGgml(GgmlFormat::Q6K);
  case moe::QuantizedFormat::GgmlMxfp4:
    return openGgml(GgmlFormat::Mxfp4);
  }
  llvm_unreachable("unknown format");
}

} // namespace

Expected<TensorPtr> moec::openQuantized(moe::QuantizedAttr attr,
                                        SourceFiles &files) {
  return Opener{attr, files}.open();
}
