// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/object/Packing.h"
#include "dialects/grouped/Grouped.h"
#include "dialects/moe/Moe.h"
#include "weights/encodings/BlockPanels.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace moec;
using namespace moec::object;
using moe::QuantizedFormat;

static std::optional<GgmlFormat> getGgmlFormat(QuantizedFormat format) {
  switch (format) {
  case QuantizedFormat::Q8_0:
    return GgmlFormat::Q8_0;
  case QuantizedFormat::Q4_0:
    return GgmlFormat::Q4_0;
  case QuantizedFormat::Q4K:
    return GgmlFormat::Q4K;
  case QuantizedFormat::Q5K:
    return GgmlFormat::Q5K;
  case QuantizedFormat::Q6K:
    return GgmlFormat::Q6K;
  case QuantizedFormat::GgmlMxfp4:
    return GgmlFormat::Mxfp4;
  default:
    return std::nullopt;
  }
}

/// The formats of the quantised tensors that values are made of.
static void collectFormats(ArrayRef<Attribute> values,
                           SmallVectorImpl<QuantizedFormat> &formats) {
  for (Attribute value : values) {
    if (auto quantized = dyn_cast<moe::QuantizedAttr>(value))
      formats.push_back(quantized.getFormat());
    else if (auto expr = dyn_cast<moe::ExprAttr>(value))
      collectFormats(expr.getOperands(), formats);
  }
}

static NibbleCode getNibbles(grouped::BlockCode code) {
  switch (code) {
  case grouped::BlockCode::Int4:
    return NibbleCode::Biased;
  case grouped::BlockCode::UInt4:
    return NibbleCode::Plain;
  case grouped::BlockCode::E2M1:
    return NibbleCode::E2M1;
  case grouped::BlockCode::Int8:
  case grouped::BlockCode::E4M3:
    return NibbleCode::None;
  }
  llvm_unreachable("unknown code");
}

/// Sets the source of block panels.
static void describeBlocks(grouped::PackedAttr packed,
                           PackDescription &weight) {
  grouped::BlocksAttr blocks = packed.getPanels().getBlocks();
  weight.blockSize = blocks.getSize();
  weight.nibbles = static_cast<int64_t>(getNibbles(blocks.getCode()));
  weight.halfScales = blocks.getHalf();
  weight.hasOffset = blocks.getOffset();
  SmallVector<QuantizedFormat> formats;
  collectFormats(packed.getValues(), formats);
  if (formats.empty()) {
    weight.source = PackSource::Quantize;
    return;
  }
  std::optional<GgmlFormat> format = getGgmlFormat(formats.front());
  if (!format || !llvm::all_equal(formats) ||
      weight.depth % getGgmlBlock(*format).elements)
    return;
  weight.source = PackSource::Ggml;
  weight.format = static_cast<int64_t>(*format);
}

PackDescription moec::object::describePacking(RankedTensorType type,
                                              Attribute value) {
  PackDescription weight;
  int64_t elementSize = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  weight.size = elementSize * type.getNumElements();
  auto packed = dyn_cast_or_null<grouped::PackedAttr>(value);
  if (!packed) {
    weight.source = PackSource::Tensor;
    return weight;
  }
  grouped::PanelsAttr panels = packed.getPanels();
  weight.groups = type.getDimSize(0);
  weight.parts = panels.getParts();
  weight.columns = panels.getColumns();
  weight.depth = panels.getDepth();
  if (packed.getLayout() != grouped::RhsLayout::NK)
    return weight;
  if (panels.getBlocks()) {
    describeBlocks(packed, weight);
  } else {
    weight.source = PackSource::Panels;
    weight.elementSize = elementSize;
  }
  return weight;
}

std::string moec::object::describeSource(RankedTensorType type,
                                         Attribute value) {
  PackDescription weight = describePacking(type, value);
  std::string text;
  llvm::raw_string_ostream out(text);
  if (weight.source == PackSource::None)
    return "handed over packed only";
  if (weight.source == PackSource::Tensor) {
    out << "from 1 pointer: " << type.getElementType() << " [";
    llvm::interleaveComma(type.getShape(), out);
    out << ']';
    return text;
  }
  auto packed = cast<grouped::PackedAttr>(value);
  int64_t pointers = weight.getNumRows();
  out << "from " << pointers << (pointers == 1 ? " pointer" : " pointers");
  out << ": ";
  llvm::ListSeparator then(", then ");
  for (StringAttr name : packed.getNames())
    out << then << weight.groups << " to " << name.getValue();
  out << "; each ";
  if (weight.source == PackSource::Ggml) {
    SmallVector<QuantizedFormat> formats;
    collectFormats(packed.getValues(), formats);
    out << "rows of " << moe::stringifyQuantizedFormat(formats.front())
        << " blocks";
  } else if (weight.source == PackSource::Quantize) {
    out << "f32";
  } else {
    out << type.getElementType();
  }
  out << " [" << weight.columns << ", " << weight.depth << ']';
  return text;
}
