// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "weights/ParameterStream.h"
#include "dialects/grouped/Grouped.h"
#include "weights/OrderedChunks.h"
#include "weights/QuantizedNode.h"
#include "weights/encodings/BlockPanels.h"
#include "weights/encodings/Floats.h"
#include "llvm/ADT/Twine.h"
#include <algorithm>
#include <thread>

using namespace moec;
using llvm::createStringError;
using llvm::Error;
using llvm::Expected;
using llvm::Twine;
using ReaderPtr = std::unique_ptr<ParameterReader>;

/// Bytes of one chunk: large enough to read and write well, small enough that a
/// few of them stay in the cache.
static constexpr int64_t kChunkBytes = 2 << 20;

/// Two workers and the consumer saturate the memory that one file is read from
/// and written to; below two chunks a thread costs more than it brings.
static unsigned chooseWorkers(int64_t chunks) {
  return chunks <= 2 ? 0
                     : std::clamp(std::thread::hardware_concurrency(), 1u, 2u);
}

namespace {

/// A #grouped.packed value, checked: its parts and their layout.
struct PackedSource {
  std::vector<ReaderPtr> parts;
  PanelLayout layout;
  int64_t groups = 0;
  /// With blocks: how they are stored, and readers of each part's scales and
  /// offsets; `parts` read codes then. Floats that are quantised here have
  /// neither.
  std::optional<BlockPanelLayout> blocks;
  std::vector<ReaderPtr> scales, offsets;
  bool bf16 = false;

  static Expected<PackedSource> create(grouped::PackedAttr value,
                                       mlir::RankedTensorType type,
                                       llvm::StringRef name,
                                       SourceFiles &files);
  Error stream(ByteSink sink) const;

private:
  Error openBlocks(grouped::PackedAttr value, mlir::RankedTensorType type,
                   llvm::StringRef name, SourceFiles &files);
  Error openComponent(mlir::Attribute part, llvm::StringRef name,
                      Component component, mlir::Type element, int64_t columns,
                      SourceFiles &files, std::vector<ReaderPtr> &readers);
  Error readBlocks(size_t part, int64_t row, int64_t rows,
                   std::vector<uint8_t> &codes,
                   std::vector<float> &factors) const;
  Error streamBlocks(ByteSink sink) const;
};

} // namespace

/// The value as [.., columns, depth].
static mlir::Attribute orientPart(mlir::Attribute value, bool kn,
                                  int64_t rank) {
  if (!kn)
    return value;
  llvm::SmallVector<int64_t> permutation;
  for (int64_t dim = 0; dim < rank - 2; ++dim)
    permutation.push_back(dim);
  permutation.append({rank - 1, rank - 2});
  return moe::ExprAttr::get(value.getContext(), moe::ExprKind::Transpose, value,
                            permutation);
}

Expected<PackedSource> PackedSource::create(grouped::PackedAttr value,
                                            mlir::RankedTensorType type,
                                            llvm::StringRef name,
                                            SourceFiles &files) {
  grouped::PanelsAttr panels = value.getPanels();
  mlir::Type element = type.getElementType();
  PackedSource source;
  source.layout.columns = panels.getColumns();
  source.layout.depth = panels.getDepth();
  source.layout.parts = panels.getParts();
  source.layout.elementSize =
      element.isIntOrFloat() ? element.getIntOrFloatBitWidth() / 8 : 0;
  source.groups = type.getRank() ? type.getDimSize(0) : 0;
  if (panels.getBlocks()) {
    if (Error error = source.openBlocks(value, type, name, files))
      return error;
    return source;
  }
  bool sized = source.layout.elementSize == 2 || source.layout.elementSize == 4;
  if (!sized ||
      type.getShape() != llvm::ArrayRef<int64_t>(
                             panels.getPackedShape(source.groups, element)))
    return createStringError(
        "parameter '" + name +
        "': the type is not the packed type of its panels");
  for (auto [part, partName] : llvm::zip(value.getValues(), value.getNames())) {
    auto rank = getValueRank(part, files);
    if (!rank)
      return createStringError("parameter '" + partName.getValue() +
                               "': " + llvm::toString(rank.takeError()));
    bool matrix = source.groups == 1 && *rank && **rank == 2;
    llvm::SmallVector<int64_t> shape;
    if (!matrix)
      shape.push_back(source.groups);
    shape.append({source.layout.columns, source.layout.depth});
    bool kn = value.getLayout() == grouped::RhsLayout::KN;
    auto reader =
        ParameterReader::create(orientPart(part, kn, shape.size()),
                                mlir::RankedTensorType::get(shape, element),
                                partName.getValue(), files);
    if (!reader)
      return reader.takeError();
    source.parts.push_back(std::move(*reader));
  }
  return source;
}

/// The first tensor that `value` is made of.
static mlir::Attribute firstTensor(mlir::Attribute value) {
  while (auto expr = mlir::dyn_cast<moe::ExprAttr>(value))
    value = expr.getOperands()[0];
  return value;
}

static bool isQuantized(mlir::Attribute value) {
  return mlir::isa<moe::QuantizedAttr>(firstTensor(value));
}

static bool isRandom(mlir::Attribute value) {
  return mlir::isa<moe::RandomAttr>(firstTensor(value));
}

Error PackedSource::openComponent(mlir::Attribute part, llvm::StringRef name,
                                  Component component, mlir::Type element,
                                  int64_t columns, SourceFiles &files,
                                  std::vector<ReaderPtr> &readers) {
  auto rank = getValueRank(part, files);
  if (!rank)
    return createStringError("parameter '" + name +
                             "': " + llvm::toString(rank.takeError()));
  llvm::SmallVector<int64_t> shape{layout.columns, columns};
  if (groups != 1 || !*rank || **rank != 2)
    shape.insert(shape.begin(), groups);
  auto reader =
      ParameterReader::create(part, mlir::RankedTensorType::get(shape, element),
                              name, files, component);
  if (!reader)
    return reader.takeError();
  readers.push_back(std::move(*reader));
  return Error::success();
}

Error PackedSource::openBlocks(grouped::PackedAttr value,
                               mlir::RankedTensorType type,
                               llvm::StringRef name, SourceFiles &files) {
  grouped::PanelsAttr panels = value.getPanels();
  grouped::BlocksAttr form = panels.getBlocks();
  if (value.getLayout() != grouped::RhsLayout::NK ||
      !type.getElementType().isInteger(8) ||
      type.getShape() != llvm::ArrayRef<int64_t>(panels.getPackedShape(
                             groups, type.getElementType())))
    return createStringError(
        "parameter '" + name +
        "': the type is not the packed type of its panels");
  blocks.emplace();
  blocks->shape = layout;
  blocks->size = form.getSize();
  blocks->halfScales = form.getHalf();
  blocks->hasOffset = form.getOffset();
  switch (form.getCode()) {
  case grouped::BlockCode::Int8:
  case grouped::BlockCode::E4M3:
    break;
  case grouped::BlockCode::Int4:
    blocks->nibbles = NibbleCode::Biased;
    break;
  case grouped::BlockCode::UInt4:
    blocks->nibbles = NibbleCode::Plain;
    break;
  case grouped::BlockCode::E2M1:
    blocks->nibbles = NibbleCode::E2M1;
    break;
  }
  mlir::Builder builder(value.getContext());
  mlir::Type f32 = builder.getF32Type();
  int64_t numScales = layout.depth / blocks->size;
  for (auto [part, symbol] : llvm::zip(value.getValues(), value.getNames())) {
    llvm::StringRef partName = symbol.getValue();
    if (!isQuantized(part)) {
      mlir::Type stored = f32;
      if (!isRandom(part)) {
        auto found = getStoredType(part, files);
        if (!found)
          return found.takeError();
        stored = *found;
      }
      bf16 = stored.isBF16();
      if (Error error = openComponent(part, partName, Component::Values, stored,
                                      layout.depth, files, parts))
        return error;
      continue;
    }
    if (Error error =
            openComponent(part, partName, Component::Codes, builder.getI8Type(),
                          layout.depth, files, parts))
      return error;
    if (Error error = openComponent(part, partName, Component::Scales, f32,
                                    numScales, files, scales))
      return error;
    if (blocks->hasOffset)
      if (Error error = openComponent(part, partName, Component::Offsets, f32,
                                      numScales, files, offsets))
        return error;
  }
  return Error::success();
}

/// Codes, and scales before offsets, of some rows of a part.
Error PackedSource::readBlocks(size_t part, int64_t row, int64_t rows,
                               std::vector<uint8_t> &codes,
                               std::vector<float> &factors) const {
  int64_t numScales = layout.depth / blocks->size;
  codes.resize(rows * layout.depth);
  factors.resize(2 * rows * numScales);
  float *offsetsAt = factors.data() + rows * numScales;
  auto bytes = [](auto *data, int64_t count) {
    return llvm::MutableArrayRef<char>(reinterpret_cast<char *>(data), count);
  };
  if (scales.empty()) {
    // Floats: f32, f16 or bf16.
    const ParameterReader &reader = *parts[part];
    int64_t size = reader.getElementSize();
    std::vector<char> stored(rows * layout.depth * size);
    if (Error error = reader.read({row, rows, 0, layout.depth}, stored))
      return error;
    std::vector<float> values(layout.depth);
    for (int64_t i = 0; i < rows; ++i) {
      const char *from = stored.data() + i * layout.depth * size;
      for (int64_t k = 0; k < layout.depth; ++k) {
        uint16_t half;
        std::memcpy(&half, from + k * size, 2);
        if (size == 4)
          std::memcpy(&values[k], from + k * size, 4);
        else
          values[k] = bf16 ? widenBf16(half) : widenF16(half);
      }
      quantizeRow(values.data(), layout.depth, blocks->size,
                  blocks->nibbles == NibbleCode::None ? 8 : 4,
                  {codes.data() + i * layout.depth,
                   factors.data() + i * numScales, offsetsAt});
    }
    return Error::success();
  }
  if (Error error = parts[part]->read({row, rows, 0, layout.depth},
                                      bytes(codes.data(), codes.size())))
    return error;
  if (Error error =
          scales[part]->read({row, rows, 0, numScales},
                             bytes(factors.data(), rows * numScales * 4)))
    return error;
  if (offsets.empty())
    return Error::success();
  return offsets[part]->read({row, rows, 0, numScales},
                             bytes(offsetsAt, rows * numScales * 4));
}

Error PackedSource::streamBlocks(ByteSink sink) const {
  int64_t run = std::clamp<int64_t>(kChunkBytes / blocks->panelBytes(), 1,
                                    layout.panels());
  int64_t runs = (layout.panels() + run - 1) / run;
  auto make = [&](int64_t chunk, std::vector<char> &buffer) -> Error {
    int64_t first = chunk % runs * run;
    int64_t count = std::min(run, layout.panels() - first);
    int64_t column = first * layout.lanesPerPart();
    int64_t columns =
        std::min(count * layout.lanesPerPart(), layout.columns - column);
    int64_t row = chunk / runs * layout.columns + column;
    std::vector<uint8_t> codes[2];
    std::vector<float> factors[2];
    BlockRow rows[2];
    for (size_t part = 0; part < parts.size(); ++part) {
      if (Error error =
              readBlocks(part, row, columns, codes[part], factors[part]))
        return error;
      rows[part] = {codes[part].data(), factors[part].data(),
                    factors[part].data() + factors[part].size() / 2};
    }
    buffer.resize(count * blocks->panelBytes());
    packBlockPanels(*blocks, rows, first, count,
                    reinterpret_cast<uint8_t *>(buffer.data()));
    return Error::success();
  };
  return runOrderedChunks(
      groups * runs, chooseWorkers(groups * runs), make,
      [&](const std::vector<char> &buffer) { return sink(buffer); });
}

Error PackedSource::stream(ByteSink sink) const {
  if (blocks)
    return streamBlocks(std::move(sink));
  // A chunk is a run of panels of one group.
  int64_t run = std::clamp<int64_t>(
      kChunkBytes / std::max<int64_t>(layout.panelBytes(), 1), 1,
      layout.panels());
  int64_t runs = (layout.panels() + run - 1) / run;
  auto make = [&](int64_t chunk, std::vector<char> &buffer) -> Error {
    int64_t group = chunk / runs;
    int64_t first = chunk % runs * run;
    int64_t count = std::min(run, layout.panels() - first);
    int64_t column = first * layout.lanesPerPart();
    int64_t columns =
        std::min(count * layout.lanesPerPart(), layout.columns - column);
    int64_t partBytes = columns * layout.depth * layout.elementSize;
    // Kept by the thread: making it anew would clear it for nothing.
    static thread_local std::vector<char> rows;
    rows.resize(partBytes * layout.parts);
    const void *partRows[2] = {rows.data(), rows.data() + partBytes};
    for (auto [index, part] : llvm::enumerate(parts))
      if (Error error = part->read(
              {group * layout.columns + column, columns, 0, layout.depth},
              {rows.data() + index * partBytes,
               static_cast<size_t>(partBytes)}))
        return error;
    buffer.resize(count * layout.panelBytes());
    packPanels(layout, partRows, first, count, buffer.data());
    return Error::success();
  };
  return runOrderedChunks(
      groups * runs, chooseWorkers(groups * runs), make,
      [&](const std::vector<char> &buffer) { return sink(buffer); });
}

/// Row-major bytes: runs of rows, or pieces of one row where rows are long.
static Error streamRows(const ParameterReader &reader, ByteSink sink) {
  int64_t rows = reader.getNumRows(), columns = reader.getNumColumns();
  if (rows == 0 || columns == 0)
    return Error::success();
  int64_t rowRun =
      std::clamp<int64_t>(kChunkBytes / reader.getRowBytes(), 1, rows);
  int64_t columnRun = std::min(columns, kChunkBytes / reader.getElementSize());
  int64_t columnRuns = (columns + columnRun - 1) / columnRun;
  int64_t chunks = (rows + rowRun - 1) / rowRun * columnRuns;
  auto make = [&](int64_t chunk, std::vector<char> &buffer) -> Error {
    RowBlock block;
    block.row = chunk / columnRuns * rowRun;
    block.rows = std::min(rowRun, rows - block.row);
    block.column = chunk % columnRuns * columnRun;
    block.columns = std::min(columnRun, columns - block.column);
    buffer.resize(block.rows * block.columns * reader.getElementSize());
    return reader.read(block, buffer);
  };
  return runOrderedChunks(
      chunks, chooseWorkers(chunks), make,
      [&](const std::vector<char> &buffer) { return sink(buffer); });
}

Error moec::checkParameter(mlir::Attribute value, mlir::RankedTensorType type,
                           llvm::StringRef name, SourceFiles &files) {
  if (auto packed = mlir::dyn_cast_if_present<grouped::PackedAttr>(value))
    return PackedSource::create(packed, type, name, files).takeError();
  return ParameterReader::create(value, type, name, files).takeError();
}

Error moec::streamParameter(mlir::Attribute value, mlir::RankedTensorType type,
                            llvm::StringRef name, SourceFiles &files,
                            ByteSink sink) {
  if (auto packed = mlir::dyn_cast_if_present<grouped::PackedAttr>(value)) {
    auto source = PackedSource::create(packed, type, name, files);
    return source ? source->stream(sink) : source.takeError();
  }
  auto reader = ParameterReader::create(value, type, name, files);
  return reader ? streamRows(**reader, sink) : reader.takeError();
}

Expected<std::vector<char>> moec::readParameter(mlir::Attribute value,
                                                mlir::RankedTensorType type,
                                                llvm::StringRef name,
                                                SourceFiles &files) {
  std::vector<char> bytes;
  Error error = streamParameter(
      value, type, name, files, [&](llvm::ArrayRef<char> chunk) {
        bytes.insert(bytes.end(), chunk.begin(), chunk.end());
        return Error::success();
      });
  if (error)
    return error;
  return bytes;
}
