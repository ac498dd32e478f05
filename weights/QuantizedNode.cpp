// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "weights/QuantizedNode.h"
#include "weights/encodings/Floats.h"
#include "llvm/ADT/Twine.h"
#include <algorithm>
#include <vector>

using namespace moec;
using llvm::createStringError;
using llvm::Error;
using llvm::Expected;

/// Elements that are decoded at a time.
static constexpr int64_t kRunElements = 1 << 18;

namespace {

/// Rounds f32 to one of the element types that values may have.
struct Rounder {
  enum class To { F32, F16, BF16 } to;

  static Expected<Rounder> create(mlir::Type element) {
    if (element.isF32())
      return Rounder{To::F32};
    if (element.isF16())
      return Rounder{To::F16};
    if (element.isBF16())
      return Rounder{To::BF16};
    return createStringError(
        "#moe.quantized expects element type f32, f16 or bf16");
  }

  void operator()(const float *from, int64_t count, char *out) const {
    if (to == To::F32) {
      std::memcpy(out, from, count * 4);
      return;
    }
    for (int64_t i = 0; i < count; ++i) {
      uint16_t bits =
          to == To::F16 ? roundToF16(from[i]) : roundToBf16(from[i]);
      std::memcpy(out + i * 2, &bits, 2);
    }
  }
};

/// Values, codes, scales or offsets of a quantised tensor.
class QuantizedNode final : public ParameterReader::Node {
public:
  QuantizedNode(Shape shape, int64_t elementSize,
                std::unique_ptr<QuantizedTensor> tensor, Component component,
                Rounder round)
      : Node(std::move(shape), elementSize), tensor(std::move(tensor)),
        component(component), round(round) {}

  Error read(const RowBlock &block, char *out, int64_t stride) const override {
    const BlockForm &form = tensor->form;
    bool scales =
        component == Component::Scales || component == Component::Offsets;
    // In elements, from the start of a block.
    int64_t begin = scales ? block.column * form.block
                           : block.column / form.block * form.block;
    int64_t end = scales ? (block.column + block.columns) * form.block
                         : (block.column + block.columns + form.block - 1) /
                               form.block * form.block;
    end = std::min(end, tensor->getDepth());
    int64_t width = end - begin, perRow = tensor->numScales(width);
    int64_t run = std::clamp<int64_t>(kRunElements / width, 1, block.rows);
    std::vector<uint8_t> codes(run * width);
    std::vector<float> factors(2 * run * perRow), values;
    if (component == Component::Values)
      values.resize(width);
    BlockRow rows{codes.data(), factors.data(), factors.data() + run * perRow};
    for (int64_t first = 0; first < block.rows; first += run) {
      int64_t count = std::min(run, block.rows - first);
      if (Error error =
              tensor->read({block.row + first, count, begin, width}, rows))
        return error;
      for (int64_t i = 0; i < count; ++i) {
        char *to = out + (first + i) * stride;
        BlockRow row{rows.codes + i * width, rows.scales + i * perRow,
                     rows.offsets + i * perRow};
        int64_t skipped = block.column - begin;
        switch (component) {
        case Component::Values:
          decodeBlocks(form, row, width, values.data());
          round(values.data() + skipped, block.columns, to);
          break;
        case Component::Codes:
          std::memcpy(to, row.codes + skipped, block.columns);
          break;
        case Component::Scales:
          std::memcpy(to, row.scales, block.columns * 4);
          break;
        case Component::Offsets:
          std::memcpy(to, row.offsets, block.columns * 4);
          break;
        }
      }
    }
    return Error::success();
  }

private:
  std::unique_ptr<QuantizedTensor> tensor;
  Component component;
  Rounder round;
};

/// Floats of one type, rounded to another.
class FloatNode final : public ParameterReader::Node {
public:
  FloatNode(ParameterNodePtr operand, int64_t elementSize, mlir::Type from,
            Rounder round)
      : Node(operand->shape, elementSize), operand(std::move(operand)),
        from(from), round(round) {}

  Error read(const RowBlock &block, char *out, int64_t stride) const override {
    int64_t rowBytes = block.columns * operand->elementSize;
    std::vector<char> stored(rowBytes);
    std::vector<float> values(block.columns);
    for (int64_t row = 0; row < block.rows; ++row) {
      if (Error error =
              operand->read({block.row + row, 1, block.column, block.columns},
                            stored.data(), rowBytes))
        return error;
      widenFloats(from, stored.data(), block.columns, values.data());
      round(values.data(), block.columns, out + row * stride);
    }
    return Error::success();
  }

private:
  ParameterNodePtr operand;
  mlir::Type from;
  Rounder round;
};

} // namespace

void moec::widenFloats(mlir::Type type, const char *from, int64_t count,
                       float *out) {
  auto widen = [&](auto stored, auto convert) {
    for (int64_t i = 0; i < count; ++i) {
      std::memcpy(&stored, from + i * sizeof stored, sizeof stored);
      out[i] = convert(stored);
    }
  };
  if (type.isF32())
    return widen(float(), [](float value) { return value; });
  if (type.isF16())
    return widen(uint16_t(), widenF16);
  if (type.isBF16())
    return widen(uint16_t(), widenBf16);
  if (mlir::isa<mlir::Float8E4M3FNType>(type))
    return widen(uint8_t(), widenE4M3);
  widen(uint8_t(), widenE5M2);
}

bool moec::canWiden(mlir::Type type) {
  return type.isF32() || type.isF16() || type.isBF16() ||
         mlir::isa<mlir::Float8E4M3FNType, mlir::Float8E5M2Type>(type);
}

Expected<mlir::Type> moec::getStoredType(mlir::Attribute value,
                                         SourceFiles &files) {
  while (auto expr = mlir::dyn_cast<moe::ExprAttr>(value))
    value = expr.getOperands()[0];
  auto source = mlir::dyn_cast<moe::SourceAttr>(value);
  if (!source)
    return createStringError("expected tensors of a file as operands of "
                             "#moe.quantized");
  auto tensor = files.find(source.getFile(), source.getTensor());
  if (!tensor)
    return tensor.takeError();
  mlir::Type type = getElementType(tensor->entry->dtype, value.getContext());
  if (!type)
    return createStringError(tensor->file->getPath() + ": tensor '" +
                             source.getTensor().getValue() + "': dtype " +
                             tensor->entry->dtype + " is not known here");
  return type;
}

Expected<ParameterNodePtr> moec::buildQuantizedNode(moe::QuantizedAttr attr,
                                                    Component component,
                                                    mlir::Type element,
                                                    SourceFiles &files) {
  Rounder round{Rounder::To::F32};
  int64_t elementSize = component == Component::Codes ? 1 : 4;
  if (component == Component::Values) {
    auto rounder = Rounder::create(element);
    if (!rounder)
      return rounder.takeError();
    round = *rounder;
    elementSize = element.getIntOrFloatBitWidth() / 8;
  }
  if (attr.getFormat() == moe::QuantizedFormat::Float) {
    auto type = getStoredType(attr.getOperands()[0], files);
    if (!type)
      return type.takeError();
    if (!canWiden(*type) || component != Component::Values)
      return createStringError("#moe.quantized<float> expects a tensor of "
                               "F32, F16, BF16, F8_E4M3 or F8_E5M2");
    auto operand = openOperand(attr.getOperands()[0], *type, files);
    if (!operand)
      return operand.takeError();
    return std::make_unique<FloatNode>(std::move(*operand), elementSize, *type,
                                       round);
  }
  auto tensor = openQuantized(attr, files);
  if (!tensor)
    return tensor.takeError();
  Shape shape = (*tensor)->shape;
  if (component == Component::Scales || component == Component::Offsets)
    shape.back() = (*tensor)->numScales(shape.back());
  return std::make_unique<QuantizedNode>(shape, elementSize, std::move(*tensor),
                                         component, round);
}

Expected<ParameterNodePtr> moec::openOperand(mlir::Attribute value,
                                             mlir::Type element,
                                             SourceFiles &files) {
  auto rank = getValueRank(value, files);
  if (!rank)
    return rank.takeError();
  if (!*rank)
    return createStringError("#moe.random cannot be quantised");
  return buildParameterNode(value, Shape(**rank, mlir::ShapedType::kDynamic),
                            element, files);
}
