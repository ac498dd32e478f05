// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Codes of 2, 3, 4 or 8 bits, a stream from the lowest bit on: ONNX.

#include "weights/QuantizedOperands.h"
#include "llvm/Support/MathExtras.h"
#include <vector>

using namespace moec;
using llvm::Error;
using llvm::Expected;
using llvm::Twine;
using TensorPtr = std::unique_ptr<QuantizedTensor>;

namespace {

/// Numbers of a few bits, a stream that begins anew with each row of bytes.
struct PackedNumbers {
  ParameterNodePtr bytes;
  int64_t bits;

  /// `block` of the numbers, row by row.
  Error read(const RowBlock &block, uint8_t *out) const {
    int64_t begin = block.column * bits, first = begin / 8;
    int64_t count = llvm::divideCeil(begin + block.columns * bits, 8) - first;
    // The last number's second byte may be beyond the row.
    std::vector<char> line(block.rows * count + 1);
    if (Error error = bytes->read({block.row, block.rows, first, count},
                                  line.data(), count))
      return error;
    unsigned mask = (1u << bits) - 1;
    for (int64_t row = 0; row < block.rows; ++row)
      for (int64_t i = 0; i < block.columns; ++i) {
        int64_t bit = begin + i * bits;
        const char *at = line.data() + row * count + bit / 8 - first;
        unsigned two = static_cast<uint8_t>(at[0]) |
                       static_cast<unsigned>(static_cast<uint8_t>(at[1])) << 8;
        *out++ = two >> bit % 8 & mask;
      }
    return Error::success();
  }
};

struct ByteTensorParts {
  PackedNumbers codes;
  FloatOperand scales;
  /// Of each group, or (`zerosAlongRows`) of each row, which has one group.
  /// Without bytes: the middle of the range everywhere.
  PackedNumbers zeros;
  bool zerosAlongRows = false;
};

class ByteTensor final : public QuantizedTensor {
public:
  ByteTensor(Shape shape, BlockForm form, ByteTensorParts parts)
      : QuantizedTensor(std::move(shape), form), parts(std::move(parts)) {}

  Error read(const RowBlock &block, BlockRow out) const override {
    if (Error error = parts.codes.read(block, out.codes))
      return error;
    // Common codes carry a sign unless 4 bits with an offset hold them.
    int middle = 1 << (parts.codes.bits - 1);
    int bias = form.hasOffset && parts.codes.bits <= 4 ? 0 : middle;
    for (int64_t i = 0; i < block.rows * block.columns; ++i)
      out.codes[i] -= bias;
    int64_t perRow = numScales(block.columns);
    RowBlock groups{block.row, block.rows, block.column / form.block, perRow};
    if (Error error = parts.scales.read(groups, out.scales))
      return error;
    if (!form.hasOffset)
      return Error::success();
    std::vector<uint8_t> zeros(block.rows * perRow);
    if (Error error = readZeros(groups, zeros.data()))
      return error;
    for (size_t i = 0; i < zeros.size(); ++i)
      out.offsets[i] = out.scales[i] * static_cast<float>(bias - zeros[i]);
    return Error::success();
  }

private:
  Error readZeros(const RowBlock &groups, uint8_t *out) const {
    if (!parts.zerosAlongRows)
      return parts.zeros.read(groups, out);
    int64_t rows = shape[shape.size() - 2];
    int64_t end = groups.row + groups.rows;
    for (int64_t row = groups.row; row < end;) {
      int64_t within = row % rows, count = std::min(rows - within, end - row);
      if (Error error = parts.zeros.read({row / rows, 1, within, count}, out))
        return error;
      row += count;
      out += count;
    }
    return Error::success();
  }

  ByteTensorParts parts;
};

} // namespace

Expected<TensorPtr> moec::openPackedBytes(const QuantizedOperands &operands) {
  moe::QuantizedAttr attr = operands.getAttr();
  int64_t size = attr.getBlock()[0], bits = attr.getBlock()[1];
  mlir::Type byte =
      mlir::IntegerType::get(attr.getContext(), 8, mlir::IntegerType::Unsigned);
  auto codes = operands.open(0, byte, "U8");
  if (!codes)
    return codes.takeError();
  auto scales = operands.openFloats(1);
  if (!scales)
    return scales.takeError();
  // [.., rows, depth]
  Shape shape = (*codes)->shape;
  if (Error error = operands.expectRows(0, shape))
    return error;
  if (llvm::MulOverflow(shape.back(), int64_t(8), shape.back()))
    return operands.fail("operand 0 is too large");
  if (shape.back() % bits)
    return operands.fail("rows of " + Twine(shape.back() / 8) +
                         " bytes are not whole codes of " + Twine(bits) +
                         " bits");
  shape.back() /= bits;
  Shape wanted = shape;
  wanted.back() = llvm::divideCeil(shape.back(), size);
  if (Error error = operands.expectShape(1, scales->node->shape, wanted))
    return error;
  ByteTensorParts parts;
  parts.codes = {std::move(*codes), bits};
  parts.scales = std::move(*scales);
  BlockForm form{CodeKind::Int8, size, false};
  if (operands.size() > 2) {
    auto zeros = operands.open(2, byte, "U8");
    if (!zeros)
      return zeros.takeError();
    parts.zerosAlongRows =
        wanted.back() == 1 && (*zeros)->shape.size() + 1 == shape.size();
    if (parts.zerosAlongRows)
      wanted.pop_back();
    wanted.back() = llvm::divideCeil(wanted.back() * bits, 8);
    if (Error error = operands.expectShape(2, (*zeros)->shape, wanted))
      return error;
    parts.zeros = {std::move(*zeros), bits};
    form.hasOffset = true;
  }
  return std::make_unique<ByteTensor>(shape, form, std::move(parts));
}
