// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Codes of 4 bits, eight in a word: GPTQ, AWQ and compressed-tensors.

#include "weights/QuantizedOperands.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"
#include <vector>

using namespace moec;
using llvm::Error;
using llvm::Expected;
using llvm::Twine;
using TensorPtr = std::unique_ptr<QuantizedTensor>;

namespace {

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

} // namespace

/// How the format lays words out.
static WordOrder getOrder(moe::QuantizedFormat format) {
  if (format == moe::QuantizedFormat::Awq)
    return WordOrder::AlongColumns;
  return format == moe::QuantizedFormat::Int4Packed ? WordOrder::RowMajor
                                                    : WordOrder::AlongDepth;
}

Expected<TensorPtr> moec::openPackedWords(const QuantizedOperands &operands) {
  moe::QuantizedAttr attr = operands.getAttr();
  WordOrder order = getOrder(attr.getFormat());
  mlir::Type word = mlir::IntegerType::get(attr.getContext(), 32);
  bool rowMajor = order == WordOrder::RowMajor;
  size_t zerosAt = rowMajor ? 2 : 1, scalesAt = rowMajor ? 1 : 2;
  WordTensorParts parts;
  parts.order = order;
  auto words = operands.open(0, word, "I32");
  if (!words)
    return words.takeError();
  auto scales = operands.openFloats(scalesAt);
  if (!scales)
    return scales.takeError();
  if ((*words)->shape.size() != 2)
    return operands.fail("operand 0 has rank " + Twine((*words)->shape.size()) +
                         ", expected 2");
  // [columns, depth]
  Shape shape{(*words)->shape[rowMajor ? 0 : 1],
              (*words)->shape[rowMajor ? 1 : 0]};
  int64_t &packed = shape[order == WordOrder::AlongColumns ? 0 : 1];
  if (llvm::MulOverflow(packed, int64_t(8), packed))
    return operands.fail("operand 0 is too large");
  int64_t size = attr.getBlock()[0];
  if (shape[1] % size != 0)
    return operands.fail("a depth of " + Twine(shape[1]) +
                         " does not split into groups of " + Twine(size));
  int64_t groups = shape[1] / size;
  auto oriented = [&](int64_t columns) {
    return rowMajor ? Shape{columns, groups} : Shape{groups, columns};
  };
  if (Error error = operands.expectShape(scalesAt, scales->node->shape,
                                         oriented(shape[0])))
    return error;
  BlockForm form{CodeKind::Int8, size, false};
  if (operands.size() > zerosAt) {
    auto zeros = operands.open(zerosAt, word, "I32");
    if (!zeros)
      return zeros.takeError();
    if (Error error = operands.expectShape(
            zerosAt, (*zeros)->shape, oriented(llvm::divideCeil(shape[0], 8))))
      return error;
    parts.zeros = std::move(*zeros);
    form.hasOffset = true;
  }
  if (!rowMajor && operands.size() > 3) {
    auto groupOf = operands.open(3, word, "I32");
    if (!groupOf)
      return groupOf.takeError();
    if (Error error = operands.expectShape(3, (*groupOf)->shape, {shape[1]}))
      return error;
    parts.groupOf = std::move(*groupOf);
    std::vector<int32_t> numbers(shape[1]);
    if (Error error = parts.groupOf->read(
            {0, 1, 0, shape[1]}, reinterpret_cast<char *>(numbers.data()),
            shape[1] * 4))
      return error;
    for (int32_t group : numbers)
      if (group < 0 || group >= groups)
        return operands.fail("operand 3 has group " + Twine(group) +
                             ", expected one below " + Twine(groups));
    form.block = 1;
  }
  parts.words = std::move(*words);
  parts.scales = std::move(*scales);
  parts.zeroShift = attr.getFormat() == moe::QuantizedFormat::Gptq;
  return std::make_unique<WordTensor>(shape, form, size, std::move(parts));
}
